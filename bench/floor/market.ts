import { setTimeout as delay } from 'node:timers/promises';
import { type BackendFactory, createPostgresBackend, Queue, Worker } from 'bullmq';
import fastify from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';

/**
 * The floor of selling a lead of a campaign and answering so: one statement that inserts the lead with its event and outbox row,
 * one job, and one statement that writes what a sale writes (subscription, wallet, assignment, journal, transaction, decision,
 * event). The buyer is the next one of a list. Nothing is authenticated, validated, encrypted, guarded, chosen or logged.
 * `market.ts api|worker '{"databaseUrl":…,"redisUrl":…,"port":…}'`
 */
type Options = { databaseUrl: string; redisUrl: string | null; port: number };
type Job = { leadId: string; outboxId: number };

const [role = '', given = '{}'] = process.argv.slice(2);
const options = JSON.parse(given) as Options;
const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 20 });
const backend = options.redisUrl ? undefined : (createPostgresBackend as unknown as BackendFactory);
const connection = (migrate: boolean): never =>
  (options.redisUrl
    ? new Redis(options.redisUrl, { maxRetriesPerRequest: null })
    : { connectionString: options.databaseUrl, schema: 'bullmq', migrate, max: 6 }) as never;

const insert = `WITH ids AS (SELECT gen_random_uuid() AS lead, gen_random_uuid() AS event),
  lead AS (INSERT INTO leads (id, organization_id, public_id, channel, campaign_id, category_id, public, contact, quality, email_hash, phone_valid)
    SELECT lead, k.organization_id, 'lead_' || lead, 'marketplace', k.id, k.category_id, $2::jsonb, $3::text, 'WARM', lead::text, false FROM ids, campaigns k WHERE k.id = $1),
  stand AS (INSERT INTO distributions (lead_id, organization_id, campaign_id, status, expires_at)
    SELECT lead, k.organization_id, k.id, 'PENDING', now() + interval '3 days' FROM ids, campaigns k WHERE k.id = $1),
  fact AS (INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
    SELECT event, now(), 'lead.received', 1, k.organization_id, 'lead:' || lead, event, jsonb_build_object('leadId', lead) FROM ids, campaigns k WHERE k.id = $1)
  INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
    SELECT event, now(), 'distributor', k.organization_id, now() + interval '10 s', true FROM ids, campaigns k WHERE k.id = $1
    RETURNING id, (SELECT lead FROM ids) AS lead`;

const sell = `WITH ended AS (DELETE FROM outbox WHERE id = $2::bigint),
  order_ AS (UPDATE subscriptions SET pass = pass + 2520, day = current_date, day_count = day_count + 1, last_distributed_at = now()
    WHERE id = $3::uuid RETURNING *),
  purse AS (UPDATE wallets w SET balance_minor = balance_minor - 100, week_spent_minor = week_spent_minor + 100,
      month_spent_minor = month_spent_minor + 100, updated_at = now() FROM order_ o WHERE w.buyer_id = o.buyer_id RETURNING w.*),
  ids AS (SELECT gen_random_uuid() AS unlock, gen_random_uuid() AS journal, gen_random_uuid() AS said, gen_random_uuid() AS event),
  sale AS (INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, campaign_id, subscription_id, status, price_minor, currency,
      ttl_expires_at, paid_at, paid_by)
    SELECT unlock, $1::uuid, o.organization_id, o.buyer_id, o.campaign_id, o.id, 'PAID', 100, 'usd', now(), now(), 'wallet' FROM ids, order_ o),
  book AS (INSERT INTO journals (id, key, organization_id) SELECT journal, 'assignment-' || unlock, o.organization_id FROM ids, order_ o),
  entries AS (INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
    SELECT journal, e.account, e.amount, 'usd' FROM ids, order_ o
    CROSS JOIN LATERAL (VALUES ('wallet:' || o.buyer_id, 100), ('seller:' || o.organization_id, -100)) e(account, amount)),
  transaction AS (INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor, balance_after_minor,
      description, unlock_id)
    SELECT said, p.organization_id, p.buyer_id, 'DEBIT', -100, p.balance_minor + 100, p.balance_minor, 'Lead purchase', unlock FROM ids, purse p),
  stand AS (UPDATE distributions SET status = 'DISTRIBUTED', distributed_at = now() WHERE lead_id = $1::uuid),
  reason AS (INSERT INTO decisions (lead_id, number, organization_id, considered)
    SELECT $1::uuid, 1, o.organization_id, jsonb_build_array(jsonb_build_object('buyerId', o.buyer_id, 'rule', NULL)) FROM order_ o)
  INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
    SELECT event, now(), 'lead.assigned', 1, o.organization_id, 'unlock:' || unlock, event, jsonb_build_object('unlockId', unlock) FROM ids, order_ o`;

/** Resolves once a lead is decided. All that wait share a lookup. */
function createWatch(): (leadId: string) => Promise<void> {
  const waiting = new Map<string, () => void>();
  const text = 'SELECT lead_id AS id FROM decisions WHERE lead_id = ANY($1::uuid[])';
  void (async () => {
    for (;;) {
      await delay(4);
      if (waiting.size === 0) continue;
      const { rows } = await pool.query<{ id: string }>({
        name: 'look',
        text,
        values: [[...waiting.keys()]],
      });
      for (const { id } of rows) {
        waiting.get(id)?.();
        waiting.delete(id);
      }
    }
  })();
  return (leadId) => new Promise((resolve) => waiting.set(leadId, resolve));
}

async function serve(): Promise<void> {
  const settings = { connection: connection(true) };
  const queue = backend
    ? (new Queue('distributor', settings, backend) as unknown as Queue)
    : new Queue('distributor', settings);
  await queue.waitUntilReady();
  const decided = createWatch();
  const sealed = 'x'.repeat(200);
  const app = fastify();
  app.get('/', async () => 'ready');
  app.post<{ Body: { campaignId: string; data: unknown } }>('/api/leads/ingest', async ({ body }, reply) => {
    const values = [body.campaignId, { data: body.data }, sealed];
    const { rows } = await pool.query<{ id: string; lead: string }>({ name: 'insert', text: insert, values });
    const { id, lead } = rows[0]!;
    const answer = decided(lead);
    const job: Job = { leadId: lead, outboxId: Number(id) };
    await queue.add('distributor', job, { removeOnComplete: { count: 300 } });
    await answer;
    return reply.status(201).send({ success: true, leadId: lead, distributed: true, buyersAssigned: 1 });
  });
  await app.listen({ port: options.port, host: '127.0.0.1' });
}

async function work(): Promise<void> {
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM subscriptions ORDER BY id');
  let turn = 0;
  const handle = async ({ data: { leadId, outboxId } }: { data: Job }) => {
    turn += 1;
    const values = [leadId, outboxId, rows[turn % rows.length]!.id];
    await pool.query({ name: 'sell', text: sell, values });
  };
  const settings = { connection: connection(false), concurrency: 20 };
  const worker = backend
    ? new Worker('distributor', handle, settings, backend)
    : new Worker('distributor', handle, settings);
  worker.on('error', (error) => process.stderr.write(`distributor: ${error.message}\n`));
}

if (role === 'api') await serve();
else await work();
process.once('SIGTERM', () => process.exit(0));
