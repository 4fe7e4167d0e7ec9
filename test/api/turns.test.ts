import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shareOf } from '../../src/api/http/turns.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { atServer } from '../harness/database.ts';
import { sampleLead } from '../harness/sample-lead.ts';

/** 80 % of 20 connections, while no other organization has requests. */
const width = 16;
const mostWaiting = 40;
let api: ApiTest;
beforeEach(async () => {
  api = await startApi({ turns: { mostWaiting, patienceMs: 20_000 } });
  await api.rows(
    `INSERT INTO buyers (id, organization_id, external_id, phone, language)
     SELECT gen_random_uuid(), $1, 'waiting' || n, '+13055550190', 'en' FROM generate_series(0, 99) n`,
    [api.organizationId],
  );
});
afterEach(() => api?.stop());

/** While `act` runs, nothing can be stored for the demo organization, nor its providers changed: their rows are locked. */
const whileHeldUp = (act: () => Promise<void>) =>
  atServer(api.config.databaseDirectUrl ?? api.config.databaseUrl!, async (holder) => {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM organizations WHERE id = $1 FOR UPDATE', [api.organizationId]);
    await holder.query('SELECT 1 FROM buyers WHERE organization_id = $1 FOR UPDATE', [api.organizationId]);
    await act();
    await holder.query('ROLLBACK');
  });

const postLead = async (key: string) =>
  (await api.json('POST', '/api/leads', sampleLead, { authorization: `Bearer ${key}` })).statusCode;

/** A request that takes a connection of its own. */
const changeProvider = (key: string, n: number) =>
  api.json('PATCH', `/api/providers/waiting${n}`, { name: 'changed' }, { authorization: `Bearer ${key}` });

/** On a machine that does other work. */
const soon = { timeout: 20_000 };
const busy = () => api.runtime.db.pool.totalCount - api.runtime.db.pool.idleCount;

