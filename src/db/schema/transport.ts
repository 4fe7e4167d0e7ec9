import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { AlertDetails } from '../../domain/messaging/alerts.ts';
import { recipientKinds } from '../../domain/recipient.ts';
import type { WorkerName } from '../../events/routes.ts';
import { effectStates } from '../transport/effect-state.ts';
import { moment, quoted, sealed } from './columns.ts';

/** Append-only, partitioned by month of `occurred_at` (declared in the migration; drizzle has no syntax for it). */
export const events = pgTable(
  'events',
  {
    id: uuid().notNull(),
    occurredAt: moment('occurred_at').notNull(),
    type: text().notNull(),
    version: integer().notNull(),
    organizationId: uuid('organization_id'),
    subject: text().notNull(),
    correlationId: uuid('correlation_id').notNull(),
    causationId: uuid('causation_id'),
    data: jsonb().notNull(),
  },
  (t) => [primaryKey({ columns: [t.id, t.occurredAt] }), index('events_subject').on(t.subject, t.occurredAt)],
);

/** One row per (event, worker), deleted by the statement that finishes the work. */
export const outbox = pgTable(
  'outbox',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    eventId: uuid('event_id').notNull(),
    eventAt: moment('event_at').notNull(),
    worker: text().notNull(),
    organizationId: uuid('organization_id'),
    /** Of the sync of an import's lead: imports of one organization take turns. Null for all other work. */
    importId: uuid('import_id'),
    /** Part of the job id: raising it invalidates every older job of this row. */
    epoch: integer().notNull().default(0),
    dueAt: moment('due_at').notNull(),
    /** Until when a run that makes a call holds a due row. Not indexed, so a claim changes no index. */
    leaseUntil: moment('lease_until'),
    /** True while a job of this epoch should be in the queue. */
    queued: boolean().notNull(),
    /** Set by the sweeper on rows that came due in greater number than it admits at once. */
    linedUp: boolean('lined_up').notNull().default(false),
    /** Sweeper visits since this epoch began. */
    visits: integer().notNull().default(0),
    /** Failed attempts only; visits, snoozes and 429s are not counted. */
    attempts: integer().notNull().default(0),
    parkedAt: moment('parked_at'),
    lastError: text('last_error'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    index('outbox_due').on(t.worker, t.dueAt).where(sql`queued and parked_at is null`),
    // Waiting rows, each in one of the two: those that were due when they were stored, and those due at a later time.
    index('outbox_in_line')
      .on(t.worker, t.organizationId, t.importId, t.dueAt)
      .where(sql`not queued and parked_at is null and (lined_up or due_at <= created_at)`),
    index('outbox_later')
      .on(t.worker, t.dueAt)
      .where(sql`not queued and parked_at is null and not lined_up and due_at > created_at`),
    index('outbox_parked').on(t.parkedAt).where(sql`parked_at is not null`),
    uniqueIndex('outbox_once').on(t.eventId, t.worker),
  ],
);

/** One call with an external effect, keyed by its business identity. */
export const effects = pgTable(
  'effects',
  {
    key: text().primaryKey(),
    /** Sent to the vendor and returned in its callbacks; also the id of the message. */
    id: uuid().notNull().unique(),
    vendor: text().notNull(),
    kind: text().notNull(),
    organizationId: uuid('organization_id'),
    /** Subject, in the format of events: `unlock:<id>`. */
    subject: text().notNull(),
    state: text().notNull(),
    /** Fencing token: changes with each claim, and only its holder can complete the effect. */
    fence: uuid().notNull(),
    leaseUntil: moment('lease_until').notNull(),
    /** How many times the call was posted, or may have been. */
    posts: integer().notNull().default(1),
    vendorId: text('vendor_id'),
    result: jsonb(),
    errorCode: text('error_code'),
    claimedAt: moment('claimed_at').notNull().defaultNow(),
    /** When the vendor's listing first did not contain it. */
    missingSince: moment('missing_since'),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    index('effects_subject').on(t.subject),
    check('effects_state', sql`${t.state} in (${quoted(effectStates)})`),
  ],
);

/** Every run of a worker and every call it made. Kept after the outbox row is deleted, for timelines. Ids sort by time. */
export const attempts = pgTable(
  'attempts',
  {
    id: uuid().primaryKey(),
    outboxId: bigint('outbox_id', { mode: 'number' }).notNull(),
    eventId: uuid('event_id').notNull(),
    worker: text().notNull(),
    subject: text().notNull(),
    effectKey: text('effect_key'),
    startedAt: moment('started_at').notNull(),
    endedAt: moment('ended_at'),
    outcome: text(),
    detail: text(),
  },
  (t) => [index('attempts_subject').on(t.subject, t.startedAt)],
);

