import { type SQL, sql } from 'drizzle-orm';
import type { Recipient } from '../../domain/recipient.ts';
import type { Queryable } from '../client.ts';
import { type AttemptRow, attemptPart, type Fence, type Part, run } from '../commit.ts';
import { paidList } from '../unlock/states.ts';
import { unlockIdOf } from '../unlock/unlocks.ts';

export type EffectState = 'claimed' | 'released' | 'accepted' | 'refused' | 'unknown';

export type EffectRow = {
  key: string;
  id: string;
  state: EffectState;
  fence: string;
  posts: number;
  vendorId: string | null;
  result: unknown;
  errorCode: string | null;
  claimedAt: Date;
  missingSince: Date | null;
  /** Milliseconds by the database's clock: until the lease ends (negative: it has), since the claim, since it was first missing. */
  leaseLeftMs: number;
  sinceClaimMs: number;
  missingForMs: number | null;
};

export type MessageDraft = {
  organizationId: string | null;
  subject: string;
  recipient: Recipient;
  phoneId: string | null;
  channel: 'sms' | 'email';
  purpose: string;
  /** Sealed. */
  address: string;
  body: string;
  createdAt: Date;
};

export type ClaimRequest = {
  key: string;
  /** Used when the effect is new. */
  id: string;
  fence: string;
  vendor: string;
  kind: string;
  organizationId: string | null;
  /** What it is about, as events name it: `unlock:<id>`. */
  subject: string;
  leaseMs: number;
  /** The vendor has an idempotency key: an expired or unknown claim may simply be made again. */
  repeatable: boolean;
  /** An unknown outcome was looked for twice and is not at the vendor: post it a second and last time. */
  repost: boolean;
  /** The conversation an SMS goes into; an opt-out or bad number there refuses the claim. */
  line: { phoneId: string; ignoreOptOut: boolean; capped: boolean } | null;
  message: MessageDraft | null;
  /** Carries the contact: claimed only while its unlock is paid, and counted there so that a refund sees it. */
  reveals: boolean;
};

export type Claim =
  | { kind: 'claimed'; id: string; posts: number }
  | { kind: 'fence_lost' }
  | { kind: 'opted_out' }
  | { kind: 'bad_number' }
  | { kind: 'capped' }
  /** The unlock of a reveal is not paid, or not any more. */
  | { kind: 'not_paid' }
  /** Somebody else's, or finished: `effect` says which. */
  | { kind: 'exists'; effect: EffectRow };

const effectColumns =
  sql.raw(`key, id, state, fence, posts, vendor_id AS "vendorId", result, error_code AS "errorCode",
  claimed_at AS "claimedAt", missing_since AS "missingSince",
  (extract(epoch FROM lease_until - now()) * 1000)::float8 AS "leaseLeftMs",
  (extract(epoch FROM now() - claimed_at) * 1000)::float8 AS "sinceClaimMs",
  (extract(epoch FROM now() - missing_since) * 1000)::float8 AS "missingForMs"`);

/** An opt-out commits on this row and a claim shares it: from that commit on no SMS is leased. */
function openLine(line: NonNullable<ClaimRequest['line']>): SQL {
  return sql`SELECT id FROM phones WHERE id = ${line.phoneId} AND bad_number_at IS NULL
    AND (opted_out_at IS NULL OR ${line.ignoreOptOut}) FOR SHARE`;
}

/** Spend cap per organization and UTC day, and per number and hour. */
function underCap(request: ClaimRequest, phoneId: string): SQL {
  return sql`SELECT 1 FROM organizations g WHERE g.id = ${request.organizationId}
    AND g.sms_per_day > (SELECT coalesce(sum(c.sent), 0) FROM sms_counters c WHERE c.organization_id = g.id
      AND c.day = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
    AND g.sms_per_number_hour > (SELECT count(*) FROM messages m WHERE m.phone_id = ${phoneId} AND m.created_at > now() - interval '1 hour')`;
}

