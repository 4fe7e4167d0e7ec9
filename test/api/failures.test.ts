import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../src/adapters/logger.ts';
import { type ApiTest, amy, startApi } from '../harness/api-app.ts';
import { type Cut, startCutProxy } from '../harness/cut-proxy.ts';
import { type ProxiedQueueServer, startProxiedQueueServer } from '../harness/outages.ts';
import { sampleLead } from '../harness/sample-lead.ts';

type Proxy = Awaited<ReturnType<typeof startCutProxy>>;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The ingress with a proxy on its database connections that can cut them. */
async function behindProxy(): Promise<{ api: ApiTest; proxy: Omit<Proxy, 'url'> }> {
  const proxies: Proxy[] = [];
  const api = await startApi({
    through: async (url) => {
      const proxy = await startCutProxy(url);
      proxies.push(proxy);
      return proxy.url;
    },
  });
  const network = {
    get cut() {
      return proxies[0]!.cut;
    },
    set cut(cut: Cut | null) {
      for (const proxy of proxies) proxy.cut = cut;
    },
    get cuts() {
      return proxies.reduce((sum, proxy) => sum + proxy.cuts, 0);
    },
    async stop() {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
    },
  };
  closers.push(network.stop, api.stop);
  return { api, proxy: network };
}

const leadsIn = (api: ApiTest, city: string) =>
  api.rows<{ public_id: string }>('SELECT public_id FROM leads WHERE city = $1', [city]);

describe('the database connection breaks during a request', () => {
  it('[F01] before the statement arrives: 503, nothing is stored, and the retry stores one lead', async () => {
    const { api, proxy } = await behindProxy();
    const body = { ...sampleLead, city: 'Before' };
    proxy.cut = { on: 'Before', when: 'before' };
    const lost = await api.json('POST', '/api/leads', body, { 'idempotency-key': 'f01' });
    expect(proxy.cuts).toBeGreaterThan(0);
    expect([lost.statusCode, lost.json().code]).toEqual([503, 'unavailable']);
    expect(lost.headers['retry-after']).toBeDefined();
    proxy.cut = null;
    expect(await leadsIn(api, 'Before')).toEqual([]);
    expect((await api.json('POST', '/api/leads', body, { 'idempotency-key': 'f01' })).statusCode).toBe(201);
    expect(await leadsIn(api, 'Before')).toHaveLength(1);
  });

  it('[F02] after COMMIT, before the response arrives: the request and its retry return the same lead', async () => {
    const { api, proxy } = await behindProxy();
    const body = { ...sampleLead, city: 'After' };
    proxy.cut = { on: 'After', when: 'after' };
    const first = await api.json('POST', '/api/leads', body, { 'idempotency-key': 'f02' });
    expect(proxy.cuts).toBeGreaterThan(0);
    proxy.cut = null;
    expect(first.statusCode).toBe(201);
    const again = await api.json('POST', '/api/leads', body, { 'idempotency-key': 'f02' });
    expect(again.statusCode).toBe(201);
    const stored = await leadsIn(api, 'After');
    expect(stored.map((l) => l.public_id)).toEqual([again.json().lead_id]);
    expect(first.json()).toEqual(again.json());
    expect(await api.unlocksOf(again.json().lead_id)).toHaveLength(1);
  });

  it('[F03] database down: 503 with Retry-After within two seconds, and /health is unhealthy', async () => {
    const { api, proxy } = await behindProxy();
    expect((await api.app.inject('/health')).json()).toMatchObject({
      status: 'healthy',
      checks: { database: 'healthy', queue: 'healthy' },
    });
    await proxy.stop();
    const started = performance.now();
    const answers = await Promise.all([
      api.json('POST', '/api/leads', sampleLead),
      api.json('GET', '/api/leads'),
      api.text(amy, 'Y'),
      api.app.inject(`/p/${'A'.repeat(22)}`),
    ]);
    expect(performance.now() - started).toBeLessThan(2_000);
    for (const response of answers) {
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBeDefined();
      expect(response.body).not.toMatch(/ECONN|127\.0\.0\.1|postgres/i);
    }
    const health = await api.app.inject('/health');
    expect([health.statusCode, health.json().status]).toEqual([503, 'unhealthy']);
  });
});

