import { type SQL, sql } from 'drizzle-orm';
import { type After, statesBefore } from '../../domain/moves.ts';
import type { Cause } from '../../events/envelope.ts';
import type { Queryable } from '../client.ts';
import {
  type AttemptRow,
  attemptPart,
  type Change,
  type Fence,
  historyPart,
  type Part,
  run,
} from '../commit.ts';
import { quoted } from '../schema/columns.ts';
import { type EffectState, effectMoves } from './effect-state.ts';

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
  /** Milliseconds by the database's clock: until the lease ends (negative afterwards), since the claim, since missing. */
  leaseLeftMs: number;
  sinceClaimMs: number;
  missingForMs: number | null;
};

export type ClaimRequest = {
  key: string;
  /** Used when the effect is new. */
  id: string;
  fence: string;
  vendor: string;
  kind: string;
  organizationId: string | null;
  /** Subject, in the format of events: `unlock:<id>`. */
  subject: string;
  leaseMs: number;
  /** The vendor supports idempotency keys, so an expired or unknown claim may be repeated. */
  repeatable: boolean;
  /** An unknown effect was missing from two of the vendor's listings: post it a second and last time. */
  repost: boolean;
  guards: readonly ClaimGuard[];
  /** Written in the same statement as the claim. */
  writes: readonly ClaimWrite[];
  /** A move that comes before the call. When it matches no row, the claim is refused as `moved`. */
  move?: ClaimMove | null;
};

/** The guarded UPDATE of a move, with its events, which no worker waits for. It stands even where the claim is refused. */
export type ClaimMove = { change: Pick<Change, 'guard' | 'events'>; cause: Cause | null };

/** A condition of a claim, checked in its statement: unless `statement` returns a row, the claim is refused. */
export type ClaimGuard = {
  /** Names the CTE. */
  name: string;
  statement: SQL;
  /** The reason for the refusal. Called after the statement, for a guard that returned no row. */
  refusal(db: Queryable): Promise<string>;
};

/** A part of the claiming statement. `inserted`: the effect is new; `posted`: the effect is about to be posted. */
export type ClaimWrite = {
  name: string;
  statement(when: { inserted: SQL; posted: SQL }): SQL;
};

export type Claim =
  | { kind: 'claimed'; id: string; posts: number }
  | { kind: 'fence_lost' }
  /** A guard returned no row; `refusal` is its reason. */
  | { kind: 'refused'; refusal: string }
  /** Held by another run, or finished: see `effect`. */
  | { kind: 'exists'; effect: EffectRow };

const effectColumns =
  sql.raw(`key, id, state, fence, posts, vendor_id AS "vendorId", result, error_code AS "errorCode",
  claimed_at AS "claimedAt", missing_since AS "missingSince",
  (extract(epoch FROM lease_until - now()) * 1000)::float8 AS "leaseLeftMs",
  (extract(epoch FROM now() - claimed_at) * 1000)::float8 AS "sinceClaimMs",
  (extract(epoch FROM now() - missing_since) * 1000)::float8 AS "missingForMs"`);

/**
 * Claims an effect before its call, and leases the outbox row beyond the call's timeout in the same statement.
 * The claim is committed when this returns, before the call is made. `lost` records the call of an earlier claim that
 * never got an outcome, where this claim repeats it.
 */
