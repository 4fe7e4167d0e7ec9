import { createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRedisCounters } from '../../src/adapters/redis-counters.ts';
import { buildApp } from '../../src/api/app.ts';
import type { Limits } from '../../src/api/http/limits.ts';
import { type Config, ConfigError, loadConfig } from '../../src/config.ts';
import { createKey } from '../../src/db/account/api-keys.ts';
import { createPostgresCounters } from '../../src/db/account/counters.ts';
import { createOrganization } from '../../src/db/account/organizations.ts';
import { setQuotaLimit } from '../../src/db/account/quotas.ts';
import { createDatabase } from '../../src/db/client.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import type { Counter, CounterStore } from '../../src/domain/account/counters.ts';
import type { RefusedError } from '../../src/domain/errors.ts';
import { createRuntime } from '../../src/runtime.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { createCounters } from '../../src/usecases/account/counters.ts';
import { createTestDatabase, directUrlOf, type TestDatabase } from '../harness/database.ts';
import { sampleLead } from '../harness/sample-lead.ts';

type Process = { runtime: Awaited<ReturnType<typeof createRuntime>>; app: FastifyInstance };

const namespace = `quotas-${uuidv7()}`;
/** Exact counts need the shared counter, also on a machine that is too busy to answer within its usual 300 ms. */
const countersPatienceMs = 30_000;
let database: TestDatabase;
let sandbox: Sandbox;
let demo: { organizationId: string; apiKey: string };
let runtime: Process['runtime'];
const closers: (() => Promise<unknown>)[] = [];

const configOf = (env: NodeJS.ProcessEnv = {}): Config =>
  loadConfig(env, {
    databaseUrl: database.url,
    databaseDirectUrl: directUrlOf(database),
    redisUrl: process.env.REDIS_URL ?? null,
    sandboxUrl: sandbox.url,
    logLevel: 'silent',
  });

/** The API as one process of several: its own connections, the same database and Redis. */
async function startProcess(env: NodeJS.ProcessEnv = {}, limits?: Partial<Limits>): Promise<Process> {
  const own = await createRuntime(configOf(env), {
    name: 'quotas-test',
    namespace,
    pool: 8,
    countersPatienceMs,
  });
  const app = await buildApp(own, { pages: true, limits });
  closers.push(async () => {
    await app.close();
    await own.close();
  });
  return { runtime: own, app };
}

