import { type SQL, sql } from 'drizzle-orm';
import type { CrmName } from '../../config.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/**
 * The rate limit of an account, shared by all processes: one row per call of an interval. A row is reserved for a time
 * (now, or later when no row is free now) and becomes free an interval and `lateMs` after it. A call answered within
 * `lateMs` of its reserved time therefore never shares an interval with the next call of its row. The row of a later
 * answer is moved (`moveCall`), and no row is reserved again before its last call had time for that. So no window of an
 * interval contains more calls than there are rows, no matter when the vendor counts a call in transit.
 */
export type CallLimits = { calls: number; intervalMs: number; perDay: number };

export type CrmAccount = { vendor: CrmName; accountId: string };
/** `rateShare`: percent of the account's rate limit that leadgate may use. */
export type SharedAccount = CrmAccount & { rateShare: number };

/** Usual upper bound from a call's reserved time to its answer. Each row is blocked this much longer. */
export const lateMsOf = ({ intervalMs }: CallLimits): number => Math.min(100, Math.ceil(intervalMs / 50));
/** How long a row stays reserved for the call that took it. */
export const settleMs = ({ intervalMs }: CallLimits): number => intervalMs / 2;
/** The farthest ahead a call can be reserved. */
export const maxAheadMs = (limits: CallLimits): number => cycleMs(limits) - settleMs(limits);
const cycleMs = (limits: CallLimits): number => limits.intervalMs + lateMsOf(limits);