/** SMS and e-mail we sent; partitioned by month of `created_at`. `id` is the effect's id (UUIDv7). */
export const messages = pgTable(
  'messages',
  {
    id: uuid().notNull(),
    createdAt: moment('created_at').notNull(),
    organizationId: uuid('organization_id'),
    /** Subject, in the format of events: `unlock:<id>`. */
    subject: text().notNull(),
    recipientKind: text('recipient_kind').notNull(),
    /** Id of the buyer, of the consumer's lead, or of the member's user. */
    recipientId: uuid('recipient_id'),
    phoneId: uuid('phone_id'),
    channel: text().notNull(),
    purpose: text().notNull(),
    recipient: sealed(),
    body: sealed(),
    status: text().notNull(),
    vendorId: text('vendor_id'),
    errorCode: text('error_code'),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.id, t.createdAt] }),
    index('messages_subject').on(t.subject),
    index('messages_phone').on(t.phoneId, t.createdAt),
    index('messages_vendor').on(t.vendorId),
    // Without the table name, because PostgreSQL parses the constraint again for each partition.
    check('messages_recipient_kind', sql`recipient_kind in (${quoted(recipientKinds)})`),
    check(
      'messages_recipient',
      sql`(recipient_kind in ('buyer', 'consumer', 'member')) = (recipient_id is not null)`,
    ),
    check('messages_status', sql`${t.status} in ('posting', 'queued', 'sent', 'delivered', 'failed')`),
  ],
);

/** Inbound messages and webhooks, one row each. Texts are sealed. */
export const inbox = pgTable(
  'inbox',
  {
    id: uuid().primaryKey(),
    source: text().notNull(),
    externalId: text('external_id').notNull(),
    kind: text().notNull(),
    organizationId: uuid('organization_id'),
    unlockId: uuid('unlock_id'),
    phoneId: uuid('phone_id'),
    /** Sealed sender and text of a message; null for events that carry ids only. */
    sender: sealed(),
    body: sealed(),
    /** Classified intent: accept, decline, stop, ... */
    intent: text(),
    /** True until an operator has reviewed it: the message was stored and not answered. */
    needsOperator: boolean('needs_operator').notNull().default(false),
    handledAt: moment('handled_at'),
    receivedAt: moment('received_at').notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('inbox_once').on(t.source, t.externalId),
    index('inbox_attention').on(t.receivedAt).where(sql`needs_operator and handled_at is null`),
    index('inbox_received').on(t.receivedAt),
    index('inbox_phone').on(t.phoneId, t.receivedAt),
  ],
);

/** First response of each Idempotency-Key: replayed for the same body, refused for a different one. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    organizationId: uuid('organization_id').notNull(),
    key: text().notNull(),
    route: text().notNull(),
    requestHash: text('request_hash').notNull(),
    status: integer().notNull(),
    answer: jsonb().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.key] }), index('idempotency_keys_age').on(t.createdAt)],
);

/** Alerts for operators: mailed once and shown on the console until resolved. */
export const alerts = pgTable(
  'alerts',
  {
    id: uuid().primaryKey(),
    /** One alert per cause. */
    key: text().notNull().unique(),
    kind: text().notNull(),
    organizationId: uuid('organization_id'),
    subject: text().notNull(),
    text: text().notNull(),
    /** What its title says besides names; null for alerts of older versions. */
    details: jsonb().$type<AlertDetails>(),
    createdAt: moment('created_at').notNull().defaultNow(),
    resolvedAt: moment('resolved_at'),
  },
  (t) => [index('alerts_open').on(t.createdAt).where(sql`resolved_at is null`)],
);

/** Until when a vendor's own list of events was read, to find those whose webhook never came. */
export const eventCursors = pgTable('event_cursors', {
  vendor: text().primaryKey(),
  readUntil: moment('read_until').notNull(),
});

/** Processes that run workers, as they last reported. A row that is no longer renewed is a process that died. */
export const workerProcesses = pgTable(
  'worker_processes',
  {
    id: uuid().primaryKey(),
    host: text().notNull(),
    /** The workers it runs: how many milliseconds before `seen_at` each last ran, or null. */
    workers: jsonb().$type<Partial<Record<WorkerName, number | null>>>().notNull(),
    startedAt: moment('started_at').notNull().defaultNow(),
    seenAt: moment('seen_at').notNull().defaultNow(),
  },
  (t) => [index('worker_processes_seen').on(t.seenAt)],
);

/** Which process sweeps, in one row. Unlogged: a crash of the server empties it, and the next tick takes it. */
export const sweeperLease = pgTable(
  'sweeper_lease',
  {
    id: integer().primaryKey().default(1),
    holder: uuid().notNull(),
    until: moment('until').notNull(),
  },
  (t) => [check('sweeper_lease_one', sql`${t.id} = 1`)],
);
