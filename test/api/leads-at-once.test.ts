import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

const post = (more: object, key?: string) =>
  api.json('POST', '/api/leads', { ...sampleLead, ...more }, key ? { 'idempotency-key': key } : {});

const counted = async () => {
  const [row] = await api.rows<Record<string, number>>(
    `SELECT (SELECT count(*)::int FROM leads) AS leads, (SELECT count(*)::int FROM lead_unlocks) AS unlocks,
       (SELECT count(*)::int FROM events WHERE type = 'lead.received') AS events, (SELECT count(*)::int FROM outbox) AS outbox`,
  );
  return row!;
};

/** Leads of one organization that come at once share statements. */
describe('leads that come at once', () => {
  it('each has its own lead, offers, event and answer', async () => {
    const before = await counted();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        post(
          {
            city: `City ${n}`,
            provider_ids: n % 3 === 0 ? [] : n % 3 === 1 ? ['provider60'] : ['provider60', 'provider61'],
            config: { price_cents: 1_000 + n, ttl_hours: 1 + n },
          },
          `at-once-${n}`,
        ),
      ),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(60).fill(201));
    expect(new Set(answers.map((answer) => answer.json().lead_id)).size).toBe(60);
    expect(await counted()).toEqual({
      leads: before.leads! + 60,
      unlocks: before.unlocks! + 60,
      events: before.events! + 60,
      outbox: before.outbox! + 60,
    });
    for (const [n, answer] of answers.entries()) {
      const { lead } = (await api.json('GET', `/api/leads/${answer.json().lead_id}`)).json();
      expect([lead.city, lead.price_cents, lead.unlocks.length]).toEqual([`City ${n}`, 1_000 + n, n % 3]);
      const [event] = await api.rows<{ cause: string; ids: string[]; hours: number[] }>(
        `SELECT e.correlation_id AS cause, ARRAY(SELECT jsonb_array_elements_text(e.data->'unlockIds')) AS ids,
           ARRAY(SELECT round(extract(epoch FROM u.ttl_expires_at - u.created_at) / 3600)::int FROM lead_unlocks u WHERE u.lead_id = l.id) AS hours
         FROM leads l JOIN events e ON e.subject = 'lead:' || l.id WHERE l.public_id = $1`,
        [answer.json().lead_id],
      );
      expect(event!.cause).toBe(answer.headers['x-request-id']);
      expect(event!.ids).toHaveLength(n % 3);
      expect(event!.hours).toEqual(Array(n % 3).fill(1 + n));
      const again = await post(
        {
          city: `City ${n}`,
          provider_ids: n % 3 === 0 ? [] : n % 3 === 1 ? ['provider60'] : ['provider60', 'provider61'],
          config: { price_cents: 1_000 + n, ttl_hours: 1 + n },
        },
        `at-once-${n}`,
      );
      expect(again.body).toBe(answer.body);
    }
  });

  it('[F05] those that repeat a key or an id are answered as before, and hold up none of the others', async () => {
    const first = await post({ city: 'First' }, 'used-before');
    await post({ city: 'Known', lead_id: 'lead_known', provider_ids: [] });
    const before = await counted();
    const [fresh, repeated, other, known] = await Promise.all([
      Promise.all(Array.from({ length: 30 }, (_, n) => post({ city: `Fresh ${n}` }))),
      Promise.all(Array.from({ length: 5 }, () => post({ city: 'First' }, 'used-before'))),
      Promise.all(Array.from({ length: 5 }, () => post({ city: 'Other' }, 'used-before'))),
      Promise.all(Array.from({ length: 5 }, () => post({ lead_id: 'lead_known' }))),
    ]);
    expect(fresh.map(({ statusCode }) => statusCode)).toEqual(Array(30).fill(201));
    expect(repeated.map(({ body }) => body)).toEqual(Array(5).fill(first.body));
    expect(other.map((answer) => [answer.statusCode, answer.json().code])).toEqual(
      Array(5).fill([409, 'idempotency_key_reused']),
    );
    expect(known.map((answer) => [answer.statusCode, answer.json().lead_id])).toEqual(
      Array(5).fill([201, 'lead_known']),
    );
    const after = await counted();
    expect([after.leads! - before.leads!, after.unlocks! - before.unlocks!]).toEqual([30, 31]);
  });

  it('[F05] those with the same new key, or the same new id, are one lead', async () => {
    const before = await counted();
    const [same, changed, named] = await Promise.all([
      Promise.all(Array.from({ length: 8 }, () => post({ city: 'Same' }, 'new-together'))),
      Promise.all(Array.from({ length: 8 }, (_, n) => post({ city: `Body ${n}` }, 'new-and-changed'))),
      Promise.all(Array.from({ length: 8 }, () => post({ lead_id: 'lead_new_together' }))),
    ]);
    expect(same.map(({ statusCode }) => statusCode)).toEqual(Array(8).fill(201));
    expect(new Set(same.map(({ body }) => body)).size).toBe(1);
    expect(changed.map(({ statusCode }) => statusCode).toSorted()).toEqual([201, ...Array(7).fill(409)]);
    expect(new Set(named.map((answer) => answer.json().lead_id))).toEqual(new Set(['lead_new_together']));
    const after = await counted();
    expect([after.leads! - before.leads!, after.unlocks! - before.unlocks!]).toEqual([3, 3]);
  });

  it('each with many providers share statements of a bounded size', async () => {
    const names = Array.from({ length: 200 }, (_, n) => `many${n}`);
    const providers = names.map((name, n) => `${name},+130555${String(10_000 + n).padStart(5, '0')}`);
    const file = await api.app.inject({
      method: 'POST',
      url: '/api/providers/import',
      headers: { authorization: `Bearer ${api.key}`, 'content-type': 'text/csv' },
      payload: `external_id,phone\n${providers.join('\n')}\n`,
    });
    expect(file.statusCode).toBe(200);
    const before = await counted();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => post({ city: `Wide ${n}`, provider_ids: names })),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(12).fill(201));
    const [sizes] = await api.rows<{ most: number }>(
      `SELECT max(n)::int AS most FROM (SELECT count(*) AS n FROM leads WHERE city LIKE 'Wide %' GROUP BY created_at) t`,
    );
    expect(sizes!.most).toBeLessThanOrEqual(2);
    expect((await counted()).unlocks! - before.unlocks!).toBe(2_400);
  });

  it('of an organization and its supplier share no statement', async () => {
    const supplier = await api.makeKey(['leads:write'], { owner: 'supplier' });
    const body = { ...sampleLead, city: 'Shared', config: undefined };
    const headers = { authorization: `Bearer ${supplier}` };
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        api.json('POST', '/api/leads', body, n % 2 === 0 ? headers : undefined),
      ),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(60).fill(201));
    const statements = await api.rows<{ senders: number; leads: number }>(
      `SELECT count(DISTINCT coalesce(supplier_id, organization_id))::int AS senders, count(*)::int AS leads
       FROM leads WHERE city = 'Shared' GROUP BY created_at`,
    );
    expect(new Set(statements.map(({ senders }) => senders))).toEqual(new Set([1]));
    expect(statements.length).toBeLessThan(30);
  });

  it('for the same new phones are all stored', async () => {
    for (const n of [1, 2, 3, 4]) {
      const made = { external_id: `new${n}`, phone: `+1305555017${n}` };
      expect((await api.json('POST', '/api/providers', made)).statusCode).toBe(201);
    }
    const names = ['new1', 'new2', 'new3', 'new4'];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => post({ provider_ids: n % 2 === 0 ? names : names.toReversed() })),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(40).fill(201));
    const phones = await api.rows(`SELECT 1 FROM phones WHERE number LIKE '+1305555017_'`);
    expect(phones).toHaveLength(4);
  });
});
