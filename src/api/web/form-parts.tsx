import type { Child } from 'hono/jsx';

/** A form's values as submitted, and what is wrong with them. */
export type FormState = {
  values: Readonly<Record<string, string>>;
  errors: Readonly<Record<string, readonly string[]>>;
  problem?: string | undefined;
};
export const untouched: FormState = { values: {}, errors: {} };

/** A labelled control with its hint and its errors, linked for screen readers. */
export function Field(props: {
  name: string;
  label: string;
  form: FormState;
  hint?: Child;
  /** `unsaid`: the label does not say it. */
  optional?: boolean | 'unsaid';
  type?: string;
  value?: string;
  placeholder?: string;
  autocomplete?: string;
  autofocus?: boolean;
  rows?: number;
  max?: number;
  min?: number;
  options?: readonly (readonly [value: string, label: string])[];
}) {
  const { name, form } = props;
  const errors = form.errors[name] ?? [];
  const value = form.values[name] ?? props.value ?? '';
  const described = [props.hint ? `${name}-hint` : '', errors.length > 0 ? `${name}-error` : '']
    .filter(Boolean)
    .join(' ');
  const control = {
    id: name,
    name,
    required: !props.optional,
    placeholder: props.placeholder,
    'aria-describedby': described || undefined,
    'aria-invalid': errors.length > 0 ? ('true' as const) : undefined,
    // After a refused form, the first wrong field: browsers take the first of the page.
    autofocus: errors.length > 0 || (props.autofocus && Object.keys(form.errors).length === 0),
  };
  return (
    <div class="form-field">
      <label for={name}>
        {props.label}
        {props.optional === true ? <span class="quiet"> (optional)</span> : null}
      </label>
      {props.options ? (
        <select class="select" {...control}>
          {props.options.map(([option, label]) => (
            <option value={option} selected={option === value}>
              {label}
            </option>
          ))}
        </select>
      ) : props.rows ? (
        <textarea class="textarea" rows={props.rows} maxlength={props.max} {...control}>
          {value}
        </textarea>
      ) : (
        <input
          class="input"
          type={props.type ?? 'text'}
          value={value}
          maxlength={props.type === 'number' ? undefined : props.max}
          min={props.min}
          max={props.type === 'number' ? props.max : undefined}
          autocomplete={props.autocomplete ?? 'off'}
          {...control}
        />
      )}
      {errors.length > 0 ? (
        <p class="field-error" id={`${name}-error`}>
          {errors.join(', ')}
        </p>
      ) : null}
      {props.hint ? (
        <p class="sub" id={`${name}-hint`}>
          {props.hint}
        </p>
      ) : null}
    </div>
  );
}

/** A box to tick. `checked`: before anything is typed. */
export function Check(props: { name: string; label: string; form: FormState; checked?: boolean }) {
  const { name, form } = props;
  const isTyped = Object.keys(form.values).length > 0;
  return (
    <label class="check">
      <input
        type="checkbox"
        class="input"
        name={name}
        value="1"
        checked={isTyped ? form.values[name] !== undefined : props.checked}
      />
      {props.label}
    </label>
  );
}

export function Problem({ form }: { form: FormState }) {
  const count = Object.keys(form.errors).length;
  const text = form.problem ?? (count > 0 ? 'Please fix the highlighted fields.' : undefined);
  return text ? (
    <p class="problem" role="alert">
      {text}
    </p>
  ) : null;
}