export async function claimEffect(
  db: Queryable,
  request: ClaimRequest,
  fence: Fence | null,
  lost: AttemptRow | null,
): Promise<Claim> {
  const { guards, writes, move } = request;
  const parts: SQL[] = [];
  const add = (name: string, body: SQL) => parts.push(sql`${sql.raw(name)} AS (${body})`);
  const gaveRow = (name: string) => sql`EXISTS (SELECT 1 FROM ${sql.raw(name)})`;
  const conditions: SQL[] = [sql`true`];
  if (fence) {
    add(
      'held',
      sql`UPDATE outbox SET lease_until = now() + make_interval(secs => ${request.leaseMs}::float8 / 1000) WHERE id = ${fence.outboxId}
      AND epoch = ${fence.epoch} AND parked_at IS NULL RETURNING id`,
    );
    conditions.push(sql`EXISTS (SELECT 1 FROM held)`);
  }
  const isHeld = sql.join(conditions, sql` AND `);
  for (const { name, statement } of guards) {
    add(name, statement);
    conditions.push(gaveRow(name));
  }
  if (move?.change.guard) {
    // Whatever the guards find, they lock their rows first: a phone comes before an unlock in the order of locks.
    const looked = guards.map(({ name }) => sql`(SELECT count(*) FROM ${sql.raw(name)}) >= 0`);
    add('moved', move.change.guard(sql.join([isHeld, ...looked], sql` AND `)));
    conditions.push(gaveRow('moved'));
    add('facts', historyPart(move.change.events ?? [], move.cause, gaveRow('moved')));
  }
  add('claim', claimPart(request, sql.join(conditions, sql` AND `)));
  const inserted = sql`EXISTS (SELECT 1 FROM claim WHERE claim.inserted)`;
  const posted = request.repost ? sql`EXISTS (SELECT 1 FROM claim)` : inserted;
  for (const write of writes) add(write.name, write.statement({ inserted, posted }));
  // Only a repeatable claim takes over a call without an outcome; the statement sees the state before the claim.
  if (lost && request.repeatable) add('lost', lostPart(lost, request.key, sql`EXISTS (SELECT 1 FROM claim)`));
  const passed = guards.map(({ name }) => sql`${sql.raw(`'${name}'`)}, ${gaveRow(name)}`);
  const [row] = await run<{
    claim: { id: string; posts: number } | null;
    held: boolean;
    moved: boolean;
    passed: Record<string, boolean>;
  }>(
    db,
    sql`WITH ${sql.join(parts, sql`,\n`)} SELECT (SELECT json_build_object('id', id, 'posts', posts) FROM claim) AS claim,
      ${fence ? sql`EXISTS (SELECT 1 FROM held)` : sql`true`} AS held, ${move ? gaveRow('moved') : sql`true`} AS moved,
      json_build_object(${sql.join(passed, sql`, `)}) AS passed`,
  );
  if (row!.claim) return { kind: 'claimed', ...row!.claim };
  if (!row!.held) return { kind: 'fence_lost' };
  if (!row!.moved) return { kind: 'refused', refusal: 'moved' };
  const effect = await findEffect(db, request.key);
  const failed = guards.find(({ name }) => !row!.passed[name]);
  // A second post must pass the same guards as the first.
  const barred = request.repost && effect?.state === 'unknown' && failed !== undefined;
  if (effect && effect.state !== 'released' && !barred) return { kind: 'exists', effect };
  if (failed) return { kind: 'refused', refusal: await failed.refusal(db) };
  throw new Error(`effect ${request.key} could be neither claimed nor found`);
}

/** Records a call that was claimed and has no outcome; its run died. */
const lostPart = (lost: AttemptRow, key: string, when: SQL): SQL =>
  attemptPart(lost, sql`${when} AND e.state = 'claimed'`, {
    startedAt: sql`e.claimed_at`,
    from: sql`FROM effects e WHERE e.key = ${key}`,
  });

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

export async function findEffect(db: Queryable, key: string): Promise<EffectRow | null> {
  const [row] = await run<EffectRow>(db, sql`SELECT ${effectColumns} FROM effects WHERE key = ${key}`);
  return row ?? null;
}

/** How often the vendor refused an effect. Its subject is given for the index. */
export async function countRefusals(
  db: Queryable,
  { key, subject }: { key: string; subject: string },
): Promise<number> {
  const [row] = await run<{ n: number }>(
    db,
    sql`SELECT count(*)::int AS n FROM attempts WHERE subject = ${subject} AND effect_key = ${key} AND outcome = 'refused'`,
  );
  return row!.n;
}

/** The key of the effect with this id, which is also the id of its message. */
export async function findEffectKey(db: Queryable, effectId: string): Promise<string | null> {
  const [row] = await run<{ key: string }>(db, sql`SELECT key FROM effects WHERE id = ${effectId}::uuid`);
  return row?.key ?? null;
}

/** Releases refused texts, e-mails and calls to Stripe of a subject after an operator has fixed the cause; opt-outs stay refused. */
export function releaseRefused(subject: string): Part {
  return {
    name: 'released',
    statement: (when) => sql`UPDATE effects SET state = 'released', error_code = NULL, updated_at = now()
      WHERE subject = ${subject} AND state = 'refused' AND (kind IN ('sms', 'email') OR vendor = 'stripe')
        AND error_code NOT IN ('opted_out', 'bad_number', 'unknown_outcome') AND ${when}`,
  };
}

export type EffectOutcome =
  | { state: 'accepted'; vendorId: string | null; result: unknown }
  | { state: 'refused'; errorCode: string }
  | { state: 'released'; errorCode: string }
  | { state: 'unknown'; errorCode: string };

