import type { Database } from '../src/db/client.ts';
import { percentile } from './deals.ts';
import { unchecked, withoutIndexes } from './history.ts';
import { insertCampaign, type MarketCampaign } from './market-place.ts';
import { measureSales, type Sales } from './marketplace.ts';
import type { Backend, Measure, Row } from './row.ts';

/**
 * A hundred sellers with a campaign of 200 subscriptions each: leads sent to all of them over 50 connections and sold in turns,
 * beside a month of past sales, and without any. The floor is the rate without.
 */
const campaigns = 100;
const subscriptions = 200;
const goal = 0.9;

type Figures = Sales & { mb: number };

async function measure(backend: Backend, size: number, past: number): Promise<Figures | null> {
  let mb = 0;
  const sales = await measureSales(backend, size, {
    async prepare(db) {
      const made: MarketCampaign[] = [];
      while (made.length < campaigns) made.push(await insertCampaign(db, { buyers: subscriptions }));
      if (past > 0) await insertSales(db, past);
      await db.query('VACUUM (ANALYZE)');
      await db.query('CHECKPOINT');
      const [row] = await db.query<{ mb: number }>(
        'SELECT (pg_database_size(current_database()) / 1048576)::integer AS mb',
      );
      mb = row!.mb;
      return made;
    },
  });
  return sales && { ...sales, mb };
}

const filled = [
  ...['leads', 'distributions', 'decisions', 'lead_unlocks', 'bought_people'],
  ...['wallet_transactions', 'journals', 'journal_entries', 'events'],
];

/** Sales of the last 30 days, in turns over all subscriptions, with what each leaves behind. */
async function insertSales(db: Database, count: number): Promise<void> {
  await db.query(`SELECT ensure_partitions((now() - interval '30 days')::date, 1)`);
  await db.query(
    `CREATE UNLOGGED TABLE past AS
     SELECT n, uuidv7(-age) AS lead_id, uuidv7(-age) AS unlock_id, uuidv7(-age) AS journal_id, uuidv7(-age) AS transaction_id,
       uuidv7(-age) AS event_id, now() - age AS at, s.id AS subscription_id, s.buyer_id, s.campaign_id, s.organization_id, k.category_id
     FROM generate_series(0, $1::integer - 1) AS n
     CROSS JOIN LATERAL (SELECT make_interval(secs => 2500000.0 * ($1::integer - n) / $1::integer) AS age) AS born
     JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS number, count(*) OVER () AS of FROM subscriptions) s ON s.number = n % s.of
     JOIN campaigns k ON k.id = s.campaign_id`,
    [count],
  );
  const statements = [
    `INSERT INTO leads (id, organization_id, public_id, channel, campaign_id, category_id, public, contact, quality, email_hash, phone_valid, created_at)
     SELECT lead_id, organization_id, 'lead_past' || n, 'marketplace', campaign_id, category_id, '{"data":{"roofAge":12}}', repeat('x', 200), 'WARM',
       md5('email' || n), false, at FROM past`,
    `INSERT INTO distributions (lead_id, organization_id, campaign_id, status, received_at, expires_at, distributed_at)
     SELECT lead_id, organization_id, campaign_id, 'DISTRIBUTED', at, at + interval '3 days', at FROM past`,
    `INSERT INTO decisions (lead_id, number, organization_id, at, considered)
     SELECT lead_id, 1, organization_id, at,
       jsonb_build_array(jsonb_build_object('buyerId', buyer_id, 'subscriptionId', subscription_id, 'rule', NULL, 'seen', '{}'::jsonb)) FROM past`,
    `INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, campaign_id, subscription_id, status, price_minor, currency, ttl_expires_at,
       paid_at, paid_by, created_at, updated_at)
     SELECT unlock_id, lead_id, organization_id, buyer_id, campaign_id, subscription_id, 'PAID', 100, 'usd', at, at, 'wallet', at, at FROM past`,
    `INSERT INTO bought_people (buyer_id, campaign_id, hash, lead_id, bought_at)
     SELECT buyer_id, campaign_id, md5('email' || n), lead_id, at FROM past`,
    `INSERT INTO journals (id, key, organization_id) SELECT journal_id, 'assignment-' || unlock_id, organization_id FROM past`,
    `INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
     SELECT p.journal_id, e.account, e.amount, 'usd' FROM past p
       CROSS JOIN LATERAL (VALUES ('wallet:' || p.buyer_id, 100), ('seller:' || p.organization_id, -100)) e(account, amount)`,
    `INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor, balance_after_minor, description,
       unlock_id, created_at)
     SELECT transaction_id, organization_id, buyer_id, 'DEBIT', -100, 1000000, 999900, 'Lead purchase - Campaign: Roofs', unlock_id, at FROM past`,
    `INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
     SELECT event_id, at, 'lead.assigned', 1, organization_id, 'lead:' || lead_id, event_id, jsonb_build_object('leadId', lead_id) FROM past`,
  ];
  await withoutIndexes(db, filled, async () => {
    for (const statement of statements) await unchecked(db, statement);
  });
  await db.query('DROP TABLE past');
}

export const measureManyCampaigns: Measure = async ({ backends, quick }) => {
  const [size, past] = quick ? [2_000, 50_000] : [10_000, 1_000_000];
  const rows: Row[] = [];
  for (const backend of backends) {
    const full = await measure(backend, size, past);
    const empty = await measure(backend, size, 0);
    if (!full || !empty) continue;
    const ratio = full.perSecond / empty.perSecond;
    rows.push({
      name: 'many-campaigns',
      work: `${size} leads for ${campaigns} campaigns of ${subscriptions} subscriptions, beside ${past.toLocaleString('en')} past sales; floor: without past sales`,
      backend,
      ours: { value: full.perSecond, unit: 'leads/s' },
      floor: { value: empty.perSecond, unit: 'leads/s' },
      ratio,
      goal: `≥ ${goal * 100} % of the empty database`,
      met: ratio >= goal,
      processes: full.processes,
      notes: [
        `answered p50 ${percentile(full.times, 0.5).toFixed(1)} ms, p99 ${percentile(full.times, 0.99).toFixed(1)} ms (without ${percentile(empty.times, 0.5).toFixed(1)}, ${percentile(empty.times, 0.99).toFixed(1)})`,
        `database ${full.mb} MB (without ${empty.mb})`,
        `${full.late} answers did not tell of the sale`,
      ],
    });
  }
  return rows;
};