beforeAll(async () => {
  database = await createTestDatabase();
  sandbox = await startSandbox({});
  runtime = await createRuntime(configOf(), { name: 'quotas-test', namespace });
  const made = await ensureDemo(runtime.db, { freshKey: true });
  demo = { organizationId: made.organizationId, apiKey: made.apiKey! };
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(async () => {
  await runtime?.close();
  await sandbox?.close();
  await database?.drop();
});

/** The shared counters of this lane's backend, and how often they were asked. */
function countingStore(): CounterStore & { asked: number } {
  const { redis } = runtime.queues;
  const real = redis ? createRedisCounters(redis, namespace) : createPostgresCounters(runtime.db);
  const counting = {
    ...real,
    asked: 0,
    add: (additions: Parameters<CounterStore['add']>[0]) => {
      counting.asked += 1;
      return real.add(additions);
    },
  };
  return counting;
}

const countersOn = (store: CounterStore, patienceMs: number | undefined = countersPatienceMs) =>
  createCounters({ store, secret: 's', log: runtime.log, patienceMs });
const usualPatienceMs = 300;
const counterOf = (limit: number, seconds = 60): Counter => ({ name: 'test', who: uuidv7(), limit, seconds });

async function takeAll(
  takers: readonly ReturnType<typeof countersOn>[],
  counter: Counter,
  times: number,
): Promise<number> {
  let accepted = 0;
  for (let i = 0; i < times; i += 1) if ((await takers[i % takers.length]!.take(counter)).ok) accepted += 1;
  return accepted;
}

describe('[S11] quotas are counted across processes', () => {
  it('two processes together accept exactly a small limit; the refusal names it and says when to repeat', async () => {
    const env = { QUOTAS: 'idempotency_keys=12' };
    const processes = [await startProcess(env), await startProcess(env)];
    const send = ({ app }: Process) =>
      app.inject({
        method: 'POST',
        url: '/api/leads',
        headers: { 'x-api-key': demo.apiKey, 'idempotency-key': uuidv7() },
        payload: sampleLead,
      });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => send(processes[i % 2]!)));
    const refused = answers.filter(({ statusCode }) => statusCode === 429);
    expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(12);
    expect(refused).toHaveLength(18);
    expect(refused[0]!.json()).toMatchObject({
      code: 'quota_exceeded',
      detail:
        'Over the quota "idempotency_keys": 12 Idempotency-Keys in 1 day for one organization. Nothing of this request was kept. Repeat the request after the time in Retry-After.',
    });
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThan(80_000);
    const metrics = await processes[0]!.app.inject('/metrics');
    expect(metrics.body).toMatch(/leadgate_quota_refused\{quota="idempotency_keys"\} [1-9]/);
    expect(metrics.body).toContain('leadgate_quota_used{quota="idempotency_keys"} 1\n');
  });

  it('request limits are counted across processes: invalid keys from one address, and requests of one key', async () => {
    const limits = { refused: { points: 12, seconds: 60 }, key: { points: 20, seconds: 60 } };
    const processes = [await startProcess({}, limits), await startProcess({}, limits)];
    const statuses = async (key: string, times: number) => {
      const answers = Array.from({ length: times }, (_, i) =>
        processes[i % 2]!.app.inject({ url: '/api/leads', headers: { 'x-api-key': key } }),
      );
      return (await Promise.all(answers)).map(({ statusCode }) => statusCode);
    };
    const invalid = await statuses('lg_unknown', 30);
    expect(invalid.filter((status) => status === 401)).toHaveLength(12);
    expect(invalid.filter((status) => status === 429)).toHaveLength(18);
    // Of no organization, whose requests other tests count.
    const fields = { organizationId: null, owner: 'operator', name: 'x', scopes: ['leads:read'] } as const;
    const valid = await statuses((await createKey(runtime.db, fields)).key, 40);
    expect(valid.filter((status) => status !== 429)).toHaveLength(20);
  });

  it('a provider that a request names several times is one offer', async () => {
    const { app } = await startProcess({ QUOTAS: 'offers=2' });
    const offer = (...provider_ids: string[]) =>
      app.inject({
        method: 'POST',
        url: '/api/leads',
        headers: { 'x-api-key': demo.apiKey },
        payload: { ...sampleLead, provider_ids },
      });
    const statuses = [await offer('provider60', 'provider60', 'provider60'), await offer('provider60')];
    expect(statuses.map(({ statusCode }) => statusCode)).toEqual([201, 201]);
    expect((await offer('provider60')).statusCode).toBe(429);
  });

  it('requests of all keys of an organization count together', async () => {
    const { app } = await startProcess({ QUOTAS: 'requests=5' });
    const fields = { organizationId: demo.organizationId, owner: 'organization', name: 'second' } as const;
    const second = await createKey(runtime.db, { ...fields, scopes: ['leads:read'] });
    const statuses: number[] = [];
    for (const key of [demo.apiKey, second.key, demo.apiKey, second.key, demo.apiKey]) {
      const answer = await app.inject({ url: '/api/leads', headers: { 'x-api-key': key } });
      statuses.push(answer.statusCode);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200]);
    const refused = await app.inject({ url: '/api/leads', headers: { 'x-api-key': second.key } });
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'quota_exceeded']);
    expect(refused.headers).toMatchObject({ 'ratelimit-limit': '5', 'ratelimit-remaining': '2' });
  });

  it('requests that come at the same moment in two processes do not pass a limit either', async () => {
    const takers = [countersOn(countingStore()), countersOn(countingStore())];
    const counter = counterOf(30);
    const taken = await Promise.all(Array.from({ length: 200 }, (_, i) => takers[i % 2]!.take(counter)));
    expect(taken.filter(({ ok }) => ok)).toHaveLength(30);
  });

  it('of a large limit a process asks for blocks: few round trips, nothing above the limit', async () => {
    const store = countingStore();
    const counter = counterOf(5_000, 10);
    const alone = await takeAll([countersOn(store)], counter, 6_000);
    expect(alone).toBe(5_000);
    expect(store.asked).toBeLessThan(150);
    const shared = await takeAll([countersOn(store), countersOn(store)], counterOf(5_000, 60), 6_000);
    expect(shared).toBeLessThanOrEqual(5_000);
    expect(shared).toBeGreaterThan(4_500);
  });

  it('a small use of a large limit asks nothing, and is reported when more is used', async () => {
    const store = countingStore();
    const counter = counterOf(5_000, 10);
    const first = countersOn(store);
    expect(await takeAll([first], counter, 50)).toBe(50);
    expect(store.asked).toBe(0);
    expect(await takeAll([first], counter, 1)).toBe(1);
    // Its own fifty and a block of a twentieth.
    expect((await countersOn(store).take({ ...counter }, 4_701)).ok).toBe(false);
  });

  it('a cost above what is left takes nothing; units given back can be taken again', async () => {
    const counters = countersOn(countingStore());
    const counter = counterOf(10);
    expect((await counters.take(counter, 6)).ok).toBe(true);
    expect((await counters.take(counter, 5)).ok).toBe(false);
    expect((await counters.take(counter, 4)).ok).toBe(true);
    counters.giveBack(counter, 4);
    expect((await counters.take(counter, 4)).ok).toBe(true);
    expect(await counters.take(counter)).toMatchObject({ ok: false, remaining: 0, limit: 10 });
  });

  it('an ended window counts from zero, and a reset counter too', async () => {
    const store = countingStore();
    const key = uuidv7();
    await store.add([{ key, units: 7, seconds: 0.05 }]);
    await expect.poll(async () => (await store.add([{ key, units: 1, seconds: 0.05 }]))[0]!.used).toBe(1);
    await store.add([{ key, units: 5, seconds: 60 }]);
    await store.reset(key);
    expect((await store.add([{ key, units: 2, seconds: 60 }]))[0]).toMatchObject({ used: 2 });
  });

  it('many keys in one statement are each counted', async () => {
    const keys = Array.from({ length: 40 }, () => uuidv7());
    const additions = keys.map((key, i) => ({ key, units: i + 1, seconds: 60 }));
    const sums = await Promise.all([
      countingStore().add(additions),
      countingStore().add(additions.toReversed()),
    ]);
    const total = sums[0]!.map((sum, i) => Math.max(sum!.used, sums[1]!.toReversed()[i]!.used));
    expect(total).toEqual(keys.map((_key, i) => 2 * (i + 1)));
  });
});

