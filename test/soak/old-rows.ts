import type { Database } from '../../src/db/client.ts';

/** Months and rows past their retention period, and later ones: inserted before the load, checked after it. */

/** Months ago. */
const expired = { events: [40, 27], messages: [40, 27, 18, 15] };
const kept = { events: [24, 3], messages: [12, 3] };
const rowsEach = 2_000;

const daysOfRows = {
  inbox: { column: 'received_at', days: [400, 60] },
  attempts: { column: 'started_at', days: [120, 30] },
  idempotency_keys: { column: 'created_at', days: [9, 2] },
} as const;

const month = (ago: number) =>
  `(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '${ago} months') AT TIME ZONE 'UTC'`;
const nameOf = (parent: string, ago: number) =>
  `'${parent}_' || to_char(${month(ago)} AT TIME ZONE 'UTC', 'YYYY_MM')`;

/** The first 13 characters of the ids that were made that many days ago. */
const idOf = (days: number) =>
  `regexp_replace(lpad(to_hex((extract(epoch FROM now() - interval '${days} days') * 1000)::bigint), 12, '0'), '(.{8})', '\\1-')`;

export async function insertOldRows(db: Database): Promise<void> {
  for (const ago of new Set([...expired.events, ...expired.messages, ...kept.events, ...kept.messages]))
    await db.query(`SELECT ensure_partitions((${month(ago)})::date + 1, 0)`);
  for (const ago of [...expired.events, ...kept.events])
    await db.query(`INSERT INTO events (id, occurred_at, type, version, subject, correlation_id, data)
      SELECT gen_random_uuid(), ${month(ago)} + n * interval '1 minute', 'unlock.moved', 1, 'unlock:past', gen_random_uuid(), '{}'
      FROM generate_series(1, ${rowsEach}) n`);
  for (const ago of [...expired.messages, ...kept.messages])
    await db.query(`INSERT INTO messages (id, created_at, recipient_kind, channel, purpose, status, body)
      SELECT gen_random_uuid(), ${month(ago)} + n * interval '1 minute', 'buyer', 'sms', 'teaser', 'delivered', repeat('x', 200)
      FROM generate_series(1, ${rowsEach}) n`);
  for (const days of daysOfRows.inbox.days)
    await db.query(`INSERT INTO inbox (id, source, external_id, kind, received_at)
      SELECT gen_random_uuid(), 'stripe', 'past_${days}_' || n, 'event', now() - interval '${days} days' FROM generate_series(1, ${rowsEach}) n`);
  for (const days of daysOfRows.attempts.days)
    await db.query(`INSERT INTO attempts (id, outbox_id, event_id, worker, subject, started_at, outcome)
      SELECT overlay(gen_random_uuid()::text placing ${idOf(days)} from 1 for 13)::uuid, -n, gen_random_uuid(), 'notifier', 'past', now() - interval '${days} days', 'finished' FROM generate_series(1, ${rowsEach}) n`);
  for (const days of daysOfRows.idempotency_keys.days)
    await db.query(`INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer, created_at)
      SELECT gen_random_uuid(), 'past', 'r', 'h', 201, '{}', now() - interval '${days} days' FROM generate_series(1, ${rowsEach}) n`);
}

/** Returns what retention should have deleted and did not, or deleted too early; empty when all is right. */
export async function checkOldRows(db: Database): Promise<string[]> {
  const wrong: string[] = [];
  const exists = async (parent: string, ago: number) => {
    const [row] = await db.query<{ found: boolean }>(
      `SELECT to_regclass(${nameOf(parent, ago)}) IS NOT NULL AS found`,
    );
    return row!.found;
  };
  for (const parent of ['events', 'messages'] as const) {
    // A month is created for both tables at once, so each table is checked for every created month past its period.
    const period = parent === 'events' ? 25 : 13;
    for (const ago of new Set([...expired.events, ...expired.messages]))
      if (ago > period + 1 && (await exists(parent, ago)))
        wrong.push(`${parent} of ${ago} months ago are still there`);
    for (const ago of kept[parent])
      if (!(await exists(parent, ago))) wrong.push(`${parent} of ${ago} months ago are missing`);
  }
  for (const [table, { column, days }] of Object.entries(daysOfRows)) {
    const [old, young] = days;
    const count = async (day: number) => {
      const [row] = await db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM ${table} WHERE ${column} BETWEEN now() - interval '${day + 1} days' AND now() - interval '${day - 1} days'`,
      );
      return row!.n;
    };
    if ((await count(old)) > 0) wrong.push(`${table} of ${old} days ago are still there`);
    if ((await count(young)) !== rowsEach) wrong.push(`${table} of ${young} days ago are not all there`);
  }
  return wrong;
}
