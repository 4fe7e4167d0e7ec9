import { type BackendFactory, createPostgresBackend, Queue, Worker } from 'bullmq';
import fastify from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';
import Stripe from 'stripe';
import twilio from 'twilio';

/**
 * The floor of one deal: only the commits, jobs and SDK calls that its guarantees need. A commit inserts one small row;
 * nothing is read, validated, encrypted, verified or logged, and there is no crash safety. Per deal:
 *
 * | step | commits | jobs added | SDK calls |
 * |---|---|---|---|
 * | lead stored | 1 | distributor | |
 * | offer made | 1 | teaser-sender | |
 * | teaser: claimed, response booked, state moved | 3 | | 1 |
 * | Y received | 1 | payment-linker | |
 * | link: the pay page opened, then claimed, booked, moved | 4 | | 1 |
 * | button pressed: checkout stored before the call, session booked after it | 2 | | 1 |
 * | Stripe's two events stored | 2 | payment-linker | |
 * | payment fetched (session and payment intent) and booked | 1 | revealer | 2 |
 * | details: claimed, booked, moved | 3 | | 1 |
 * | receipts of three texts: sent, delivered (`queued` is ignored) | 6 | revealer | |
 * | done | 1 | | |
 * | in all | 25 | 6 | 6 |
 *
 * `pipeline.ts api|worker '{"databaseUrl":…,"redisUrl":…,"sandboxUrl":…,"port":…}'`
 */
type Options = { databaseUrl: string; redisUrl: string | null; sandboxUrl: string; port: number };
type Job = { phone: string; session?: string };

const [role = '', given = '{}'] = process.argv.slice(2);
const options = JSON.parse(given) as Options;
const self = `http://127.0.0.1:${options.port}`;
const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 20 });
const commit = (step: string, phone: string) =>
  pool.query({
    name: 'step',
    text: 'INSERT INTO steps (step, phone) VALUES ($1, $2)',
    values: [step, phone],
  });
const backend = options.redisUrl ? undefined : (createPostgresBackend as unknown as BackendFactory);

/** Producers can share a connection; each worker needs its own, on which it blocks. */
function connection(migrate = false): never {
  if (options.redisUrl) return new Redis(options.redisUrl, { maxRetriesPerRequest: null }) as never;
  return { connectionString: options.databaseUrl, schema: 'bullmq', migrate, max: 4 } as never;
}
const shared = options.redisUrl ? connection() : null;
function queue(name: string, migrate = false): Queue {
  const settings = { connection: shared ?? connection(migrate) };
  return backend ? (new Queue(name, settings, backend) as unknown as Queue) : new Queue(name, settings);
}
const kept = { removeOnComplete: { count: 300 } };

const base = new URL(options.sandboxUrl);
const stripe = new Stripe('sk_test_sandbox', {
  host: base.hostname,
  port: base.port,
  protocol: 'http',
  telemetry: false,
  maxNetworkRetries: 0,
});
const sms = twilio(`AC${'0'.repeat(31)}1`, 'sandbox-twilio-token', {
  httpClient: new twilio.RequestClient({ keepAlive: true, autoRetry: false }),
  region: '',
  edge: '',
});
sms.api.baseUrl = options.sandboxUrl;

