import type { Child } from 'hono/jsx';
import { Frame } from '../../web/layout.tsx';
import { ConfirmForm, capital, type Tone } from '../../web/parts.tsx';
import type { CompanyView, CrmView, ImportStatus, ImportView, SyncStatus, Visit } from '../view-types.ts';

export { Field, Problem } from '../../web/form-parts.tsx';

type Place = 'home' | 'companies' | 'company';
type Tab = 'dashboard' | 'imports' | 'lead' | 'settings';

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
export function CompanyPage(props: PageProps & { company: CompanyView; tab?: Tab; live?: boolean }) {
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
          <h1 class="clip">
            {company.name}
            <span class="visually-hidden">: {props.title}</span>
          </h1>
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
          <a href={home(company, '/imports')} aria-current={at('imports')}>
            Imports
          </a>
          <a href={home(company, '/lead')} aria-current={at('lead')}>
            Add lead
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
  cancelled: { label: 'Canceled', tone: 'quiet' },
};
export const syncLabel = (status: SyncStatus): string => syncFaces[status].label;

/** `paused`: the company's CRM is, so that nothing waits for its turn. */
export function SyncBadge({ status, paused = false }: { status: SyncStatus; paused?: boolean }) {
  const { label, tone } =
    paused && status === 'pending' ? { label: 'Paused', tone: 'bad' } : syncFaces[status];
  return (
    <span class={`state tone-${tone}`} data-status={status}>
      {label}
    </span>
  );
}

type Face = { label: string; tone: Tone };

const importFaces: Record<ImportStatus, Face> = {
  uploading: { label: 'Uploading', tone: 'busy' },
  ready: { label: 'Waiting for you', tone: 'wait' },
  waiting: { label: 'Queued', tone: 'wait' },
  running: { label: 'Reading', tone: 'busy' },
  done: { label: 'Done', tone: 'good' },
  failed: { label: 'Failed', tone: 'bad' },
  cancelled: { label: 'Canceled', tone: 'quiet' },
};

/** A file that was read is done when its leads are in the CRM. */
export function ImportBadge({ file, crm }: { file: ImportView; crm: CrmView['state'] }) {
  const { label, tone } = importFace(file, crm);
  return (
    <span class={`state tone-${tone}`} data-import={file.status}>
      {label}
    </span>
  );
}

export function importFace(file: ImportView, crm: CrmView['state']): Face {
  const { status, created, sync } = file;
  if (file.stopped && file.readToEnd && created > 0) return { label: 'Stopped', tone: 'quiet' };
  if (status !== 'done' || created === 0) return importFaces[status];
  const { pending = 0, failed = 0 } = sync ?? {};
  const failures = failed > 0 ? `${whole(failed)} failed` : '';
  const waiting =
    pending > 0 ? { connected: 'sending', paused: 'paused', unconnected: 'CRM needed' }[crm] : '';
  if (failures === '' && waiting === '') return importFaces.done;
  const tone = failures || crm === 'paused' ? 'bad' : crm === 'connected' ? 'busy' : 'wait';
  return { label: capital([waiting, failures].filter(Boolean).join(', ')), tone };
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