describe('[S11] what is in progress at once', () => {
  it('two processes hold a limit together, and a released place is free again', async () => {
    const [one, other] = [
      await startProcess({ QUOTAS: 'uploads=3' }),
      await startProcess({ QUOTAS: 'uploads=3' }),
    ];
    const owner = { organizationId: demo.organizationId, keyId: null };
    const ends: (() => void)[] = [];
    const works = Array.from({ length: 10 }, (_, i) =>
      [one, other]
        [i % 2]!.runtime.quotas.hold(
          'uploads',
          owner,
          () => new Promise<void>((resolve) => ends.push(resolve)),
        )
        .catch((error: RefusedError) => error),
    );
    let refused = 0;
    for (const work of works) void work.then((error) => (refused += error ? 1 : 0));
    await expect.poll(() => [ends.length, refused]).toEqual([3, 7]);
    for (const end of ends) end();
    const [error] = (await Promise.all(works)).filter((each) => each !== undefined);
    expect(error).toMatchObject({ status: 429, code: 'quota_exceeded', retryAfterSeconds: 5 });
    expect(await other.runtime.quotas.hold('uploads', owner, async () => 'again')).toBe('again');
  });

  it('the place of a process that died is free after its lease, unless it was renewed', async () => {
    const store = countingStore();
    const [key, id, next] = [uuidv7(), uuidv7(), uuidv7()];
    expect(await store.occupy({ key, id, limit: 1, ms: 60_000 })).toBe(true);
    expect(await store.occupy({ key, id: next, limit: 1, ms: 60_000 })).toBe(false);
    await store.renew([{ key, id }], 30);
    await expect.poll(() => store.occupy({ key, id: next, limit: 1, ms: 60_000 })).toBe(true);
    await store.renew([{ key, id }], 60_000);
    await store.vacate({ key, id: next });
    expect(await store.occupy({ key, id, limit: 1, ms: 60_000 })).toBe(true);
  });
});