describe('[S32] one organization cannot hold the whole pool', () => {
  it('beside its held-up requests another stores a lead and /health is 200; then all are answered', async () => {
    const other = await api.otherOrganization();
    let flood: Promise<number>[] = [];
    await whileHeldUp(async () => {
      flood = Array.from(
        { length: width + mostWaiting },
        async (_, n) => (await changeProvider(api.key, n)).statusCode,
      );
      await expect.poll(busy, soon).toBe(width);
      expect(await postLead(other.key)).toBe(201);
      const health = await api.app.inject({ url: '/health' });
      expect([health.statusCode, health.json().checks.database]).toEqual([200, 'healthy']);
      expect(busy()).toBe(width);
    });
    expect(new Set(await Promise.all(flood))).toEqual(new Set([200]));
    expect(busy()).toBe(0);
  });

  it('refuses what is beyond the line with a 429 that names the limit, and stores nothing of it', async () => {
    let flood: ReturnType<typeof api.json>[] = [];
    await whileHeldUp(async () => {
      flood = Array.from({ length: width + mostWaiting + 1 }, (_, n) => changeProvider(api.key, n));
      // All others are held up, so that the first answer is the refusal.
      const refused = await Promise.race(flood);
      expect([refused.statusCode, refused.json().code]).toEqual([429, 'too_many_at_once']);
      expect(refused.headers['retry-after']).toBe('1');
      expect(refused.json().detail).toContain('Too many of your requests are waiting.');
      expect(refused.json().detail).toContain(`${width} requests in progress at once`);
      await expect.poll(busy, soon).toBe(width);
    });
    const statuses = (await Promise.all(flood)).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 200)).toHaveLength(width + mostWaiting);
    const names = await api.runtime.db.query(`SELECT 1 FROM buyers WHERE name = 'changed'`);
    expect(names).toHaveLength(width + mostWaiting);
  });

  it('its leads that come at once share few statements, and wait for nobody else', async () => {
    const other = await api.otherOrganization();
    let flood: Promise<number>[] = [];
    await whileHeldUp(async () => {
      flood = Array.from({ length: 120 }, () => postLead(api.key));
      await expect.poll(busy, soon).toBeGreaterThanOrEqual(2);
      expect(await postLead(other.key)).toBe(201);
    });
    expect(new Set(await Promise.all(flood))).toEqual(new Set([201]));
    const [row] = await api.rows<{ leads: number; statements: number }>(
      'SELECT count(*)::int AS leads, count(DISTINCT created_at)::int AS statements FROM leads WHERE organization_id = $1',
      [api.organizationId],
    );
    expect(row!.leads).toBe(120);
    expect(row!.statements).toBeLessThanOrEqual(20);
  });

  it('offers of a lead that is stored take a connection each, and no more than its share', async () => {
    const other = await api.otherOrganization();
    const asSender = { authorization: `Bearer ${api.key}` };
    const post = (provider: string) =>
      api.json(
        'POST',
        '/api/leads',
        { ...sampleLead, lead_id: 'lead_repeated', provider_ids: [provider] },
        asSender,
      );
    expect((await post('provider60')).statusCode).toBe(201);
    // Its phone is known, so that no statement waits for another that stores it.
    await api.json('POST', '/api/leads', { ...sampleLead, provider_ids: ['waiting0'] }, asSender);
    let flood: ReturnType<typeof post>[] = [];
    await whileHeldUp(async () => {
      flood = Array.from({ length: width + 20 }, () => post('waiting0'));
      await expect.poll(busy, soon).toBe(width);
      expect(await postLead(other.key)).toBe(201);
      expect(busy()).toBe(width);
    });
    const answers = (await Promise.all(flood)).map((answer) => answer.json().provider_results[0].message);
    expect(answers.filter((answer) => answer === 'teaser queued')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'already offered')).toHaveLength(width + 19);
    expect(await api.count('leads')).toBe(3);
  });

  it('requests without a caller share the turns of one', async () => {
    const { read } = api.runtime.db.connections;
    let pages: Promise<number>[] = [];
    await atServer(api.config.databaseDirectUrl ?? api.config.databaseUrl!, async (holder) => {
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE lead_unlocks IN ACCESS EXCLUSIVE MODE');
      pages = Array.from({ length: 30 }, async () => {
        const token = randomBytes(16).toString('base64url');
        return (await api.app.inject(`/p/${token}`)).statusCode;
      });
      await expect.poll(busy, soon).toBe(shareOf(read, 1));
      expect((await api.json('GET', '/api/companies')).statusCode).toBe(200);
      expect(busy()).toBe(shareOf(read, 1));
      await holder.query('ROLLBACK');
    });
    expect(new Set(await Promise.all(pages))).toEqual(new Set([404]));
  });

  it('a body that is still arriving takes no turn', async () => {
    let providers: ReturnType<typeof changeProvider>[] = [];
    const uploads = Array.from({ length: 5 }, () => new PassThrough());
    const answers = uploads.map((payload, n) => {
      payload.write(`external_id,phone\nslow${n},+13055550190\n`);
      const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'text/csv' };
      return api.app.inject({ method: 'POST', url: '/api/providers/import', headers, payload });
    });
    await expect.poll(() => uploads.every((payload) => payload.readableLength === 0)).toBe(true);
    // All turns at once, of which five uploads would leave eleven.
    await whileHeldUp(async () => {
      providers = Array.from({ length: width }, (_, n) => changeProvider(api.key, n));
      await expect.poll(busy, soon).toBe(width);
    });
    const statuses = (await Promise.all(providers)).map(({ statusCode }) => statusCode);
    expect(new Set(statuses)).toEqual(new Set([200]));
    for (const payload of uploads) payload.end();
    expect(new Set((await Promise.all(answers)).map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  });

  it('requests whose clients are gone leave no turn taken', async () => {
    const url = await api.app.listen({ port: 0, host: '127.0.0.1' });
    const left = new AbortController();
    const send = (n: number, signal?: AbortSignal) =>
      fetch(`${url}/api/providers/waiting${n}`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'changed' }),
        signal,
      });
    await whileHeldUp(async () => {
      const abandoned = Array.from({ length: width + 4 }, (_, n) => send(n, left.signal).catch(() => null));
      await expect.poll(busy, soon).toBe(width);
      left.abort();
      await Promise.all(abandoned);
    });
    const after = await Promise.all(Array.from({ length: width + 4 }, (_, n) => send(n)));
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([200]));
  });
});

it('[S32] /health is 200 while every connection of the pool is taken', async () => {
  const { pool } = api.runtime.db;
  const taken = await Promise.all(Array.from({ length: pool.options.max }, () => pool.connect()));
  const health = await api.app.inject({ url: '/health' });
  expect([health.statusCode, health.json().checks.database]).toEqual([200, 'healthy']);
  for (const session of taken) session.release();
});

it('[S32] imports of providers take turns once they have arrived', async () => {
  const narrow = await startApi({ turns: { connections: 3, patienceMs: 20_000 } });
  const { pool } = narrow.runtime.db;
  const inUse = () => pool.totalCount - pool.idleCount;
  const upload = (n: number) =>
    narrow.app.inject({
      method: 'POST',
      url: '/api/providers/import',
      headers: { authorization: `Bearer ${narrow.key}`, 'content-type': 'text/csv' },
      payload: `external_id,phone\nnarrow${n},+13055550190\n`,
    });
  await atServer(narrow.config.databaseDirectUrl ?? narrow.config.databaseUrl!, async (holder) => {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM organizations WHERE id = $1 FOR UPDATE', [narrow.organizationId]);
    const answers = Array.from({ length: 6 }, (_, n) => upload(n));
    await expect.poll(inUse).toBe(2);
    const other = await narrow.otherOrganization();
    const headers = { authorization: `Bearer ${other.key}` };
    expect((await narrow.json('POST', '/api/leads', sampleLead, headers)).statusCode).toBe(201);
    expect(inUse()).toBe(2);
    await holder.query('ROLLBACK');
    expect(new Set((await Promise.all(answers)).map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  });
  await narrow.stop();
});
