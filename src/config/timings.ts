/** Durations in milliseconds. Constants, not environment variables; tests and the demo pass their own. */
export type Timings = {
  /** Time after which the sweeper republishes a published outbox row. */
  outboxVisibilityMs: number;
  sweepEveryMs: number;
  /** Age of an open checkout session before its state is fetched from Stripe. */
  reconcileAfterMs: number;
  reconcileEveryMs: number;
  /** Time between two readings of Stripe's list of events about refunds and disputes, for those whose webhook never came. */
  missedEventsEveryMs: number;
  /** Time between two checks of the ledger. */
  ledgerCheckEveryMs: number;
  /** Minimum time between the two vendor listings that must lack a message before it is sent again. */
  listingGapMs: number;
  /** How long an unknown outcome waits for the vendor's status callback before the vendor's messages are listed. */
  callbackGraceMs: number;
  /** How long a lead waits for the recharge of the wallet whose turn it is, once. */
  rechargeWaitMs: number;
  /** Pause between two looks for campaigns whose waiting leads are due to be tried. */
  wakeEveryMs: number;
  /** Time after which a reveal without a delivery failure counts as delivered. */
  assumeDeliveredMs: number;
  /** Time after which a failing CRM of a company raises an alert. */
  unwellAfterMs: number;
  backoffMs: number[];
};

export const defaultTimings: Timings = Object.freeze({
  outboxVisibilityMs: 10_000,
  sweepEveryMs: 1_000,
  reconcileAfterMs: 120_000,
  reconcileEveryMs: 120_000,
  missedEventsEveryMs: 3_600_000,
  ledgerCheckEveryMs: 3_600_000,
  listingGapMs: 60_000,
  callbackGraceMs: 15_000,
  rechargeWaitMs: 10_000,
  wakeEveryMs: 500,
  assumeDeliveredMs: 3_600_000,
  unwellAfterMs: 300_000,
  backoffMs: [10_000, 20_000, 40_000, 60_000],
});

/** How long operational rows are kept; db/transport/retention.ts deletes them. */
export type Retention = {
  /** Whole months after the month of writing. */
  eventsMonths: number;
  messagesMonths: number;
  /** Longer than any vendor retries (Stripe: 30 days), so that repeated webhooks are still deduplicated. */
  inboxDays: number;
  attemptsDays: number;
  /** Rejected rows of files, counted from the end of their import. */
  rejectsDays: number;
  /** Who changed what in an organization. */
  auditDays: number;
  /** Invitations, from their acceptance, revocation or expiry. */
  invitationsDays: number;
  /** How long a repeated Idempotency-Key returns the first response. Not configurable, because clients rely on it. */
  idempotencyDays: number;
};

export const defaultRetention: Retention = Object.freeze({
  eventsMonths: 25,
  messagesMonths: 13,
  inboxDays: 180,
  rejectsDays: 90,
  auditDays: 400,
  invitationsDays: 90,
  attemptsDays: 90,
  idempotencyDays: 7,
});
