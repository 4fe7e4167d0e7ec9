import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/**
 * The location's allowance, shared by all processes: one row per call that may be under way in an interval. A row is
 * taken for a moment (now, or later when it is free only then) and is free again an interval and `lateMs` after that
 * moment. A call answered within `lateMs` of its moment therefore never shares an interval with the row's next call; of
 * one answered later the row is moved (`moveCall`), and none is taken again before its last call had time for that. So no window of that length, wherever it begins, holds more calls
 * than there are rows, whenever on its way the vendor counts them.
 */
export type CallLimits = { calls: number; intervalMs: number; perDay: number };

/** From a call's moment to its answer, where all is well. Each row loses so much of its time. */
export const lateMsOf = ({ intervalMs }: CallLimits): number => Math.min(100, Math.ceil(intervalMs / 50));
/** How long a row is left to the call that has it. */
export const settleMs = ({ intervalMs }: CallLimits): number => intervalMs / 2;
/** The farthest ahead a call can be taken. */
export const mostAheadMs = (limits: CallLimits): number => cycleMs(limits) - settleMs(limits);
const cycleMs = (limits: CallLimits): number => limits.intervalMs + lateMsOf(limits);

const ms = (value: number) => sql`make_interval(secs => ${value}::float8 / 1000)`;
const today = sql`to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
const until = (moment: SQL) => sql`(extract(epoch FROM ${moment} - now()) * 1000)::float8`;

/** A call that was taken. `waitMs`: from now to its moment; `at`: that moment as the database writes it. */
export type CallSlot = { slot: number; at: string; waitMs: number };
/** `slot`: none is free in time. `day`: its count is full. */
export type Taken = CallSlot | { full: 'slot' | 'day' };

/** A CallSlot as JSON, of a row of crm_call_slots that was taken just now. */
const asTaken = sql.raw(`json_build_object('slot', s.slot, 'at', s.taken_at::text,
  'waitMs', greatest(0, extract(epoch FROM s.taken_at - now()) * 1000))`);

/**
 * CTEs `slot` (one row when a call was taken) and `day_full`, for the row of `${from}` (location_id, rate_share).
 * A row somebody else is taking is passed over, so nobody waits for anybody but at the day's count.
 */
export function takingParts(from: string, limits: CallLimits, aheadMs: number): SQL {
  const source = sql.raw(from);
  return sql`free AS (
      SELECT f.location_id, f.slot FROM ${source} r CROSS JOIN LATERAL (
        SELECT c.location_id, c.slot FROM crm_call_slots c
        WHERE c.location_id = r.location_id AND c.slot <= greatest(1, ${limits.calls}::integer * r.rate_share / 100)
          AND c.taken_at <= now() + ${ms(Math.min(aheadMs, mostAheadMs(limits)) - cycleMs(limits))}
        ORDER BY c.taken_at LIMIT 1 FOR UPDATE SKIP LOCKED) f),
    counted AS (
      INSERT INTO crm_call_days AS d (location_id, day, calls) SELECT location_id, ${today}, 1 FROM free
      ON CONFLICT (location_id, day) DO UPDATE SET calls = d.calls + 1
        WHERE d.calls < ${limits.perDay}::integer RETURNING location_id),
    slot AS (
      UPDATE crm_call_slots s SET taken_at = greatest(now(), s.taken_at + ${ms(cycleMs(limits))})
      FROM free WHERE s.location_id = free.location_id AND s.slot = free.slot AND EXISTS (SELECT 1 FROM counted)
      RETURNING ${asTaken} AS taken),
    day_full AS (SELECT 1 FROM free WHERE NOT EXISTS (SELECT 1 FROM counted))`;
}

/** One call of this location, now or at most `aheadMs` from now. */
export async function takeCall(
  db: Queryable,
  location: { locationId: string; rateShare: number },
  limits: CallLimits,
  aheadMs: number,
): Promise<Taken> {
  const { locationId, rateShare } = location;
  const [row] = await run<{ taken: CallSlot | null; dayFull: boolean }>(
    db,
    sql`WITH asked AS (SELECT ${locationId}::text AS location_id, ${rateShare}::integer AS rate_share),
      ${takingParts('asked', limits, aheadMs)}
      SELECT (SELECT taken FROM slot) AS taken, EXISTS (SELECT 1 FROM day_full) AS "dayFull"`,
  );
  return row!.taken ?? { full: row!.dayFull ? 'day' : 'slot' };
}

/**
 * Moves a call to `backMs` before this moment: it was made later than planned, or is about to be. Null: its row is
 * another call's by now.
 */
export async function moveCall(
  db: Queryable,
  locationId: string,
  { slot, at }: CallSlot,
  backMs: number,
): Promise<CallSlot | null> {
  const [row] = await run<{ taken: CallSlot }>(
    db,
    sql`UPDATE crm_call_slots s SET taken_at = now() - ${ms(backMs)} WHERE location_id = ${locationId}
      AND slot = ${slot}::integer AND taken_at = ${at}::text::timestamptz RETURNING ${asTaken} AS taken`,
  );
  return row?.taken ?? null;
}

/** Milliseconds until a slot is free; 0: one is. */
export async function nextFreeInMs(
  db: Queryable,
  { locationId, rateShare }: { locationId: string; rateShare: number },
  limits: CallLimits,
): Promise<number> {
  const [row] = await run<{ ms: number | null }>(
    db,
    sql`SELECT ${until(sql`greatest(now(), min(taken_at) + ${ms(cycleMs(limits))})`)} AS ms FROM crm_call_slots
      WHERE location_id = ${locationId} AND slot <= greatest(1, ${limits.calls}::integer * ${rateShare}::integer / 100)`,
  );
  return row?.ms ?? 0;
}

/** Makes the location's rows; false when they were there. Rows that are left over when a limit falls are not used. */
export async function openAllowance(db: Queryable, locationId: string, limits: CallLimits): Promise<boolean> {
  const rows = await run(
    db,
    sql`INSERT INTO crm_call_slots (location_id, slot, taken_at)
      SELECT ${locationId}, n, '-infinity' FROM generate_series(1, ${limits.calls}::integer) AS n
      ON CONFLICT (location_id, slot) DO NOTHING RETURNING slot`,
  );
  return rows.length > 0;
}

/** How many calls of ours the last interval holds: more than that were somebody else's. */
export async function callsInInterval(
  db: Queryable,
  locationId: string,
  intervalMs: number,
): Promise<number> {
  const [row] = await run<{ n: number }>(
    db,
    sql`SELECT count(*)::int AS n FROM crm_call_slots
      WHERE location_id = ${locationId} AND taken_at > now() - ${ms(intervalMs)} AND taken_at <= now()`,
  );
  return row!.n;
}

/** What the vendor says is left of the day, for people: its day need not begin when ours does. */
export async function noteDay(db: Queryable, locationId: string, remaining: number): Promise<void> {
  await run(
    db,
    sql`INSERT INTO crm_call_days AS d (location_id, day, calls, remaining) VALUES (${locationId}, ${today}, 0, ${remaining}::integer)
      ON CONFLICT (location_id, day) DO UPDATE SET remaining = excluded.remaining`,
  );
}
