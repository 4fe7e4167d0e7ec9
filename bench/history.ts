import { createDatabase, type Database } from '../src/db/client.ts';
import { migrate } from '../src/db/migrate.ts';
import { ensureDemo } from '../src/demo/seed.ts';
import { phoneOf, providerOf } from './deals.ts';

/**
 * Inserts a month of deals directly: two unlocks per lead, and for each unlock its last event, its teaser with the effect,
 * and the expirer's outbox row while the offer runs. Half of the unlocks belong to the buyers of the measured deals, with
 * no open offers, so that a Y accepts the offer just made. Returns the size of the database in MB.
 */
export async function insertHistory(databaseUrl: string, unlocks: number, buyers: number): Promise<number> {
  await migrate(databaseUrl);
  const db = createDatabase({ url: databaseUrl, max: 4, connectTimeoutMs: 600_000 });
  try {
    const { organizationId } = await ensureDemo(db);
    // Creates the partitions of the months in which the history lies.
    await db.query(`SELECT ensure_partitions((now() - interval '30 days')::date, 1)`);
    await db.query(buyersOf(organizationId), [
      buyers,
      providerOf(0).slice(0, -1),
      Number(phoneOf(0).slice(1)),
    ]);
    await db.query(ids, [unlocks, buyers]);
    await withoutIndexes(db, ['leads', 'lead_unlocks', 'messages', 'effects', 'events'], async () => {
      const fill = (statement: (organization: string) => string) => unchecked(db, statement(organizationId));
      await Promise.all([fill(leads), fill(offers), fill(messages), fill(effects), fill(events)]);
    });
    await db.query(expiryRows(organizationId));
    await db.query('DROP TABLE history');
    await db.query('VACUUM (ANALYZE)');
    // Flushes the history to disk before the measurement.
    await db.query('CHECKPOINT');
    const [size] = await db.query<{ mb: number }>(
      'SELECT (pg_database_size(current_database()) / 1048576)::integer AS mb',
    );
    return size!.mb;
  } finally {
    await db.close();
  }
}

/** Drops the indexes during the inserts, because building them afterwards is much faster. */
export async function withoutIndexes(
  db: Database,
  tables: readonly string[],
  fill: () => Promise<void>,
): Promise<void> {
  const indexes = await db.query<{ name: string; definition: string }>(
    `SELECT i.indexrelid::regclass::text AS name, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS definition
     FROM pg_index i WHERE i.indrelid = ANY (SELECT name::regclass FROM unnest($1::text[]) AS name)
       AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)`,
    [tables],
  );
  for (const { name } of indexes) await db.query(`DROP INDEX ${name}`);
  await fill();
  await Promise.all(indexes.map(({ definition }) => db.query(definition)));
}

/** Runs a statement without checking foreign keys, which hold because all rows come from one table. */
export const unchecked = (db: Database, statement: string) =>
  db.withTx(async (tx) => {
    await tx.query('SET LOCAL session_replication_role = replica');
    await tx.query(statement);
  });

/** Twice the buyers of the measured deals, with the names and phones used there; the second half takes no part. */
const buyersOf = (organization: string) => `
  WITH made AS (
    INSERT INTO buyers (id, organization_id, external_id, name, phone, email)
    SELECT uuidv7(), '${organization}', $2 || n, 'Amy', '+' || ($3::bigint + n), 'amy' || n || '@buyers.example'
    FROM generate_series(0, 2 * $1::integer - 1) AS n RETURNING phone)
  INSERT INTO phones (id, our_number, number) SELECT uuidv7(), '+15005550006', phone FROM made`;