function messagePart(message: MessageDraft, vendor: string): SQL {
  const { recipient } = message;
  return sql`INSERT INTO messages (id, created_at, organization_id, subject, recipient_kind, recipient_id, phone_id, channel, purpose,
      recipient, body, status)
    SELECT claim.id, ${message.createdAt}::timestamptz, ${message.organizationId}::uuid, ${message.subject}, ${recipient.kind}, ${'id' in recipient ? recipient.id : null}::uuid,
      ${message.phoneId}::uuid, ${message.channel}, ${message.purpose}, ${message.address}, ${message.body}, 'posting'
    FROM claim WHERE claim.inserted AND ${vendor}::text IS NOT NULL`;
}

/**
 * Claims an effect before its call, and pushes the outbox row past the call's own timeout in the same statement.
 * The claim is committed when this returns; the call comes after.
 */
export async function claimEffect(
  db: Queryable,
  request: ClaimRequest,
  fence: Fence | null,
  attempt: AttemptRow | null,
): Promise<Claim> {
  const { line, message } = request;
  const parts: SQL[] = [];
  const add = (name: string, body: SQL) => parts.push(sql`${sql.raw(name)} AS (${body})`);
  const conditions: SQL[] = [sql`true`];
  if (fence) {
    add(
      'held',
      sql`UPDATE outbox SET due_at = now() + make_interval(secs => ${request.leaseMs}::float8 / 1000) WHERE id = ${fence.outboxId}
      AND epoch = ${fence.epoch} AND parked_at IS NULL RETURNING id`,
    );
    conditions.push(sql`EXISTS (SELECT 1 FROM held)`);
  }
  if (line) {
    add('line', openLine(line));
    conditions.push(sql`EXISTS (SELECT 1 FROM line)`);
    if (line.capped) {
      add('cap', underCap(request, line.phoneId));
      conditions.push(sql`EXISTS (SELECT 1 FROM cap)`);
    }
  }
  if (request.reveals) {
    add(
      'paid',
      sql`UPDATE lead_unlocks SET reveal_claims = reveal_claims + 1 WHERE id = ${unlockIdOf(request.subject)}::uuid
      AND status IN (${paidList}) RETURNING id`,
    );
    conditions.push(sql`EXISTS (SELECT 1 FROM paid)`);
  }
  add('claim', claimPart(request, sql.join(conditions, sql` AND `)));
  if (message) add('message', messagePart(message, request.vendor));
  if (line && request.organizationId) {
    // One per post: a 429 or a refused connection was none, so claiming again after it counts nothing.
    add(
      'counted',
      sql`INSERT INTO sms_counters (organization_id, day, shard, sent)
      SELECT ${request.organizationId}, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'), ${Math.floor(Math.random() * 16)}::integer, 1 FROM claim
      WHERE claim.inserted OR ${request.repost}
      ON CONFLICT (organization_id, day, shard) DO UPDATE SET sent = sms_counters.sent + 1`,
    );
  }
  if (attempt) add('attempt', attemptPart(attempt, sql`EXISTS (SELECT 1 FROM claim)`));
  const [row] = await run<{
    claim: { id: string; posts: number } | null;
    held: boolean;
    line: boolean;
    cap: boolean;
    paid: boolean;
  }>(
    db,
    sql`WITH ${sql.join(parts, sql`,\n`)} SELECT (SELECT json_build_object('id', id, 'posts', posts) FROM claim) AS claim,
      ${fence ? sql`EXISTS (SELECT 1 FROM held)` : sql`true`} AS held,
      ${line ? sql`EXISTS (SELECT 1 FROM line)` : sql`true`} AS line,
      ${line?.capped ? sql`EXISTS (SELECT 1 FROM cap)` : sql`true`} AS cap,
      ${request.reveals ? sql`EXISTS (SELECT 1 FROM paid)` : sql`true`} AS paid`,
  );
  if (row!.claim) return { kind: 'claimed', ...row!.claim };
  if (!row!.held) return { kind: 'fence_lost' };
  const effect = await findEffect(db, request.key);
  // A second post needs an open line, room under the cap and a payment just as a first one does.
  const barred = request.repost && effect?.state === 'unknown' && !(row!.line && row!.cap && row!.paid);
  if (effect && effect.state !== 'released' && !barred) return { kind: 'exists', effect };
  if (line && !row!.line) return { kind: (await isOptedOut(db, line.phoneId)) ? 'opted_out' : 'bad_number' };
  if (!row!.paid) return { kind: 'not_paid' };
  if (!row!.cap) return { kind: 'capped' };
  throw new Error(`effect ${request.key} could be neither claimed nor found`);
}

