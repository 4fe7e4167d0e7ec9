import { RefusedError } from '../errors.ts';

/**
 * What one organization, and one of its API keys, may use. `rate` counts units per window, `held` counts what is in
 * progress at once, `stored` counts rows. Null means no limit of that kind. What a supplier's key may
 * use has a lower limit per key: no supplier can use up what its organization has. docs/quotas.md is made from this table.
 */
export type Quota = {
  kind: 'rate' | 'held' | 'stored';
  /** What is counted, as a refusal names it: "previews of files". */
  what: string;
  perOrganization: number | null;
  perKey: number | null;
  /** Who has the lower limit, where it is not an API key. */
  share?: 'buyer';
  /** Of what is stored and cannot be removed. */
  stays?: true;
  /** Window of a rate, or the longest time that something held counts. Without meaning for what is stored. */
  seconds: number;
};

const minute = 60;
const day = 86_400;

export const quotas = {
  requests: { kind: 'rate', what: 'requests', perOrganization: 10_000, perKey: 5_000, seconds: 10 },
  previews: { kind: 'rate', what: 'previews of files', perOrganization: 60, perKey: 60, seconds: minute },
  body_kilobytes: {
    kind: 'rate',
    what: 'kilobytes of large requests',
    perOrganization: 600_000,
    perKey: 120_000,
    seconds: minute,
  },
  exports: {
    kind: 'rate',
    what: 'downloads of CSV files',
    perOrganization: 60,
    perKey: 60,
    seconds: minute,
  },
  crm_attempts: {
    kind: 'rate',
    what: 'attempts to connect a CRM',
    perOrganization: 10,
    perKey: 10,
    seconds: minute,
  },
  leads: {
    kind: 'rate',
    what: 'leads by API, by form and by file of a campaign',
    perOrganization: 1_000_000,
    perKey: 200_000,
    seconds: day,
  },
  offers: {
    kind: 'rate',
    what: 'offers to providers',
    perOrganization: 2_000_000,
    perKey: 400_000,
    seconds: day,
  },
  idempotency_keys: {
    kind: 'rate',
    what: 'Idempotency-Keys',
    perOrganization: 1_000_000,
    perKey: 200_000,
    seconds: day,
  },
  texts: {
    kind: 'rate',
    what: 'texts submitted by API',
    perOrganization: 200_000,
    perKey: 200_000,
    seconds: day,
  },
  unknown_texts: {
    kind: 'rate',
    what: 'texts from numbers without an offer',
    perOrganization: 10_000,
    perKey: 10_000,
    seconds: day,
  },
  market_changes: {
    kind: 'rate',
    what: 'changes of the catalog, buyers and suppliers',
    perOrganization: 200_000,
    perKey: null,
    seconds: day,
  },
  stripe_calls: {
    kind: 'rate',
    what: 'requests that call Stripe',
    perOrganization: 1_200,
    perKey: 60,
    share: 'buyer',
    seconds: minute,
  },
  known_addresses: {
    kind: 'rate',
    what: 'addresses of new buyers that belong to other accounts',
    perOrganization: 1_000,
    perKey: null,
    seconds: day,
  },
  registrations: {
    kind: 'rate',
    what: 'registrations of buyers with the invite code',
    perOrganization: 20_000,
    perKey: null,
    seconds: day,
  },
  keys_made: { kind: 'rate', what: 'API keys made', perOrganization: 1_000, perKey: 1_000, seconds: day },
  invitations: {
    kind: 'rate',
    what: 'invitations by e-mail',
    perOrganization: 200,
    perKey: 200,
    seconds: day,
  },
  files: { kind: 'rate', what: 'uploaded files', perOrganization: 5_000, perKey: 5_000, seconds: day },
  import_retries: {
    kind: 'rate',
    what: 'retries of imports',
    perOrganization: 60,
    perKey: 60,
    seconds: minute,
  },
  uploads: { kind: 'held', what: 'files being uploaded', perOrganization: 10, perKey: 10, seconds: 3_600 },
  passwords_made: {
    kind: 'held',
    what: 'buyers with a password being made',
    perOrganization: 10,
    perKey: null,
    seconds: minute,
  },
  downloads: { kind: 'held', what: 'downloads in progress', perOrganization: 5, perKey: 5, seconds: 3_600 },
  files_waiting: {
    kind: 'stored',
    what: 'uploaded files that are not imported yet',
    perOrganization: 50,
    perKey: null,
    seconds: 0,
  },
  api_keys: { kind: 'stored', what: 'active API keys', perOrganization: 100, perKey: null, seconds: 0 },
  providers: { kind: 'stored', what: 'providers', perOrganization: 50_000, perKey: null, seconds: 0 },
  suppliers: { kind: 'stored', what: 'suppliers', perOrganization: 1_000, perKey: null, seconds: 0 },
  categories: {
    kind: 'stored',
    what: 'categories, deleted ones included',
    perOrganization: 500,
    perKey: null,
    stays: true,
    seconds: 0,
  },
  campaigns: {
    kind: 'stored',
    what: 'campaigns, archived ones included',
    perOrganization: 20_000,
    perKey: null,
    stays: true,
    seconds: 0,
  },
  buyers: {
    kind: 'stored',
    what: 'buyers of the marketplace',
    perOrganization: 200_000,
    perKey: null,
    stays: true,
    seconds: 0,
  },
  subscriptions: {
    kind: 'stored',
    what: 'subscriptions that have not ended',
    perOrganization: 1_000_000,
    perKey: null,
    seconds: 0,
  },
} as const satisfies Record<string, Quota>;

