import { type BackendFactory, createPostgresBackend, Queue } from 'bullmq';
import fastify from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';

/**
 * The floor of accepting a lead: the rows the product writes (lead, unlock, event, outbox) inserted into the product's tables
 * in one statement, then the same job added to BullMQ. No authentication, validation, encryption or log.
 * `ingest.ts api '{"databaseUrl":…,"redisUrl":…,"port":…}'`
 */
type Options = { databaseUrl: string; redisUrl: string | null; port: number };

const options = JSON.parse(process.argv[3] ?? '{}') as Options;
const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 20 });
const backend = options.redisUrl ? undefined : (createPostgresBackend as unknown as BackendFactory);
const connection = (options.redisUrl
  ? new Redis(options.redisUrl, { maxRetriesPerRequest: null })
  : { connectionString: options.databaseUrl, schema: 'bullmq', migrate: true, max: 6 }) as unknown as never;
const queue = backend
  ? (new Queue('distributor', { connection }, backend) as unknown as Queue)
  : new Queue('distributor', { connection });
await queue.waitUntilReady();

const insert = `WITH ids AS (SELECT gen_random_uuid() AS lead, gen_random_uuid() AS unlock, gen_random_uuid() AS event),
  lead AS (INSERT INTO leads (id, organization_id, public_id, city, service_type, public, contact, phone_hash, email_hash,
      phone_valid, channel, price_minor, currency, ttl_ms)
    SELECT lead, $1, 'lead_' || lead, $2, $3, $4, $5, $6, $6, true, 'pay_per_unlock', 2000, 'usd', 86400000 FROM ids),
  offer AS (INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, our_number, phone, status, price_minor, currency,
      ttl_expires_at)
    SELECT unlock, lead, $1, $7, '+15005550006', $8, 'NEW_LEAD', 2000, 'usd', now() + interval '1 day' FROM ids),
  fact AS (INSERT INTO events (id, occurred_at, type, version, organization_id, subject, correlation_id, data)
    SELECT event, now(), 'lead.received', 1, $1, 'lead:' || lead, event, jsonb_build_object('leadId', lead, 'unlockIds', jsonb_build_array(unlock))
    FROM ids)
  INSERT INTO outbox (event_id, event_at, worker, organization_id, due_at, queued)
    SELECT event, now(), 'distributor', $1, now() + interval '10 s', true FROM ids RETURNING id`;
const buyers = await pool.query<{ id: string; organization_id: string; external_id: string; phone: string }>(
  'SELECT id, organization_id, external_id, phone FROM buyers',
);
const buyerOf = new Map(buyers.rows.map((buyer) => [buyer.external_id, buyer]));
/** Strings with the length of an encrypted contact and of a keyed hash. */
const [sealed, hash] = ['x'.repeat(320), 'y'.repeat(43)];

type Lead = { city: string; service_type: string; notes_snippet: string; provider_ids: string[] };
const app = fastify();
app.get('/', async () => 'ready');
app.post<{ Body: Lead }>('/api/leads', async ({ body }, reply) => {
  const { id, organization_id: organization, phone } = buyerOf.get(body.provider_ids[0]!)!;
  const shown = { notes: body.notes_snippet };
  const values = [organization, body.city, body.service_type, shown, sealed, hash, id, phone];
  const { rows } = await pool.query<{ id: string }>({ name: 'insert', text: insert, values });
  const outboxId = Number(rows[0]!.id);
  await queue.add(
    'distributor',
    { outboxId, epoch: 0 },
    { jobId: `ob-${outboxId}-0`, removeOnComplete: { count: 300 } },
  );
  return reply.status(201).send({ lead_id: `lead_${outboxId}`, provider_results: [] });
});
await app.listen({ port: options.port, host: '127.0.0.1' });
process.once('SIGTERM', () => process.exit(0));