/** A vendor's response as parts of a statement, which depend on no other part of it. */
export type Booking = readonly Part[];

/**
 * The vendor's response. Guarded by the claim's fence. If a status callback has already recorded acceptance, that is
 * kept. `writes` run only if this response is recorded.
 */
export function bookingOf(
  claim: { key: string; fence: string },
  outcome: EffectOutcome & { state: After<typeof effectMoves, 'claimed'> },
  attempt: AttemptRow | null,
  writes: readonly Part[] = [],
): Booking {
  const vendorId = outcome.state === 'accepted' ? outcome.vendorId : null;
  const result = outcome.state === 'accepted' ? JSON.stringify(outcome.result ?? null) : null;
  const errorCode = outcome.state === 'accepted' ? null : outcome.errorCode;
  const answered: Part = {
    name: 'answered',
    statement:
      () => sql`UPDATE effects SET state = ${outcome.state}, vendor_id = coalesce(${vendorId}::text, vendor_id),
        result = ${result}::jsonb, error_code = ${errorCode}::text, updated_at = now(), lease_until = now()
      WHERE key = ${claim.key} AND fence = ${claim.fence}::uuid AND state = 'claimed' RETURNING id`,
  };
  const ifAnswered = sql`EXISTS (SELECT 1 FROM answered)`;
  return [
    answered,
    ...writes.map(({ name, statement }) => ({ name, statement: () => statement(ifAnswered) })),
    ...(attempt ? [{ name: 'call', statement: () => attemptPart(attempt, sql`true`) }] : []),
  ];
}

/** Records a vendor's response in a statement of its own. */
export async function bookEffect(db: Queryable, booking: Booking): Promise<void> {
  const [first, ...others] = booking;
  await run(
    db,
    sql`WITH ${sql.raw(first!.name)} AS (${first!.statement(sql`true`)})${ctes(others, sql`true`)} SELECT 1`,
  );
}

const ctes = (parts: readonly Part[], when: SQL): SQL =>
  sql.join(
    parts.map(({ name, statement }) => sql`, ${sql.raw(name)} AS (${statement(when)})`),
    sql``,
  );

/** Marks a claim whose run died as unknown, because the vendor may or may not have executed the call: recorded as `lost`. */
export async function markUnknown(
  db: Queryable,
  effect: { key: string; fence: string },
  errorCode: string,
  lost: AttemptRow | null,
): Promise<void> {
  await run(
    db,
    sql`WITH unknown AS (
      UPDATE effects SET state = 'unknown', error_code = ${errorCode}, updated_at = now()
      WHERE key = ${effect.key} AND fence = ${effect.fence}::uuid AND state IN (${quoted(statesBefore(effectMoves, 'unknown'))})
        AND lease_until <= now() RETURNING id)
    ${lost ? sql`, lost AS (${attemptPart(lost, sql`EXISTS (SELECT 1 FROM unknown)`)})` : sql``}
    SELECT 1 FROM unknown`,
  );
}

/** Records that the vendor's listing does not contain the effect; the first time is kept. */
export async function markMissing(db: Queryable, effect: { key: string; fence: string }): Promise<void> {
  await run(
    db,
    sql`UPDATE effects SET missing_since = coalesce(missing_since, now()), updated_at = now()
    WHERE key = ${effect.key} AND fence = ${effect.fence}::uuid AND state = 'unknown'`,
  );
}

export type SettledOutcome = Extract<EffectOutcome, { state: 'accepted' | 'refused' }>;

/** Settles an unknown effect. `writes` run only if it was still unknown. */
export async function settleUnknown(
  db: Queryable,
  effect: { key: string; fence: string },
  outcome: SettledOutcome & { state: After<typeof effectMoves, 'unknown'> },
  writes: readonly Part[] = [],
): Promise<void> {
  const vendorId = outcome.state === 'accepted' ? outcome.vendorId : null;
  const errorCode = outcome.state === 'refused' ? outcome.errorCode : null;
  await run(
    db,
    sql`WITH settled AS (
      UPDATE effects SET state = ${outcome.state}, vendor_id = coalesce(vendor_id, ${vendorId}::text), error_code = ${errorCode}::text, updated_at = now()
      WHERE key = ${effect.key} AND fence = ${effect.fence}::uuid AND state = 'unknown' RETURNING id)
    ${ctes(writes, sql`EXISTS (SELECT 1 FROM settled)`)}
    SELECT 1 FROM settled`,
  );
}
