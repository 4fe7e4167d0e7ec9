import { upsertBuyers } from '../src/db/buyers.ts';
import { createDatabase } from '../src/db/client.ts';
import { ensureDemo } from '../src/db/demo.ts';
import { migrate } from '../src/db/migrate.ts';
import { freePort } from '../src/system.ts';
import { eventually, Machine } from './machine.ts';

/**
 * From `POST /api/leads` sent to the teaser accepted by the vendor, one lead at a time, beside a floor: the same hops
 * through bare Fastify, pg, BullMQ and the Twilio SDK (floor/latency.ts).
 *
 * API, workers and vendors are three processes, as in production, and log as they do there. The vendor's own ledger
 * says when it accepted the message, on the clock of the same machine; it writes whole milliseconds, so half of one is
 * added. Product and floor are read alike. Between two leads we wait for the vendor's last status callback to be
 * answered, so that nothing of the former lead is still under way.
 */

export type Backend = 'redis' | 'postgres';
export type Measured = { p50: number; p95: number; samples: number };
export type Result = { backend: Backend; product: Measured; floor: Measured; ratio: number; goal: number };

/** p50, ms: what the product promises on an idle machine. */
const goals: Record<Backend, number> = { redis: 50, postgres: 150 };
const warmUp = 30;
const pauseMs = 20;

type Target = { post: (sample: number) => Promise<void>; sandboxUrl: string; callbacks: boolean };
/** One phone per lead: the ledger's entry is found by it, and no hourly limit is met. */
const phoneOf = (sample: number) => `+1305${String(5_560_000 + sample)}`;

export async function measureLatency(backend: Backend, samples: number): Promise<Result | null> {
  const product = await onMachine(backend, (parts) => sample(parts, samples, startProduct));
  const floor = await onMachine(backend, (parts) => sample(parts, samples, startFloor));
  if (!product || !floor) return null;
  return { backend, product, floor, ratio: product.p50 / floor.p50, goal: goals[backend] };
}

type Parts = { machine: Machine; databaseUrl: string; redisUrl: string | null; sandboxUrl: string };

async function onMachine<T>(backend: Backend, use: (parts: Parts) => Promise<T>): Promise<T | null> {
  const machine = new Machine();
  try {
    const redisUrl = backend === 'redis' ? await machine.redis() : null;
    if (backend === 'redis' && !redisUrl) return null;
    return await use({
      machine,
      redisUrl,
      databaseUrl: await machine.postgres(),
      sandboxUrl: await machine.sandbox(),
    });
  } finally {
    await machine.stop();
  }
}

async function sample(
  parts: Parts,
  samples: number,
  start: (parts: Parts, phones: number) => Promise<Target>,
): Promise<Measured> {
  const target = await start(parts, warmUp + samples);
  const took: number[] = [];
  for (let number = 0; number < warmUp + samples; number += 1) {
    const ms = await oneLead(target, number);
    if (number >= warmUp) took.push(ms);
  }
  took.sort((a, b) => a - b);
  const rank = (share: number) => took[Math.ceil(took.length * share) - 1]!;
  return { p50: rank(0.5), p95: rank(0.95), samples: took.length };
}

async function oneLead({ post, sandboxUrl, callbacks }: Target, number: number): Promise<number> {
  const ask = async <T>(path: string) => {
    const response = await fetch(`${sandboxUrl}/_sandbox/${path}`);
    if (!response.ok) throw new Error(`lead ${number}: the sandbox answered ${response.status} to ${path}`);
    return (await response.json()) as T;
  };
  const sent = performance.timeOrigin + performance.now();
  await post(number);
  const wanted = `operation=message.create&to=${encodeURIComponent(phoneOf(number))}`;
  const { entries } = await ask<{ entries: { at: string; vendorId: string }[] }>(
    `ledger/wait?${wanted}&timeoutMs=30000`,
  );
  const { at, vendorId } = entries[0]!;
  if (callbacks) await ask(`webhooks/wait?event=message.delivered&objectId=${vendorId}&timeoutMs=30000`);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  return Date.parse(at) + 0.5 - sent;
}

async function startProduct(
  { machine, databaseUrl, redisUrl, sandboxUrl }: Parts,
  phones: number,
): Promise<Target> {
  await migrate(databaseUrl);
  const apiKey = await seed(databaseUrl, phones);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const addresses = { PORT: `${port}`, PUBLIC_URL: url, SANDBOX_URL: sandboxUrl, DATABASE_URL: databaseUrl };
  const env = redisUrl ? { ...addresses, REDIS_URL: redisUrl } : addresses;
  machine.node('src/api/main.ts', [], env);
  machine.node('src/workers/main.ts', [], env);
  await eventually(() => answersAt(`${url}/health`));
  return { sandboxUrl, callbacks: true, post: (number) => post(`${url}/api/leads`, leadFor(number), apiKey) };
}

async function startFloor({ machine, databaseUrl, redisUrl, sandboxUrl }: Parts): Promise<Target> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const options = JSON.stringify({ databaseUrl, redisUrl, sandboxUrl, port });
  machine.node('bench/floor/latency.ts', ['api', options]);
  // It makes its table first.
  await eventually(() => answersAt(url));
  machine.node('bench/floor/latency.ts', ['worker', options]);
  return {
    sandboxUrl,
    callbacks: false,
    post: (number) => post(`${url}/api/leads`, { ...leadFor(number), to: phoneOf(number) }),
  };
}

async function answersAt(url: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}

async function seed(databaseUrl: string, phones: number): Promise<string> {
  const db = createDatabase({ url: databaseUrl, max: 1 });
  try {
    const { organizationId, apiKey } = await ensureDemo(db, { freshKey: true });
    const buyers = Array.from({ length: phones }, (_, number) => ({
      externalId: `bench${number}`,
      name: 'Amy',
      phone: phoneOf(number),
      email: null,
      language: null,
    }));
    await upsertBuyers(db, organizationId, buyers);
    return apiKey!;
  } finally {
    await db.close();
  }
}

async function post(url: string, body: object, apiKey = ''): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${url} answered ${response.status}: ${text}`);
}

const leadFor = (number: number) => ({
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  preferred_time_window: 'Evening (6-9 PM)',
  budget_range: '$150-200',
  notes_snippet: 'Client prefers deep tissue massage',
  client_name: 'Sarah Johnson',
  client_phone: '+13055550199',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
  provider_ids: [`bench${number}`],
  config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
});
