import { hostname, tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { createSelfCheck } from '../../src/usecases/transport/self-check.ts';
import { type ApiTest, amy, startApi } from '../harness/api-app.ts';
import { startSystem } from '../harness/system.ts';

const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
});

/** Checks run only when the test asks. */
async function checked(options: Parameters<typeof startApi>[0] = {}): Promise<ApiTest> {
  const selfCheck = { everyMs: 3_600_000, ...options.selfCheck };
  const api = await startApi({ ...options, selfCheck });
  stops.push(api.stop);
  return api;
}
const healthOf = async ({ app }: ApiTest) => {
  const response = await app.inject('/health');
  return { status: response.statusCode, ...response.json<{ checks: Record<string, string> }>() };
};
type Row = { key: string; kind: string; text: string; open: boolean };
const alertsOf = ({ rows }: ApiTest) =>
  rows<Row>('SELECT key, kind, text, resolved_at IS NULL AS open FROM alerts ORDER BY created_at');
const eventsOf = ({ rows }: ApiTest) => rows(`SELECT 1 FROM events WHERE type = 'installation.unwell'`);

describe('[S18] a process watches the installation while it runs', () => {
  it('all is well: health says so, and no alert is stored', async () => {
    const api = await checked({ selfCheck: { volumes: [tmpdir()] } });
    expect(await healthOf(api)).toMatchObject({
      status: 'healthy',
      checks: { database: 'healthy', queue: 'healthy', clock: 'healthy', disk: 'healthy' },
    });
    expect(await alertsOf(api)).toEqual([]);
  });

  it('a clock an hour ahead: webhooks signed now are accepted, health is degraded, one alert', async () => {
    const hour = 3_600_000;
    const api = await checked({ selfCheck: { localNow: () => Date.now() + hour } });
    const event = {
      id: 'evt_clock',
      type: 'charge.refunded',
      created: Math.floor(Date.now() / 1000),
      livemode: false,
      data: { object: { id: 'ch_1' } },
    };
    expect((await api.stripePost(event)).statusCode).toBe(200);
    expect((await api.stripePost({ ...event, id: 'evt_2' }, { at: Date.now() + hour })).statusCode).toBe(400);
    expect((await api.sendgridPost([])).statusCode).toBe(200);
    expect((await api.text(amy, 'hello')).statusCode).toBe(200);

    await api.runtime.selfCheck.run();
    expect(await healthOf(api)).toMatchObject({
      status: 'degraded',
      checks: { database: 'healthy', clock: 'unhealthy' },
    });
    const [alert, ...more] = await alertsOf(api);
    expect(more).toEqual([]);
    expect(alert).toMatchObject({ kind: 'installation_unwell', open: true });
    expect(alert!.text).toContain('3600 s ahead');
    expect(await eventsOf(api)).toHaveLength(1);
  });

  it('a disk below its threshold: degraded and one alert, resolved when there is space again', async () => {
    const limits = { freeBytes: Number.MAX_SAFE_INTEGER };
    const api = await checked({ selfCheck: { volumes: [tmpdir()], limits } });
    expect(await healthOf(api)).toMatchObject({ status: 'degraded', checks: { disk: 'unhealthy' } });
    await api.runtime.selfCheck.run();
    await api.runtime.selfCheck.run();
    expect(await alertsOf(api)).toHaveLength(1);
    expect(await eventsOf(api)).toHaveLength(1);

    limits.freeBytes = 1;
    const again = await api.runtime.selfCheck.run();
    expect(again.filter(({ reason }) => reason !== null)).toEqual([]);
    expect(await healthOf(api)).toMatchObject({ status: 'healthy', checks: { disk: 'healthy' } });
    expect(await alertsOf(api)).toMatchObject([{ open: false }]);
  });

  it('a trouble that lasts over midnight, or over a restart, raises no second alert', async () => {
    const options = { volumes: [tmpdir()], limits: { freeBytes: Number.MAX_SAFE_INTEGER } };
    const api = await checked({ selfCheck: options });
    await api.rows(`UPDATE alerts SET key = left(key, -13) || '2026-01-01T00'`);
    await createSelfCheck(api.runtime, options).run();
    expect(await alertsOf(api)).toMatchObject([{ open: true }]);
    expect(await eventsOf(api)).toHaveLength(1);
  });

  it('a trouble that passes and returns raises an alert again, also on the same day', async () => {
    const limits = { freeBytes: Number.MAX_SAFE_INTEGER };
    const api = await checked({ selfCheck: { volumes: [tmpdir()], limits } });
    limits.freeBytes = 1;
    await api.runtime.selfCheck.run();
    limits.freeBytes = Number.MAX_SAFE_INTEGER;
    // Within the hour it raises none; while it lasts, every later run tries again.
    await api.runtime.selfCheck.run();
    expect(await alertsOf(api)).toMatchObject([{ open: false }]);
    await api.rows(`UPDATE alerts SET key = regexp_replace(key, 'T..$', 'T99')`);
    await api.runtime.selfCheck.run();
    expect(await alertsOf(api)).toMatchObject([{ open: false }, { open: true }]);
    expect(await eventsOf(api)).toHaveLength(2);
  });

  it('a process that starts resolves no alert of another machine, or about a disk that it does not watch', async () => {
    const limits = { freeBytes: Number.MAX_SAFE_INTEGER };
    const api = await checked({ selfCheck: { volumes: [tmpdir()], limits } });
    await createSelfCheck(api.runtime, {}).run();
    expect(await alertsOf(api)).toMatchObject([{ open: true }]);
    // As if this machine were the other one's name with an ending.
    await api.rows(`UPDATE alerts SET key = replace(key, $1, $1 || '-1')`, [hostname()]);
    await createSelfCheck(api.runtime, { volumes: [tmpdir()] }).run();
    expect(await alertsOf(api)).toMatchObject([{ open: true }]);
  });

  it('two processes that see one trouble raise one alert', async () => {
    const options = { volumes: [tmpdir()], limits: { freeBytes: Number.MAX_SAFE_INTEGER } };
    const api = await checked({ selfCheck: options });
    await Promise.all([1, 2, 3].map(() => createSelfCheck(api.runtime, options).run()));
    expect(await alertsOf(api)).toHaveLength(1);
    expect(await eventsOf(api)).toHaveLength(1);
  });

  it('a write that the database refuses for lack of space: degraded until writes succeed again', async () => {
    const api = await checked({ selfCheck: { quietMs: 60_000 } });
    const refuse = `DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`;
    await expect(api.runtime.db.query(refuse)).rejects.toThrow('could not extend file');
    await api.runtime.selfCheck.run();
    expect(await healthOf(api)).toMatchObject({ status: 'degraded', checks: { disk: 'unhealthy' } });
    expect((await alertsOf(api)).map(({ text }) => text).join()).toContain('disk is full');

    const later = createSelfCheck(api.runtime, { quietMs: 0 });
    expect((await later.run()).filter(({ reason }) => reason !== null)).toEqual([]);
    expect(await alertsOf(api)).toMatchObject([{ open: false }]);
  });

  it('the figures are in the metrics', async () => {
    const api = await checked({ pages: true, selfCheck: { volumes: [tmpdir()] } });
    const key = await api.makeKey(['admin'], { owner: 'operator', organizationId: null });
    const text = (await api.app.inject({ url: '/metrics', headers: { authorization: `Bearer ${key}` } }))
      .body;
    expect(text).toMatch(/^leadgate_check_ok\{check="clock"\} 1$/m);
    expect(text).toMatch(/^leadgate_clock_skew_seconds -?[\d.e-]+$/m);
    expect(text).toMatch(/^leadgate_disk_free_bytes\{path="[^"]+"\} \d{6,}/m);
  });

  it('operators get an e-mail about it', async () => {
    const system = await startSystem({
      workers: ['notifier'],
      selfCheck: { volumes: [tmpdir()], limits: { freeBytes: Number.MAX_SAFE_INTEGER } },
    });
    stops.push(() => system.stop());
    const mail = await system.sandbox.waitFor((entry) => entry.operation === 'mail.send', 15_000);
    expect(JSON.stringify(mail)).toContain('leadgate itself needs attention');
  });
});
