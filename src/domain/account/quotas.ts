/**
 * What one organization, and one of its API keys, may use. `rate` counts units per window, `held` counts what is in
 * progress at once. Null means no limit of that kind.
 */
export type Quota = {
  kind: 'rate' | 'held';
  /** What is counted, as a refusal names it: "CSV previews". */
  what: string;
  perOrganization: number | null;
  perKey: number | null;
  /** Window of a rate, or the longest time that something held counts. */
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
    perKey: 600_000,
    seconds: minute,
  },
  exports: {
    kind: 'rate',
    what: 'downloads of rejected rows',
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
  idempotency_keys: {
    kind: 'rate',
    what: 'Idempotency-Keys',
    perOrganization: 500_000,
    perKey: 500_000,
    seconds: day,
  },
  unknown_texts: {
    kind: 'rate',
    what: 'texts from numbers without an offer',
    perOrganization: 10_000,
    perKey: 10_000,
    seconds: day,
  },
  uploads: { kind: 'held', what: 'files being uploaded', perOrganization: 5, perKey: 5, seconds: 3_600 },
} as const satisfies Record<string, Quota>;

export type QuotaName = keyof typeof quotas;
export type RateName = { [N in QuotaName]: (typeof quotas)[N]['kind'] extends 'rate' ? N : never }[QuotaName];
export type HeldName = Exclude<QuotaName, RateName>;