export type QuotaName = keyof typeof quotas;
type NameOf<Kind extends Quota['kind']> = {
  [N in QuotaName]: (typeof quotas)[N]['kind'] extends Kind ? N : never;
}[QuotaName];
export type RateName = NameOf<'rate'>;
export type HeldName = NameOf<'held'>;
export type StoredName = NameOf<'stored'>;

export const quotaNames = Object.keys(quotas) as QuotaName[];

export const isQuotaName = (name: string): name is QuotaName => Object.hasOwn(quotas, name);

/** Limits that replace those of the table, for an installation or one organization. */
export type QuotaLimits = Partial<Record<QuotaName, number>>;

/** Keeps the entries that name a quota and a whole number. */
export function readQuotaLimits(given: unknown): QuotaLimits {
  if (typeof given !== 'object' || given === null) return {};
  return Object.fromEntries(
    Object.entries(given).filter(
      ([name, limit]) => isQuotaName(name) && Number.isSafeInteger(limit) && Number(limit) >= 0,
    ),
  );
}

export type LimitsOfQuota = { perOrganization: number | null; perKey: number | null };

/** The limits in force. A replaced limit holds for the organization and for each of its keys; the first source wins. */
export function limitsOf(name: QuotaName, sources: readonly (QuotaLimits | undefined)[]): LimitsOfQuota {
  for (const source of sources) {
    const limit = source?.[name];
    if (limit !== undefined) return { perOrganization: limit, perKey: limit };
  }
  const { perOrganization, perKey } = quotas[name];
  return { perOrganization, perKey };
}

/** Says which limit was met, what was kept and what to do. */
export function refusalOf(
  name: QuotaName,
  limit: number,
  whose: 'organization' | 'API key' | 'buyer',
): string {
  const { kind, what, seconds, stays }: Quota = quotas[name];
  const extent = { rate: ` in ${spanOf(seconds)}`, held: ' at once', stored: '' }[kind];
  const next = {
    rate: 'Repeat the request after the time in Retry-After.',
    held: 'Repeat the request when one of them has ended.',
    stored: stays
      ? 'Ask the operator for a higher limit.'
      : 'Remove some first, or ask the operator for a higher limit.',
  }[kind];
  return `Over the quota "${name}": ${limit} ${what}${extent} for one ${whose}. Nothing of this request was kept. ${next}`;
}

/** Of what an organization may store, what strangers and buyers may fill by themselves: a tenth stays for its own people. */
export const openToBuyers = (most: number): number => most - Math.floor(most / 10);

/** The refusal of a row beyond what may be stored: 429 `quota_exceeded`, or 409 and the code that clients know. */
export class StoredQuotaError extends RefusedError {
  readonly quota: StoredName;
  readonly most: number;

  constructor(quota: StoredName, most: number, known?: 'too_many_keys' | 'too_many_files') {
    const text = refusalOf(quota, most, 'organization');
    super(known ? 409 : 429, known ?? 'quota_exceeded', text, known ? {} : { retryAfterSeconds: 60 });
    this.quota = quota;
    this.most = most;
  }
}

/** "10 seconds", "1 minute", "1 day". */
export function spanOf(seconds: number): string {
  for (const [unit, length] of [
    ['day', day],
    ['hour', 3_600],
    ['minute', minute],
  ] as const) {
    if (seconds % length === 0) return count(seconds / length, unit);
  }
  return count(seconds, 'second');
}

const count = (n: number, unit: string) => `${n} ${unit}${n === 1 ? '' : 's'}`;