const interval = (ms: SQL) => sql`make_interval(secs => ${ms} / 1000)`;
const ms = (value: number) => interval(sql`${value}::float8`);
const today = sql`to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
const until = (moment: SQL) => sql`(extract(epoch FROM ${moment} - now()) * 1000)::float8`;
const ofAccount = ({ vendor, accountId }: CrmAccount) =>
  sql`vendor = ${vendor}::text AND account_id = ${accountId}::text`;
/** The last slot of our share. */
const lastSlot = (calls: SQL, share: SQL) => sql`greatest(1, ${calls} * ${share} / 100)`;

/** A reserved call. `waitMs`: time until it may be made; `at`: the reserved time as the database writes it. */
export type CallSlot = { slot: number; at: string; waitMs: number };
/** `slot`: none is free in time. `day`: the daily limit is reached. */
export type Reservation = CallSlot | { full: 'slot' | 'day' };

/** A CallSlot as JSON, of a row of crm_call_slots that was just taken. */
const asSlot = sql.raw(`json_build_object('slot', s.slot, 'at', s.taken_at::text,
  'waitMs', greatest(0, extract(epoch FROM s.taken_at - now()) * 1000))`);

/** The columns that `reservationParts` reads, for one vendor. `aheadMs`: the farthest ahead a call is reserved. */
export function limitColumns(limits: CallLimits, aheadMs: number): SQL {
  return sql`${limits.calls}::integer AS calls, ${limits.perDay}::integer AS per_day, ${cycleMs(limits)}::float8 AS cycle_ms,
    ${Math.min(aheadMs, maxAheadMs(limits))}::float8 AS ahead_ms`;
}

/**
 * CTEs `slot` (one row when a call was reserved) and `day_full`, for the row of `${from}` (vendor, account_id,
 * rate_share and `limitColumns`). Rows being taken by others are skipped, so the only wait is for the day's count.
 */
export function reservationParts(from: string): SQL {
  return sql`free AS (
      SELECT f.vendor, f.account_id, f.slot, r.per_day, r.cycle_ms FROM ${sql.raw(from)} r CROSS JOIN LATERAL (
        SELECT c.vendor, c.account_id, c.slot FROM crm_call_slots c
        WHERE c.vendor = r.vendor AND c.account_id = r.account_id AND c.slot <= ${lastSlot(sql`r.calls`, sql`r.rate_share`)}
          AND c.taken_at <= now() + ${interval(sql`(r.ahead_ms - r.cycle_ms)`)}
        ORDER BY c.taken_at LIMIT 1 FOR UPDATE SKIP LOCKED) f),
    counted AS (
      INSERT INTO crm_call_days AS d (vendor, account_id, day, calls) SELECT vendor, account_id, ${today}, 1 FROM free
      ON CONFLICT (vendor, account_id, day) DO UPDATE SET calls = d.calls + 1
        WHERE d.calls < (SELECT per_day FROM free) RETURNING account_id),
    slot AS (
      UPDATE crm_call_slots s SET taken_at = greatest(now(), s.taken_at + ${interval(sql`free.cycle_ms`)})
      FROM free WHERE s.vendor = free.vendor AND s.account_id = free.account_id AND s.slot = free.slot
        AND EXISTS (SELECT 1 FROM counted)
      RETURNING ${asSlot} AS taken),
    day_full AS (SELECT 1 FROM free WHERE NOT EXISTS (SELECT 1 FROM counted))`;
}

/** Reserves one call of this account, now or at most `aheadMs` from now. */
export async function reserveCall(
  db: Queryable,
  { vendor, accountId, rateShare }: SharedAccount,
  limits: CallLimits,
  aheadMs: number,
): Promise<Reservation> {
  const [row] = await run<{ taken: CallSlot | null; dayFull: boolean }>(
    db,
    sql`WITH asked AS (SELECT ${vendor}::text AS vendor, ${accountId}::text AS account_id, ${rateShare}::integer AS rate_share,
        ${limitColumns(limits, aheadMs)}),
      ${reservationParts('asked')}
      SELECT (SELECT taken FROM slot) AS taken, EXISTS (SELECT 1 FROM day_full) AS "dayFull"`,
  );
  return row!.taken ?? { full: row!.dayFull ? 'day' : 'slot' };
}

/**
 * Moves a call to `backMs` before now, when it was or is about to be made later than planned. Returns null when its row
 * was taken by another call.
 */
export async function moveCall(
  db: Queryable,
  account: CrmAccount,
  { slot, at }: CallSlot,
  backMs: number,
): Promise<CallSlot | null> {
  const [row] = await run<{ taken: CallSlot }>(
    db,
    sql`UPDATE crm_call_slots s SET taken_at = now() - ${ms(backMs)} WHERE ${ofAccount(account)}
      AND slot = ${slot}::integer AND taken_at = ${at}::text::timestamptz RETURNING ${asSlot} AS taken`,
  );
  return row?.taken ?? null;
}

/** Milliseconds until a slot is free; 0 when one is free now. */
export async function nextFreeInMs(
  db: Queryable,
  account: SharedAccount,
  limits: CallLimits,
): Promise<number> {
  const [row] = await run<{ ms: number | null }>(
    db,
    sql`SELECT ${until(sql`greatest(now(), min(taken_at) + ${ms(cycleMs(limits))})`)} AS ms FROM crm_call_slots
      WHERE ${ofAccount(account)} AND slot <= ${lastSlot(sql`${limits.calls}::integer`, sql`${account.rateShare}::integer`)}`,
  );
  return row?.ms ?? 0;
}

/** Creates the account's rows. Returns false when they exist. After a limit falls, the rows above it are not used. */
export async function createSlots(
  db: Queryable,
  { vendor, accountId }: CrmAccount,
  limits: CallLimits,
): Promise<boolean> {
  const rows = await run(
    db,
    sql`INSERT INTO crm_call_slots (vendor, account_id, slot, taken_at)
      SELECT ${vendor}, ${accountId}, n, '-infinity' FROM generate_series(1, ${limits.calls}::integer) AS n
      ON CONFLICT (vendor, account_id, slot) DO NOTHING RETURNING slot`,
  );
  return rows.length > 0;
}

/** Our calls within the last interval; any calls the vendor counted beyond them were made by other programs. */
export async function callsInInterval(
  db: Queryable,
  account: CrmAccount,
  intervalMs: number,
): Promise<number> {
  const [row] = await run<{ n: number }>(
    db,
    sql`SELECT count(*)::int AS n FROM crm_call_slots
      WHERE ${ofAccount(account)} AND taken_at > now() - ${ms(intervalMs)} AND taken_at <= now()`,
  );
  return row!.n;
}

/** Remaining daily calls as the vendor reports them, for display: its day may begin at another hour than UTC's. */
export async function recordRemaining(
  db: Queryable,
  { vendor, accountId }: CrmAccount,
  remaining: number,
): Promise<void> {
  await run(
    db,
    sql`INSERT INTO crm_call_days AS d (vendor, account_id, day, calls, remaining)
      VALUES (${vendor}, ${accountId}, ${today}, 0, ${remaining}::integer)
      ON CONFLICT (vendor, account_id, day) DO UPDATE SET remaining = excluded.remaining`,
  );
}
