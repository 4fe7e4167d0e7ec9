import type { Child } from 'hono/jsx';
import { Frame } from '../../web/layout.tsx';
import { ConfirmForm, type Tone } from '../../web/parts.tsx';
import type { CompanyView, CrmView, FormState, ImportStatus, SyncStatus, Visit } from '../view-types.ts';

type Place = 'home' | 'companies' | 'company';
type Tab = 'dashboard' | 'upload' | 'lead' | 'imports' | 'settings';

export const home = (company: { number: number }, path = '') => `/dashboard/${company.number}${path}`;

type PageProps = { title: string; visit: Visit; still?: boolean; children: Child };

/** A page that belongs to no single company. */
export function OuterPage(props: PageProps & { place: Place; stream?: string | undefined }) {
  const { visit, place } = props;
  return (
    <Frame
      title={props.title}
      chrome={{ ...visit, tab: place === 'company' ? undefined : place }}
      stream={props.still ? null : props.stream}
      scripts={['company.js']}
    >
      {props.children}
    </Frame>
  );
}

/** A page of a company, with its name, the state of its CRM, and links to its other pages. */
export function CompanyPage(
  props: PageProps & { company: CompanyView; tab?: Tab; live?: boolean; heading?: string },
) {
  const { visit, company, tab } = props;
  const operator = visit.person.role === 'operator';
  const at = (name: Tab) => (tab === name ? 'page' : undefined);
  return (
    <Frame
      title={`${props.title} · ${company.name}`}
      chrome={{ ...visit, tab: operator ? 'companies' : 'home' }}
      stream={props.live && !props.still ? home(company, '/live') : null}
      scripts={['company.js']}
    >
      <div class="company-head">
        {operator ? (
          <nav class="crumbs" aria-label="Where you are">
            <a href="/companies" data-up={tab === 'dashboard' ? '' : undefined}>
              Companies
            </a>
          </nav>
        ) : null}
        <div class="company-name">
          <h1 class="clip">{company.name}</h1>
          <span data-live="crm-state">
            <CrmBadge crm={company.crm} />
          </span>
          <span class="sub">Company {company.number}</span>
        </div>
        <nav class="tabs-row" aria-label={company.name}>
          <a
            href={home(company)}
            aria-current={at('dashboard')}
            data-up={tab === 'dashboard' ? undefined : ''}
          >
            Dashboard
          </a>
          <a href={home(company, '/upload')} aria-current={at('upload')}>
            Upload
          </a>
          <a href={home(company, '/lead')} aria-current={at('lead')}>
            Add lead
          </a>
          <a href={home(company, '/imports')} aria-current={at('imports')}>
            Imports
          </a>
          <a href={home(company, '/settings')} aria-current={at('settings')}>
            Settings
          </a>
        </nav>
      </div>
      {props.children}
    </Frame>
  );
}

const crmFaces: Record<CrmView['state'], { label: string; tone: Tone }> = {
  connected: { label: 'CRM connected', tone: 'good' },
  paused: { label: 'CRM paused', tone: 'bad' },
  unconnected: { label: 'CRM not connected', tone: 'wait' },
};

export function CrmBadge({ crm }: { crm: CrmView }) {
  const { label, tone } = crmFaces[crm.state];
  return (
    <span class={`state tone-${tone}`} data-crm={crm.state}>
      {label}
    </span>
  );
}

const syncFaces: Record<SyncStatus, { label: string; tone: Tone }> = {
  pending: { label: 'Waiting', tone: 'wait' },
  processing: { label: 'In progress', tone: 'busy' },
  success: { label: 'In the CRM', tone: 'good' },
  failed: { label: 'Failed', tone: 'bad' },
  cancelled: { label: 'Cancelled', tone: 'quiet' },
};
export const syncLabel = (status: SyncStatus): string => syncFaces[status].label;

export function SyncBadge({ status }: { status: SyncStatus }) {
  const { label, tone } = syncFaces[status];
  return (
    <span class={`state tone-${tone}`} data-status={status}>
      {label}
    </span>
  );
}

const importFaces: Record<ImportStatus, { label: string; tone: Tone }> = {
  uploading: { label: 'Uploading', tone: 'busy' },
  ready: { label: 'Waiting for you', tone: 'wait' },
  waiting: { label: 'Queued', tone: 'wait' },
  running: { label: 'Reading', tone: 'busy' },
  done: { label: 'Done', tone: 'good' },
  failed: { label: 'Failed', tone: 'bad' },
  cancelled: { label: 'Cancelled', tone: 'quiet' },
};

export function ImportBadge({ status }: { status: ImportStatus }) {
  const { label, tone } = importFaces[status];
  return (
    <span class={`state tone-${tone}`} data-import={status}>
      {label}
    </span>
  );
}

/** A labelled control with its hint and its errors, linked for screen readers. */
export function Field(props: {
  name: string;
  label: string;
  form: FormState;
  hint?: Child;
  optional?: boolean;
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
    autofocus: props.autofocus,
  };
  return (
    <div class="form-field">
      <label for={name}>
        {props.label}
        {props.optional ? <span class="quiet"> (optional)</span> : null}
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

export function Problem({ form }: { form: FormState }) {
  const count = Object.keys(form.errors).length;
  const text = form.problem ?? (count > 0 ? 'Not saved. Please correct the fields marked below.' : undefined);
  return text ? (
    <p class="problem" role="alert">
      {text}
    </p>
  ) : null;
}

export function Tile(props: {
  label: string;
  value: string | number;
  tone?: Tone | undefined;
  children?: Child;
}) {
  return (
    <div class={`tile ${props.tone ? `tone-${props.tone}` : ''}`}>
      <span class="tile-label">{props.label}</span>
      <strong>{typeof props.value === 'number' ? whole(props.value) : props.value}</strong>
      <span class="tile-note">{props.children}</span>
    </div>
  );
}

/** `1,234,567` */
export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
export const count = (value: number, one: string, many = `${one}s`): string =>
  `${whole(value)} ${value === 1 ? one : many}`;

export function fileSize(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const kilobytes = bytes / 1_024;
  if (kilobytes < 1_024) return `${kilobytes < 10 ? kilobytes.toFixed(1) : Math.round(kilobytes)} KB`;
  const megabytes = kilobytes / 1_024;
  return `${megabytes < 10 ? megabytes.toFixed(1) : Math.round(megabytes)} MB`;
}

/** `2026-01-31 09:30 UTC` */
export const day = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Resumes a paused CRM with its present credentials. */
export function TryAgain({ company }: { company: CompanyView }) {
  return (
    <ConfirmForm
      action={home(company, '/settings/crm/resume')}
      label="Resume"
      question={`All waiting leads of ${company.name} are sent to ${company.crm.label} again, with the present credentials.`}
      confirm="Resume sending"
    />
  );
}
