import type { Database } from '../../src/db/client.ts';

/** Months and rows long past their time, beside some that are not: put in before the start, looked at after the end. */

/** Months ago. */
const gone = { events: [40, 27], messages: [40, 27, 18, 15] };
const stays = { events: [24, 3], messages: [12, 3] };
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

export async function seedPast(db: Database): Promise<void> {
  for (const ago of new Set([...gone.events, ...gone.messages, ...stays.events, ...stays.messages]))
    await db.query(`SELECT ensure_partitions((${month(ago)})::date + 1, 0)`);
  for (const ago of [...gone.events, ...stays.events])
    await db.query(`INSERT INTO events (id, occurred_at, type, version, subject, correlation_id, data)
      SELECT gen_random_uuid(), ${month(ago)} + n * interval '1 minute', 'unlock.moved', 1, 'unlock:past', gen_random_uuid(), '{}'
      FROM generate_series(1, ${rowsEach}) n`);
  for (const ago of [...gone.messages, ...stays.messages])
    await db.query(`INSERT INTO messages (id, created_at, recipient_kind, channel, purpose, status, body)
      SELECT gen_random_uuid(), ${month(ago)} + n * interval '1 minute', 'buyer', 'sms', 'teaser', 'delivered', repeat('x', 200)
      FROM generate_series(1, ${rowsEach}) n`);
  for (const days of daysOfRows.inbox.days)
    await db.query(`INSERT INTO inbox (id, source, external_id, kind, received_at)
      SELECT gen_random_uuid(), 'stripe', 'past_${days}_' || n, 'event', now() - interval '${days} days' FROM generate_series(1, ${rowsEach}) n`);
  for (const days of daysOfRows.attempts.days)
    await db.query(`INSERT INTO attempts (id, outbox_id, event_id, worker, subject, started_at, outcome)
      SELECT gen_random_uuid(), -n, gen_random_uuid(), 'notifier', 'past', now() - interval '${days} days', 'finished' FROM generate_series(1, ${rowsEach}) n`);
  for (const days of daysOfRows.idempotency_keys.days)
    await db.query(`INSERT INTO idempotency_keys (organization_id, key, route, request_hash, status, answer, created_at)
      SELECT gen_random_uuid(), 'past', 'r', 'h', 201, '{}', now() - interval '${days} days' FROM generate_series(1, ${rowsEach}) n`);
}

/** What retention did not do, or did too much; nothing when all is as it must be. */
export async function judgePast(db: Database): Promise<string[]> {
  const wrong: string[] = [];
  const isThere = async (parent: string, ago: number) => {
    const [row] = await db.query<{ there: boolean }>(
      `SELECT to_regclass(${nameOf(parent, ago)}) IS NOT NULL AS there`,
    );
    return row!.there;
  };
  for (const parent of ['events', 'messages'] as const) {
    // Making one month makes it for both tables: whatever was made and is past its time must be gone.
    const period = parent === 'events' ? 25 : 13;
    for (const ago of new Set([...gone.events, ...gone.messages]))
      if (ago > period + 1 && (await isThere(parent, ago)))
        wrong.push(`${parent} of ${ago} months ago are still there`);
    for (const ago of stays[parent])
      if (!(await isThere(parent, ago))) wrong.push(`${parent} of ${ago} months ago are gone`);
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