async function serve(): Promise<void> {
  await pool.query(
    'CREATE TABLE steps (id bigserial PRIMARY KEY, step text NOT NULL, phone text NOT NULL, at timestamptz NOT NULL DEFAULT now())',
  );
  const distributor = queue('distributor', true);
  await distributor.waitUntilReady();
  const [linker, revealer] = [queue('payment-linker'), queue('revealer')];
  const app = fastify();
  const form = 'application/x-www-form-urlencoded';
  app.addContentTypeParser(form, { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  app.get('/', async () => 'ready');
  app.post<{ Body: { provider_ids: string[] } }>('/api/leads', async ({ body }, reply) => {
    const phone = `+1${3_055_000_000 + Number(body.provider_ids[0]!.slice('bench'.length))}`;
    await commit('lead', phone);
    await distributor.add('lead', { phone }, kept);
    return reply.status(201).send({ lead_id: phone });
  });
  app.post<{ Body: { From: string } }>('/webhook/twilio/sms', async ({ body }, reply) => {
    await commit('reply', body.From);
    await linker.add('reply', { phone: body.From }, kept);
    return reply.header('content-type', 'text/xml').send('<?xml version="1.0" encoding="UTF-8"?><Response/>');
  });
  app.post<{ Body: { MessageStatus: string; To: string }; Params: { purpose: string } }>(
    '/status/:purpose',
    async ({ body, params }, reply) => {
      const { MessageStatus: status, To: phone } = body;
      if (status !== 'queued') await commit(status, phone);
      if (status === 'delivered' && params.purpose === 'reveal')
        await revealer.add('delivered', { phone }, kept);
      return reply.status(204).send();
    },
  );
  app.post<{ Params: { phone: string } }>('/p/:phone', async ({ params }, reply) => {
    const phone = `+${params.phone}`;
    await commit('checkout', phone);
    const session = await stripe.checkout.sessions.create({
      mode: 'payment',
      ui_mode: 'hosted_page',
      line_items: [
        {
          quantity: 1,
          price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: 'Details' } },
        },
      ],
      metadata: { phone },
      success_url: `${self}/p/${params.phone}`,
    });
    await commit('session', phone);
    return reply.redirect(session.url!, 303);
  });
  type Event = { type: string; data: { object: { id: string; metadata: { phone: string } } } };
  app.post<{ Body: Event }>('/webhook/stripe', async ({ body }) => {
    const { id, metadata } = body.data.object;
    await commit(body.type, metadata.phone ?? '');
    if (body.type === 'checkout.session.completed')
      await linker.add('paid', { phone: metadata.phone, session: id }, kept);
    return { received: true };
  });
  await app.listen({ port: options.port, host: '127.0.0.1' });
}

function work(): void {
  const [teasers, revealer] = [queue('teaser-sender'), queue('revealer')];
  const start = (name: string, run: (name: string, data: Job) => Promise<unknown>) => {
    const settings = { connection: connection(), concurrency: 20 };
    const handle = (job: { name: string; data: Job }) => run(job.name, job.data);
    const worker = backend ? new Worker(name, handle, settings, backend) : new Worker(name, handle, settings);
    worker.on('error', (error) => process.stderr.write(`${name}: ${error.message}\n`));
  };
  const text = async (purpose: string, phone: string, body: string) => {
    await commit(`${purpose} claimed`, phone);
    const statusCallback = `${self}/status/${purpose}`;
    await sms.messages.create({ to: phone, from: '+15005550006', body, statusCallback });
    await commit(`${purpose} accepted`, phone);
    await commit(`${purpose} sent`, phone);
  };
  start('distributor', async (_name, { phone }) => {
    await commit('offered', phone);
    await teasers.add('offer', { phone }, kept);
  });
  start('teaser-sender', (_name, { phone }) => text('teaser', phone, 'A new client inquiry. Reply Y.'));
  start('payment-linker', async (name, { phone, session = '' }) => {
    if (name === 'paid') {
      const paid = await stripe.checkout.sessions.retrieve(session);
      await stripe.paymentIntents.retrieve(String(paid.payment_intent), { expand: ['latest_charge'] });
      await commit('paid', phone);
      await revealer.add('captured', { phone }, kept);
    } else {
      await commit('pay page', phone);
      await text('link', phone, `Pay here: ${self}/p/${phone.slice(1)}`);
    }
  });
  start('revealer', async (name, { phone }) => {
    if (name === 'captured') await text('reveal', phone, 'Here are the client details: …');
    else await commit('done', phone);
  });
}

process.once('SIGTERM', () => process.exit(0));
if (role === 'api') await serve();
else work();