describe('[F04] the queue is down', () => {
  it('leads are accepted, their work waits in the outbox, and /health is degraded', async () => {
    let queueProxy: Pick<ProxiedQueueServer, 'stop'> | undefined;
    const api = await startApi({
      queueThrough: async (url) => {
        const proxy = await (process.env.REDIS_URL ? startProxiedQueueServer(url) : startCutProxy(url));
        queueProxy = proxy;
        return proxy.url;
      },
    });
    closers.push(api.stop);
    expect((await api.app.inject('/health/redis')).json().reachable).toBe(true);
    await queueProxy!.stop();
    const response = await api.json('POST', '/api/leads', sampleLead);
    expect(response.statusCode).toBe(201);
    const waiting = await api.rows(
      `SELECT o.worker FROM outbox o JOIN events e ON e.id = o.event_id WHERE e.type = 'lead.received'`,
    );
    expect(waiting).toEqual([{ worker: 'distributor' }]);
    const health = await api.app.inject('/health');
    expect(health.statusCode).toBe(200);
    expect(health.json()).toMatchObject({
      status: 'degraded',
      checks: { database: 'healthy', queue: 'unhealthy' },
    });
    const queue = await api.app.inject('/health/redis');
    expect(queue.json()).toEqual({
      status: 'unhealthy',
      backend: process.env.REDIS_URL ? 'redis' : 'postgres',
      reachable: false,
    });
  });
});

describe('[S14] one log line per request', () => {
  it('it contains ids and no personal data, key or token, for valid and invalid requests', async () => {
    const lines: string[] = [];
    const log = createLogger({ logLevel: 'debug' }, 'api', { write: (line: string) => lines.push(line) });
    const api = await startApi({ log });
    closers.push(api.stop);
    const canary = {
      ...sampleLead,
      client_name: 'Canary\nName',
      client_email: 'canary@person.example',
      exact_address: '9 Canary Road',
    };
    const id = await api.lead(canary);
    const [unlock] = await api.unlocksOf(id);
    const token = await api.toAwaitingPayment(unlock!.id);
    await api.app.inject(`/p/${token}?x=canary-query`);
    await api.text(amy, 'canary text');
    await api.json('GET', `/api/leads/${id}?include_locked=true`);
    await api.json('GET', '/canary-path?y=canary-query');
    await api.json('POST', '/api/leads', '{"canary', { 'content-type': 'application/json' });
    await api.app.inject({ method: 'GET', url: '/api/leads', headers: { 'x-api-key': 'lg_canary-key' } });
    await api.app.inject(`/webhook/textmagic/${api.config.textmagic.webhookToken}`);

    const requests = lines.map((line) => JSON.parse(line)).filter((line) => line.event === 'request');
    expect(requests).toHaveLength(8);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      route: '/api/leads',
      status: 201,
      organizationId: api.organizationId,
      requestId: expect.any(String),
      ms: expect.any(Number),
    });
    expect(requests.map((line) => line.route)).toContain('/p/:token');
    const all = lines.join('');
    expect(all).not.toMatch(/canary|Canary|Sarah|1234567890|3055550160/);
    for (const secret of [token, api.key, api.config.textmagic.webhookToken])
      expect(all).not.toContain(secret);
    for (const line of lines) expect(line.trimEnd()).not.toContain('\n');
  });

  it('[S14] outbox rows, events and stored idempotent responses contain no personal data', async () => {
    const api = await startApi();
    closers.push(api.stop);
    await api.json('POST', '/api/leads', sampleLead, { 'idempotency-key': 'canary' });
    const kept = await api.rows(
      'SELECT to_jsonb(e) AS e, to_jsonb(o) AS o, to_jsonb(k) AS k FROM events e, outbox o, idempotency_keys k',
    );
    expect(kept.length).toBeGreaterThan(0);
    expect(JSON.stringify(kept)).not.toMatch(/Sarah|1234567890|sarah\.johnson|Ocean Drive/);
  });
});
