/** A password or code of a form of the account page. `name` is also the name of its error. */
export function Secret(props: {
  name: string;
  /** Where two forms have a field of one name. */
  id?: string;
  label: string;
  autocomplete: string;
  errors: Readonly<Record<string, string>>;
  hint?: string;
  type?: 'text' | 'password';
}) {
  const { name, id = name } = props;
  const error = props.errors[id];
  const described = [props.hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean);
  return (
    <div class="form-field">
      <label for={id}>{props.label}</label>
      <input
        class="input"
        type={props.type ?? 'password'}
        id={id}
        name={name}
        autocomplete={props.autocomplete}
        maxlength={128}
        required
        aria-describedby={described.join(' ') || undefined}
        aria-invalid={error ? 'true' : undefined}
        autofocus={Boolean(error)}
      />
      {error ? (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      ) : null}
      {props.hint ? (
        <p class="sub" id={`${id}-hint`}>
          {props.hint}
        </p>
      ) : null}
    </div>
  );
}
