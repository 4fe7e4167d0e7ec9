import type { Target } from '../../../domain/csv/mapping.ts';
import type { Person } from '../../auth/better-auth.ts';

/** What the company pages show, and nothing more: rows of the database are turned into these. */

export type SyncStatus = 'pending' | 'processing' | 'success' | 'failed' | 'cancelled';
export type ImportStatus = 'uploading' | 'ready' | 'running' | 'done' | 'failed' | 'cancelled';

/** `unconnected`: no credentials yet; `paused`: the CRM refuses them. */
export type CrmView = {
  state: 'connected' | 'paused' | 'unconnected';
  locationId: string | null;
  version: 'v2' | 'v1';
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
  /** Of the file, read so far: 0 to 1; null while nobody can tell. */
  fraction: number | null;
  problem: string | null;
  createdAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  /** What became of its leads in the CRM. */
  sync: { pending: number; success: number; failed: number } | null;
};

export type ReasonView = { field: string; reason: string; rows: number };

export type PreviewView = {
  encoding: string;
  delimiter: string;
  /** What the uploader said of it; absent: found out. */
  dialect: { encoding?: string; delimiter?: string };
  columns: {
    header: string;
    examples: string[];
    target: Target | null;
    /** How it was found; null: it was not, or is left out. */
    because: 'header' | 'values' | 'remembered' | 'chosen' | null;
  }[];
  rows: { row: number; ok: boolean; title: string; detail: string; problems: string[] }[] | null;
  /** Names of the company's own fields, beside those of this file's headers. */
  customFields: readonly string[];
  looksLikeData: boolean;
  problem: string | null;
  /** The same file, imported before. */
  sameFile: { id: string; at: Date } | null;
};

export type LogRow = {
  id: string;
  leadId: string;
  /** Shortened for a list: the whole contact is in the CRM. */
  who: string;
  phoneEnd: string;
  phoneValid: boolean;
  status: SyncStatus;
  attempts: number;
  worker: string | null;
  contactId: string | null;
  error: string | null;
  at: Date;
};

export type KeyView = {
  id: string;
  name: string;
  prefix: string;
  scopes: readonly string[];
  createdAt: Date;
  lastUsedAt: Date | null;
};

export type MemberView = { userId: string; name: string; email: string; hasPassword: boolean };

/** The frame around a page: who reads it, and what waits for an operator. */
export type Visit = { person: Person; parked: number; inbox: number };

/** A form's answers as they were typed, and what is wrong with them. */
export type FormState = {
  values: Readonly<Record<string, string>>;
  errors: Readonly<Record<string, readonly string[]>>;
  problem?: string | undefined;
};
export const untouched: FormState = { values: {}, errors: {} };
