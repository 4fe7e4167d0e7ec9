import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';

/** Two suppliers of one organization, the first with two keys. */
let api: ApiTest;
let first: string;
let second: string;
let further: string;
let lead: string;
beforeAll(async () => {
  api = await startApi();
  const make = (supplierId?: string) =>
    api.makeKey(['leads:read', 'leads:write'], { owner: 'supplier', supplierId });
  first = await make();
  const [known] = await api.rows<{ id: string }>(
    'SELECT supplier_id AS id FROM api_keys WHERE supplier_id IS NOT NULL',
  );
  further = await make(known!.id);
  second = await make();
});
afterAll(() => api?.stop());
beforeEach(async () => {
  lead = (await post(first, { config: { price_cents: 20_000 } })).json().lead_id;
});

const as = (key: string, headers: Record<string, string> = {}) => ({
  authorization: `Bearer ${key}`,
  ...headers,
});
const post = (key: string, body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  api.json('POST', '/api/leads', { ...sampleLead, config: undefined, ...body }, as(key, headers));
const send = (key: string, config?: Record<string, unknown>, id = lead) =>
  api.json('POST', `/api/leads/${id}/send`, { provider_ids: ['provider61'], config }, as(key));
const listed = async (key: string, query = '') => {
  const { leads } = (await api.json('GET', `/api/leads?limit=100${query}`, undefined, as(key))).json();
  return leads.map(({ lead_id }: { lead_id: string }) => lead_id);
};
const refusal = (response: { statusCode: number; json(): { fields?: { path: string }[] } }) => [
  response.statusCode,
  response.json().fields?.[0]?.path,
];

describe('[S33] the leads of a supplier', () => {
  it('are seen with every key of that supplier and by the organization, and by no other supplier', async () => {
    for (const key of [first, further, api.key]) {
      expect(await listed(key)).toContain(lead);
      expect((await api.json('GET', `/api/leads/${lead}`, undefined, as(key))).statusCode).toBe(200);
    }
    for (const query of ['', '&city=miami', '&status=NEW_LEAD'])
      expect(await listed(second, query)).toEqual([]);
    const own = await api.lead();
    expect(await listed(first)).not.toContain(own);
    expect((await api.json('GET', `/api/leads/${own}`, undefined, as(first))).statusCode).toBe(404);
  });

  it('of another supplier are answered as if there were none, on reading and on sending', async () => {
    for (const path of [`/api/leads/${lead}`, `/api/leads/${lead}?include_locked=true`]) {
      const theirs = await api.json('GET', path, undefined, as(second));
      const none = await api.json('GET', path.replace(lead, 'lead_none'), undefined, as(second));
      expect([theirs.statusCode, theirs.json()]).toEqual([404, none.json()]);
    }
    const sent = await send(second);
    expect([sent.statusCode, sent.json()]).toEqual([
      404,
      (await send(second, undefined, 'lead_none')).json(),
    ]);
    expect(await api.unlocksOf(lead)).toHaveLength(1);
  });

  it('keep their lead_id: another supplier that chooses it gets a 409 without a word of the lead, and changes nothing', async () => {
    const body = { lead_id: 'lead_Chosen_1', provider_ids: ['provider62'] };
    expect((await post(first, body)).statusCode).toBe(201);
    const taken = await post(second, { ...body, provider_ids: ['provider61'] });
    expect([taken.statusCode, taken.json().code]).toEqual([409, 'lead_id_taken']);
    expect(taken.body).not.toMatch(/provider6|Miami|Sarah/);
    expect(await api.unlocksOf('lead_Chosen_1')).toHaveLength(1);
    expect((await post(further, body)).json().provider_results[0].message).toBe('already offered');
  });

  it('the same Idempotency-Key of two suppliers is two requests, and of two keys of one supplier one', async () => {
    const headers = { 'idempotency-key': 'feed-1' };
    const [mine, again, theirs] = [
      await post(first, {}, headers),
      await post(further, {}, headers),
      await post(second, {}, headers),
    ];
    expect(again.json()).toEqual(mine.json());
    expect(theirs.statusCode).toBe(201);
    expect(theirs.json().lead_id).not.toBe(mine.json().lead_id);
  });

  it('a supplier’s key opens nothing else, whatever scopes it was made with', async () => {
    const wide = await api.makeKey(['admin'], { owner: 'supplier' });
    const timestamp = '2026-11-21T10:00:00Z';
    const stop = { provider_phone: '+13055550160', message: 'STOP', timestamp };
    const answers = [
      await api.json('GET', '/api/providers', undefined, as(wide)),
      await api.json('POST', '/api/leads/sms-response', stop, as(wide)),
      await api.json('GET', '/api/companies', undefined, as(wide)),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403, 403]);
    expect(await listed(wide)).toEqual([]);
  });
});