function claimPart(request: ClaimRequest, when: SQL): SQL {
  return sql`INSERT INTO effects AS e (key, id, vendor, kind, organization_id, subject, state, fence, lease_until)
    SELECT ${request.key}, ${request.id}::uuid, ${request.vendor}, ${request.kind}, ${request.organizationId}::uuid, ${request.subject},
      'claimed', ${request.fence}::uuid, now() + make_interval(secs => ${request.leaseMs}::float8 / 1000) WHERE ${when}
    ON CONFLICT (key) DO UPDATE SET state = 'claimed', fence = excluded.fence, lease_until = excluded.lease_until, claimed_at = now(),
      missing_since = NULL, error_code = NULL, updated_at = now(), posts = e.posts + CASE e.state WHEN 'released' THEN 0 ELSE 1 END
    WHERE e.state = 'released'
      OR (${request.repeatable} AND e.state IN ('claimed', 'unknown') AND e.lease_until <= now())
      OR (${request.repost} AND e.state = 'unknown' AND e.posts < 2 AND e.missing_since IS NOT NULL)
    RETURNING e.id, e.posts, e.id = ${request.id}::uuid AS inserted`;
}

async function isOptedOut(db: Queryable, phoneId: string): Promise<boolean> {
  const [row] = await run<{ out: boolean }>(
    db,
    sql`SELECT opted_out_at IS NOT NULL AS out FROM phones WHERE id = ${phoneId}`,
  );
  return row?.out ?? true;
}

export async function findEffect(db: Queryable, key: string): Promise<EffectRow | null> {
  const [row] = await run<EffectRow>(db, sql`SELECT ${effectColumns} FROM effects WHERE key = ${key}`);
  return row ?? null;
}

/** The sealed text as it was first posted: what a vendor's listing is searched for, and what a second post repeats. */
export async function findPostedBody(db: Queryable, effectId: string): Promise<string | null> {
  const [row] = await run<{ body: string | null }>(
    db,
    sql`SELECT body FROM messages WHERE id = ${effectId}::uuid AND created_at >= ${monthBefore(effectId)}::timestamptz
      AND created_at < ${monthBefore(effectId)}::timestamptz + interval '1 day'`,
  );
  return row?.body ?? null;
}

/** The key of the effect behind a message. */
export async function findEffectKey(db: Queryable, effectId: string): Promise<string | null> {
  const [row] = await run<{ key: string }>(db, sql`SELECT key FROM effects WHERE id = ${effectId}::uuid`);
  return row?.key ?? null;
}

/** Refused texts and mails about a subject may be tried again once a person has mended the cause; opt-outs stay refused. */
export function releaseRefused(subject: string): Part {
  return {
    name: 'released',
    statement: (when) => sql`UPDATE effects SET state = 'released', error_code = NULL, updated_at = now()
      WHERE subject = ${subject} AND state = 'refused' AND kind IN ('sms', 'email')
        AND error_code NOT IN ('opted_out', 'bad_number', 'unknown_outcome') AND ${when}`,
  };
}

export type EffectOutcome =
  | { state: 'accepted'; vendorId: string | null; result: unknown }
  | { state: 'refused'; errorCode: string }
  | { state: 'released'; errorCode: string }
  | { state: 'unknown'; errorCode: string };