/** One row per unlock with its ids, its age and its end state. The ids carry the matching time. */
const ids = `
  CREATE UNLOGGED TABLE history AS
  SELECT n, uuidv7(-age) AS unlock_id, uuidv7(-age) AS effect_id, uuidv7(-age) AS event_id, now() - age AS at,
    CASE WHEN n % 2 = 0 THEN uuidv7(-age) END AS lead_id, b.id AS buyer_id, b.phone, p.id AS phone_id,
    CASE WHEN n % 10 < 3 THEN 'DONE' WHEN n % 10 = 3 AND b.number >= $2::integer THEN 'AWAIT_CONFIRM' ELSE 'EXPIRED' END AS status
  FROM generate_series(0, $1::integer - 1) AS n
  CROSS JOIN LATERAL (SELECT make_interval(secs => 7200 + 2500000.0 * ($1::integer - n + n % 2) / $1::integer) AS age) AS born
  JOIN (SELECT id, phone, row_number() OVER (ORDER BY phone) - 1 AS number FROM buyers WHERE external_id LIKE 'bench%') b
    ON b.number = n % (2 * $2::integer)
  JOIN phones p ON p.number = b.phone`;

const leads = (organization: string) => `
  INSERT INTO leads (id, organization_id, public_id, city, service_type, public, contact, phone_hash, email_hash, phone_valid,
    channel, price_minor, currency, ttl_ms, created_at)
  SELECT lead_id, '${organization}', 'lead_history' || n, 'Miami', '60 min Mobile Massage',
    '{"preferredTimeWindow": "Evening (6-9 PM)", "budgetRange": "$150-200", "notes": "Client prefers deep tissue massage"}',
    repeat('x', 300), md5('phone' || n), md5('email' || n), true, 'pay_per_unlock', 2000, 'usd', 86400000, at
  FROM history WHERE lead_id IS NOT NULL`;

const offers = (organization: string) => `
  INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, reason, price_minor, currency,
    ttl_expires_at, token_hash, offered_at, teased_at, paid_by, paid_at, revealed_at, done_at, closed_at, created_at, updated_at)
  SELECT unlock_id, coalesce(lead_id, lag(lead_id) OVER (ORDER BY n)), '${organization}', buyer_id, '+15005550006', phone, status,
    CASE status WHEN 'EXPIRED' THEN 'ttl' END, 2000, 'usd', at + interval '24 hours',
    CASE status WHEN 'DONE' THEN md5('token' || n) || md5('hash' || n) END, at, at, CASE status WHEN 'DONE' THEN 'stripe' END,
    CASE status WHEN 'DONE' THEN at END, CASE status WHEN 'DONE' THEN at END, CASE status WHEN 'DONE' THEN at END,
    CASE status WHEN 'EXPIRED' THEN at END, at, at
  FROM history`;

const messages = (organization: string) => `
  INSERT INTO messages (id, created_at, organization_id, subject, phone_id, recipient_id, recipient_kind, channel, purpose, recipient,
    body, status, vendor_id)
  SELECT effect_id, at, '${organization}', 'unlock:' || unlock_id, phone_id, buyer_id, 'buyer', 'sms', 'teaser', repeat('x', 60), repeat('x', 400),
    'delivered', 'SM' || md5('sms' || n)
  FROM history`;

const effects = (organization: string) => `
  INSERT INTO effects (key, id, vendor, kind, organization_id, subject, state, fence, lease_until, vendor_id, claimed_at, updated_at)
  SELECT 'teaser-' || unlock_id, effect_id, 'twilio', 'sms', '${organization}', 'unlock:' || unlock_id, 'accepted', effect_id, at,
    'SM' || md5('sms' || n), at, at
  FROM history`;

const events = (organization: string) => `
  INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
  SELECT event_id, at, 'unlock.moved', 1, '${organization}', 'unlock:' || unlock_id, event_id,
    jsonb_build_object('unlockId', unlock_id, 'from', 'TEASER_SENT', 'to', status)
  FROM history`;

/** The expirer's outbox row, which exists until the TTL even when the offer ended earlier. */
const expiryRows = (organization: string) => `
  INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued, created_at)
  SELECT event_id, at, 'expirer', '${organization}', at + interval '24 hours', false, at
  FROM history WHERE at > now() - interval '23 hours'`;