describe('[S33] the price', () => {
  it('of a supplier’s lead cannot be lowered by sending it, or by sending it again', async () => {
    expect(refusal(await send(first, { price_cents: 50 }))).toEqual([400, 'config.price_cents']);
    expect(refusal(await send(further, { currency: 'vnd', price_cents: 50_000 }))).toEqual([
      400,
      'config.currency',
    ]);
    const again = { lead_id: lead, provider_ids: ['provider61'], config: { price_cents: 19_999 } };
    expect(refusal(await post(first, again))).toEqual([400, 'config.price_cents']);
    expect(await api.unlocksOf(lead)).toHaveLength(1);
    expect((await send(first)).statusCode).toBe(200);
    const [row] = await api.rows<{ price: number }>(
      'SELECT u.price_minor AS price FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1 ORDER BY u.id DESC',
      [lead],
    );
    expect(row!.price).toBe(20_000);
  });

  it('is never below the floor of the organization, with any key', async () => {
    const floors = (value: string) =>
      api.rows('UPDATE organizations SET price_floors = $1 WHERE id = $2', [value, api.organizationId]);
    const headers = { 'idempotency-key': 'before-the-floor' };
    const before = await post(api.key, {}, headers);
    await floors('{"usd": 5000}');
    const leads = await api.count('leads');
    const operator = await api.makeKey(['admin'], { owner: 'operator', organizationId: null });
    for (const key of [first, api.key]) {
      expect(refusal(await post(key))).toEqual([400, 'config.price_cents']);
      expect(refusal(await post(key, { config: { price_cents: 4_999 } }))).toEqual([
        400,
        'config.price_cents',
      ]);
      const dong = { config: { price_cents: 1_000_000, currency: 'vnd' } };
      expect(refusal(await post(key, dong))).toEqual([400, 'config.currency']);
    }
    expect(refusal(await post(operator, {}, { 'x-organization': 'demo' }))).toEqual([
      400,
      'config.price_cents',
    ]);
    expect(refusal(await send(api.key, { price_cents: 4_999 }))).toEqual([400, 'config.price_cents']);
    expect(await api.count('leads')).toBe(leads);
    expect((await post(api.key, {}, headers)).json()).toEqual(before.json());
    expect((await post(first, { config: { price_cents: 5_000 } })).statusCode).toBe(201);
    // A repeat is judged by the price of the stored lead, not by the default price.
    const repeat = { lead_id: lead, provider_ids: ['provider61'] };
    for (const key of [first, api.key]) expect((await post(key, repeat)).statusCode).toBe(201);
    expect(refusal(await post(second, repeat))).toEqual([400, 'config.price_cents']);
    await floors('{}');
  });

  it('is required with a currency that the default price is not in', async () => {
    const leads = await api.count('leads');
    for (const currency of ['vnd', 'JPY', 'eur']) {
      expect(refusal(await post(api.key, { config: { currency } })), currency).toEqual([
        400,
        'config.price_cents',
      ]);
      expect(refusal(await send(api.key, { currency })), currency).toEqual([400, 'config.price_cents']);
    }
    expect(await api.count('leads')).toBe(leads);
    expect((await post(api.key, { config: { currency: 'usd' } })).statusCode).toBe(201);
  });
});

it('[S11] all keys of a supplier count as one key in the limit of requests, and others go on', async () => {
  const strict = await startApi({ limits: { key: { points: 4, seconds: 60 } } });
  try {
    const make = (supplierId?: string) => strict.makeKey(['leads:read'], { owner: 'supplier', supplierId });
    const one = await make();
    const [known] = await strict.rows<{ id: string }>(
      'SELECT supplier_id AS id FROM api_keys WHERE supplier_id IS NOT NULL',
    );
    const [another, other] = [await make(known!.id), await make()];
    const ask = async (key: string) =>
      (await strict.json('GET', '/api/leads', undefined, as(key))).statusCode;
    const statuses: number[] = [];
    for (const key of [one, another, one, another, one, another, other, strict.key])
      statuses.push(await ask(key));
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 200, 200]);
  } finally {
    await strict.stop();
  }
});