/**
 * Books what the vendor answered, on its own, right after the answer. Guarded by the claim's fence. A status callback
 * may have booked acceptance before us: that word stays.
 */
export async function bookEffect(
  db: Queryable,
  claim: { key: string; id: string; fence: string },
  outcome: EffectOutcome,
  attempt: AttemptRow | null,
): Promise<void> {
  const vendorId = outcome.state === 'accepted' ? outcome.vendorId : null;
  const result = outcome.state === 'accepted' ? JSON.stringify(outcome.result ?? null) : null;
  const errorCode = outcome.state === 'accepted' ? null : outcome.errorCode;
  const messageStatus = { accepted: 'queued', refused: 'failed', released: 'posting', unknown: 'posting' }[
    outcome.state
  ];
  await run(
    db,
    sql`WITH booked AS (
      UPDATE effects SET state = ${outcome.state}, vendor_id = coalesce(${vendorId}::text, vendor_id), result = ${result}::jsonb,
        error_code = ${errorCode}::text, updated_at = now(), lease_until = now()
      WHERE key = ${claim.key} AND fence = ${claim.fence}::uuid AND state = 'claimed' RETURNING id),
    message AS (
      UPDATE messages SET status = ${messageStatus}, vendor_id = coalesce(${vendorId}::text, vendor_id), error_code = ${errorCode}::text, updated_at = now()
      WHERE id = ${claim.id}::uuid AND created_at >= ${monthBefore(claim.id)}::timestamptz AND status = 'posting' AND EXISTS (SELECT 1 FROM booked))
    ${attempt ? sql`, attempt AS (${attemptPart(attempt, sql`true`)})` : sql``}
    SELECT 1 FROM booked`,
  );
}

/** Messages live in the partition of their own id's time; a lower bound keeps older partitions out of the plan. */
function monthBefore(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) - 1);
}

/** A claim whose run is gone: whether the vendor did it cannot be told from here. */
export async function markUnknown(
  db: Queryable,
  effect: { key: string; fence: string },
  errorCode: string,
): Promise<void> {
  await run(
    db,
    sql`UPDATE effects SET state = 'unknown', error_code = ${errorCode}, updated_at = now()
    WHERE key = ${effect.key} AND fence = ${effect.fence}::uuid AND state = 'claimed' AND lease_until <= now()`,
  );
}

/** The vendor's listing lacked it; the first such time starts the clock. */
export async function markMissing(db: Queryable, effect: { key: string; fence: string }): Promise<void> {
  await run(
    db,
    sql`UPDATE effects SET missing_since = coalesce(missing_since, now()), updated_at = now()
    WHERE key = ${effect.key} AND fence = ${effect.fence}::uuid AND state = 'unknown'`,
  );
}

/** An unknown outcome became known. */
export async function settleUnknown(
  db: Queryable,
  effect: { key: string; id: string; fence: string },
  outcome: { state: 'accepted'; vendorId: string } | { state: 'refused'; errorCode: string },
): Promise<void> {
  const vendorId = outcome.state === 'accepted' ? outcome.vendorId : null;
  const errorCode = outcome.state === 'refused' ? outcome.errorCode : null;
  await run(
    db,
    sql`WITH settled AS (
      UPDATE effects SET state = ${outcome.state}, vendor_id = coalesce(vendor_id, ${vendorId}::text), error_code = ${errorCode}::text, updated_at = now()
      WHERE key = ${effect.key} AND fence = ${effect.fence}::uuid AND state = 'unknown' RETURNING id)
    UPDATE messages m SET status = ${outcome.state === 'accepted' ? 'queued' : 'failed'}, vendor_id = coalesce(m.vendor_id, ${vendorId}::text),
      error_code = ${errorCode}::text, updated_at = now()
    FROM settled WHERE m.id = settled.id AND m.status = 'posting' AND m.created_at >= ${monthBefore(effect.id)}::timestamptz`,
  );
}
