import { type BackendFactory, createPostgresBackend, Queue, Worker } from 'bullmq';
import fastify from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';
import twilio from 'twilio';

/**
 * The floor of the same hops: POST → one committed INSERT → BullMQ → worker → one committed INSERT → BullMQ → worker →
 * Twilio SDK. No validation, states or claims, and no crash safety.
 * `latency.ts api|worker '{"databaseUrl":…,"redisUrl":…,"sandboxUrl":…,"port":…}'`
 */
type Options = { databaseUrl: string; redisUrl: string | null; sandboxUrl: string; port: number };
type Job = { id: string };

const [role = '', given = '{}'] = process.argv.slice(2);
const options = JSON.parse(given) as Options;
const pool = new pg.Pool({ connectionString: options.databaseUrl });
const backend = options.redisUrl ? undefined : (createPostgresBackend as unknown as BackendFactory);

/** Producers can share a connection; each worker needs its own, on which it blocks. */
function connection(migrate = false): never {
  if (options.redisUrl) return new Redis(options.redisUrl, { maxRetriesPerRequest: null }) as never;
  return { connectionString: options.databaseUrl, schema: 'bullmq', migrate, max: 4 } as never;
}
function queue(name: string, migrate = false): Queue {
  const settings = { connection: connection(migrate) };
  return backend ? (new Queue(name, settings, backend) as unknown as Queue) : new Queue(name, settings);
}
const kept = { removeOnComplete: { count: 300 } };
const insert = async (text: string, values: unknown[]) => String((await pool.query(text, values)).rows[0].id);

async function serve(): Promise<void> {
  await pool.query(
    'CREATE TABLE leads (id bigserial PRIMARY KEY, body jsonb NOT NULL, recipient text NOT NULL)',
  );
  await pool.query('CREATE TABLE offers (id bigserial PRIMARY KEY, lead bigint NOT NULL)');
  const distributor = queue('distributor', true);
  await distributor.waitUntilReady();
  const app = fastify();
  app.get('/', async () => 'ready');
  app.post<{ Body: { provider_ids: string[] } }>('/api/leads', async ({ body }, reply) => {
    const recipient = `+1${3_055_000_000 + Number(body.provider_ids[0]!.slice('bench'.length))}`;
    const id = await insert('INSERT INTO leads (body, recipient) VALUES ($1, $2) RETURNING id', [
      body,
      recipient,
    ]);
    await distributor.add('lead', { id }, kept);
    return reply.status(201).send({ lead_id: id });
  });
  await app.listen({ port: options.port, host: '127.0.0.1' });
}

function work(): void {
  const teasers = queue('teaser-sender');
  const client = twilio(`AC${'0'.repeat(31)}1`, 'sandbox-twilio-token', {
    httpClient: new twilio.RequestClient({ keepAlive: true, autoRetry: false }),
    region: '',
    edge: '',
  });
  client.api.baseUrl = options.sandboxUrl;
  const start = (name: string, run: (id: string) => Promise<unknown>) => {
    const settings = { connection: connection(), concurrency: 20 };
    const handle = ({ data }: { data: Job }) => run(data.id);
    const worker = backend ? new Worker(name, handle, settings, backend) : new Worker(name, handle, settings);
    worker.on('error', (error) => process.stderr.write(`${name}: ${error.message}\n`));
  };
  start('distributor', async (lead) => {
    const id = await insert('INSERT INTO offers (lead) VALUES ($1) RETURNING id', [lead]);
    await teasers.add('offer', { id }, kept);
  });
  start('teaser-sender', async (offer) => {
    const found = await pool.query(
      'SELECT recipient FROM leads JOIN offers ON lead = leads.id WHERE offers.id = $1',
      [offer],
    );
    await client.messages.create({
      to: found.rows[0].recipient,
      from: '+15005550006',
      body: 'A new client inquiry. Reply Y.',
    });
  });
}

process.once('SIGTERM', () => process.exit(0));
if (role === 'api') await serve();
else work();