describe('[S11] without the shared counter', () => {
  const unreachable = (url: string) => {
    const db = createDatabase({ url, max: 2, connectTimeoutMs: 2_000 });
    closers.push(() => db.close());
    return createPostgresCounters(db);
  };

  it('a process counts alone: the limit holds, and nothing fails', async () => {
    const counters = countersOn(unreachable('postgres://127.0.0.1:1/none'), usualPatienceMs);
    const counter = counterOf(25);
    expect(await takeAll([counters], counter, 40)).toBe(25);
    const places = await Promise.all(Array.from({ length: 5 }, () => counters.hold(counterOf(3))));
    expect(places.every((place) => place !== null)).toBe(true);
    const shared = counterOf(3);
    const held = await Promise.all(Array.from({ length: 5 }, () => counters.hold(shared)));
    expect(held.filter((place) => place !== null)).toHaveLength(3);
  });

  it('a counter that never answers delays one request by its deadline and no other', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(async () => server.close());
    const { port } = server.address() as { port: number };
    const counters = countersOn(unreachable(`postgres://127.0.0.1:${port}/none`), usualPatienceMs);
    const counter = counterOf(20);
    const began = performance.now();
    expect(await takeAll([counters], counter, 30)).toBe(20);
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});

describe('[S11] limits that are changed', () => {
  it('an organization’s own limit holds for it and for no other', async () => {
    const other = uuidv7();
    await createOrganization(runtime.db, {
      id: other,
      name: 'Small',
      slug: 'small',
      footer: '',
      supportContact: 'x@small.example',
    });
    expect(await setQuotaLimit(runtime.db, 'small', 'previews', 2)).toBe(true);
    const { quotas } = (await startProcess({ QUOTAS: 'previews=3' })).runtime;
    const taken = async (organizationId: string) => {
      for (let n = 0; ; n += 1) {
        const refused = await quotas
          .take('previews', { organizationId, keyId: 'k' })
          .catch((error: Error) => error);
        if (refused) return [n, refused.message.slice(0, 60)];
      }
    };
    expect(await taken(other)).toEqual([2, 'Over the quota "previews": 2 previews of files in 1 minute f']);
    expect(await taken(demo.organizationId)).toEqual([
      3,
      'Over the quota "previews": 3 previews of files in 1 minute f',
    ]);
    await setQuotaLimit(runtime.db, 'small', 'previews', null);
    const [row] = await runtime.db.query<{ quotas: unknown }>(
      "SELECT quotas FROM organizations WHERE slug = 'small'",
    );
    expect(row).toEqual({ quotas: null });
  });

  it('[S35] kilobytes of a caller who acts for every organization count for that caller', async () => {
    const process = await startProcess({ QUOTAS: 'body_kilobytes=100' });
    const keyOf = async () =>
      (
        await createKey(runtime.db, {
          organizationId: null,
          owner: 'operator',
          name: 'x',
          scopes: ['leads:write'],
        })
      ).key;
    const send = async (key: string) => {
      const { statusCode } = await process.app.inject({
        method: 'POST',
        url: '/api/leads/bulk',
        headers: { authorization: `Bearer ${key}` },
        payload: { leads: [{ notes: 'n'.repeat(60 * 1024) }] },
      });
      return statusCode === 429;
    };
    const [one, other] = [await keyOf(), await keyOf()];
    expect([await send(one), await send(one), await send(other)]).toEqual([false, true, false]);
  });

  it('an entry of QUOTAS that cannot be read, or names no quota, stops the start and says what is valid', async () => {
    expect(() => configOf({ QUOTAS: 'previews=30,uploads' })).toThrow('QUOTAS: "uploads" is not name=limit');
    const started = createRuntime(configOf({ QUOTAS: 'preview=30' }), { name: 'quotas-test' });
    await expect(started).rejects.toThrow(ConfigError);
    await expect(started).rejects.toThrow(
      'QUOTAS names "preview", which is no quota. There are: requests, previews,',
    );
  });
});
