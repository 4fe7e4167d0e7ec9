import type { CrmHints } from '../../adapters/crm.ts';
import type { Person } from '../../domain/account/person.ts';
import type { Choice } from './column-choices.ts';

/** What the company pages show. views.ts makes these from database rows. */

export type SyncStatus = 'pending' | 'processing' | 'success' | 'failed' | 'cancelled';
/** `waiting`: started, and earlier imports of the company are read first. */
export type ImportStatus = 'uploading' | 'ready' | 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

/** `unconnected`: no credentials yet; `paused`: the CRM refuses them. */
export type CrmView = {
  state: 'connected' | 'paused' | 'unconnected';
  label: string;
  hints: CrmHints;
  apis: readonly { version: string; label: string }[];
  /** Whether it can be connected by signing in to it. */
  oauth: boolean;
  accountId: string | null;
  version: string;
  /** `shared`: the installation's own token. */
  kind: 'token' | 'oauth' | 'shared';
  rateShare: number;
  pausedAt: Date | null;
  reason: string | null;
};

export type CompanyView = {
  number: number;
  name: string;
  ownerName: string;
  ownerEmail: string;
  ownerPhone: string;
  region: string;
  dedupeWindowMs: number;
  tags: readonly string[];
  sourceLabel: string | null;
  fieldMapping: Readonly<Record<string, string>>;
  createdAt: Date;
  crm: CrmView;
};

export type StatisticsView = {
  total: number;
  pending: number;
  processing: number;
  success: number;
  failed: number;
  cancelled: number;
  perMinute: number;
  lastErrors: { error: string; leads: number; lastAt: Date | null }[];
};

export type ImportView = {
  id: string;
  status: ImportStatus;
  fileName: string;
  bytes: number;
  totalRows: number;
  readRows: number;
  created: number;
  duplicates: number;
  rejected: number;
  /** Rejected rows that the file of rejected rows lists; the others are only counted. */
  rejectsKept: number;
  /** Share of the file read so far, 0 to 1; null while it is unknown. */
  fraction: number | null;
  problem: string | null;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  /** Its leads are kept from the CRM: it was stopped or cancelled. */
  stopped: boolean;
  /** Since when; null when it is not stopped, or was before the time was kept. */
  stoppedAt: Date | null;
  readToEnd: boolean;
  /** What became of its leads in the CRM. `pending` includes those under way, `cancelled` are kept from it. */
  sync: { pending: number; success: number; failed: number; cancelled: number } | null;
};

type ReasonView = { field: string; reason: string; rows: number };

/** `state`: rejected, imported, or imported with something that will not be as it was typed. */
export type SampleRow = {
  row: number;
  state: 'ok' | 'odd' | 'rejected';
  title: string;
  detail: string;
  problems: string[];
};

export type PreviewView = {
  encoding: string;
  /** The encodings that fit, when several do, with words as each reads them. */
  readings: { encoding: string; words: string[] }[];
  delimiter: string;
  /** Set by the uploader; detected when absent. */
  dialect: { encoding?: string; delimiter?: string; headerRow?: number };
  /** The row of the column names; 0: the file has none. */
  headerRow: number;
  /** The first rows of the file, of which one can be chosen as the header. */
  firstRows: { row: number; text: string }[];
  columns: {
    header: string;
    examples: string[];
    target: Choice;
    /** How the target was found; null when the column is left out. */
    because: 'header' | 'values' | 'remembered' | 'chosen' | null;
  }[];
  rows: SampleRow[] | null;
  /** Names of the company's fields in the CRM. */
  customFields: readonly string[];
  /** The CRM's other fields. Null: it is not connected or does not answer. */
  crm: { fields: readonly { id: string; name: string; type: string }[]; canCreate: boolean } | null;
  /** What the import would do. Null before the mapping is complete. */
  counted: {
    rows: number;
    created: number;
    duplicates: number;
    rejected: number;
    /** New leads with something that will not be as it was typed, by field. */
    warnings: Readonly<Record<string, number>>;
    complete: boolean;
    rejects: SampleRow[];
  } | null;
  /** Columns that hold something and that no field is made of; the first column is 0. */
  dropped: readonly { column: number; header: string }[];
  looksLikeData: boolean;
  problem: string | null;
  /** An earlier import of the same file. */
  sameFile: { id: string; at: Date } | null;
};

export type LogRow = {
  id: string;
  leadId: string;
  /** Shortened; the full contact is in the CRM. */
  who: string;
  phoneEnd: string;
  phoneValid: boolean;
  status: SyncStatus;
  attempts: number;
  worker: string | null;
  contactId: string | null;
  error: string | null;
  /** What was left out or merged in the CRM. */
  remark: string | null;
  at: Date;
};

export type KeyView = {
  id: string;
  name: string;
  prefix: string;
  scopes: readonly string[];
  /** False when it has scopes that the viewer lacks. */
  revocable: boolean;
  createdAt: Date;
  lastUsedAt: Date | null;
};

export type MemberView = { userId: string; name: string; email: string; hasPassword: boolean };

/** What the frame around a page shows: the signed-in person and an operator's counts. */
export type Visit = { person: Person; parked: number; inbox: number };

export { type FormState, untouched } from '../web/form-parts.tsx';

export type HomeView = {
  companies: { company: CompanyView; statistics: StatisticsView }[];
  /** There are more companies than these. */
  more: boolean;
  imports: { company: { number: number; name: string; crm: CrmView['state'] }; file: ImportView }[];
  now: Date;
};

export type CompaniesView = {
  companies: { company: CompanyView; statistics: StatisticsView }[];
  search: string;
  /** Where the next page begins; null on the last. */
  next: number | null;
};

export type DashboardView = {
  statistics: StatisticsView;
  imports: ImportView[];
  log: LogRow[];
  older: string | null;
  filter: { status: string; search: string; importId: string | null };
  now: Date;
  curl: string;
};

export type ImportPageView = { file: ImportView; reasons: ReasonView[]; now: Date };
