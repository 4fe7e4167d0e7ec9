import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Company } from '../../src/db/account/companies.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { contactsOf, countLeads, leadOf, makeCompany, newPhone } from '../harness/company-client.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

type As = Record<string, string>;
const bulk = (leads: unknown, as: As) => api.json('POST', '/api/leads/bulk', { leads }, as);
const countOf = (company: Company) => countLeads(api, company);

describe('POST /api/leads/bulk', () => {
  it('returns the contracted response, with index and errors of each invalid lead', async () => {
    const { company, key } = await makeCompany(api);
    const other = await makeCompany(api);
    const phone = newPhone();
    const leads = [
      leadOf(company, { phone }),
      leadOf(company, { phone: 'none' }),
      leadOf(company, { phone }),
      leadOf(other.company),
      'Sarah',
      leadOf(company),
    ];
    const response = await api.app.inject({
      method: 'POST',
      url: '/api/leads/bulk',
      remoteAddress: '203.0.113.9',
      headers: { 'x-api-key': key },
      payload: { leads },
    });
    expect(response.statusCode).toBe(200);
    const answer = response.json();
    expect(answer).toEqual({
      message: expect.any(String),
      summary: {
        total_submitted: 6,
        valid: 3,
        invalid: 3,
        duplicates: 1,
        created: 2,
        enqueued: 2,
        failed: 0,
      },
      invalid_leads: [
        { index: 1, data: leads[1], errors: { phone: [expect.any(String)] } },
        { index: 3, data: leads[3], errors: { company_id: [expect.stringContaining('is not company')] } },
        { index: 4, data: 'Sarah', errors: { lead: ['must be an object'] } },
      ],
      job_ids: [expect.any(String), expect.any(String)],
    });
    expect(await countOf(other.company)).toBe(0);
    const rows = await api.rows<{ id: string; queued: boolean }>(
      `SELECT l.id, o.queued FROM leads l JOIN events e ON e.subject = 'lead:' || l.id JOIN outbox o ON o.event_id = e.id
       WHERE l.organization_id = $1 ORDER BY l.id`,
      [company.organizationId],
    );
    // Not queued yet: the sweeper admits bulk leads, taking turns between companies.
    expect(rows).toEqual(answer.job_ids.map((id: string) => ({ id, queued: false })));
  });

  it.each([
    ['an empty list', []],
    ['a string', 'x'],
    ['5,001 leads', Array.from({ length: 5_001 }, () => 1)],
  ])('refuses %s', async (_name, leads) => {
    const { as } = await makeCompany(api);
    const response = await bulk(leads, as);
    expect([response.statusCode, response.json().fields[0].path]).toEqual([400, 'leads']);
  });

  it('accepts a body over 1 MB and refuses one over 16 MB', async () => {
    const { company, as } = await makeCompany(api);
    const notes = 'Ñ'.repeat(1_000);
    const answer = (
      await bulk(
        Array.from({ length: 1_500 }, () => leadOf(company, { notes })),
        as,
      )
    ).json();
    expect(answer.summary.created).toBe(1_500);
    const large = await bulk([leadOf(company, { notes: 'x'.repeat(17 * 1024 * 1024) })], as);
    expect([large.statusCode, large.json().code]).toEqual([413, 'too_large']);
  });

  it('stores names unchanged to the byte, encrypted', async () => {
    const { company, as } = await makeCompany(api);
    const names = [
      "Seán O'Brien",
      '李小龙',
      'Ñandú Peña',
      '👩‍👩‍👧 Zoë',
      `"Q", \\ ; \t<b>'--`,
      `${'é'.repeat(299)}e\u0301`,
    ];
    const leads = names.map((name) =>
      leadOf(company, {
        name,
        notes: '=SUM(A1)\nline two',
        custom_fields: { constructor: 'x', Budget: '$5' },
        tags: ['a', 'b'],
      }),
    );
    expect((await bulk(leads, as)).json().summary.created).toBe(names.length);
    const contacts = await contactsOf(api, company);
    expect(contacts.map(({ name }) => name)).toEqual(names);
    for (const contact of contacts) {
      expect(contact.notes).toBe('=SUM(A1)\nline two');
      expect(contact.more).toMatchObject({ tags: ['a', 'b'], custom: { constructor: 'x', Budget: '$5' } });
    }
    const dump = JSON.stringify(
      await api.rows('SELECT * FROM leads WHERE organization_id = $1', [company.organizationId]),
    );
    for (const name of names) expect(dump).not.toContain(name);
  });

  it('stores city, state and the e-mail hash in the clear for searching', async () => {
    const { company, as } = await makeCompany(api);
    const cities = ['Miami, FL', null, 'The "Quoted" one', '', 'São Paulo\t\\n', '李'];
    const leads = cities.map((city, i) =>
      leadOf(company, { city, state: i === 1 ? 'NY' : null, email: i % 2 ? `Person${i}@Example.com` : null }),
    );
    expect((await bulk(leads, as)).json().summary.created).toBe(cities.length);
    const rows = await api.rows<{ city: string | null; region: string | null; email_hash: string | null }>(
      'SELECT city, region, email_hash FROM leads WHERE organization_id = $1 ORDER BY id',
      [company.organizationId],
    );
    expect(rows.map(({ city }) => city)).toEqual(cities.map((city) => city?.trim() || null));
    expect(rows.map(({ region }) => region)).toEqual([null, 'NY', null, null, null, null]);
    const hashes = [1, 3, 5].map((i) => api.runtime.vault.index(`person${i}@example.com`));
    expect(rows.map(({ email_hash }) => email_hash)).toEqual([
      null,
      hashes[0],
      null,
      hashes[1],
      null,
      hashes[2],
    ]);
  });

  it('[S35] names every invalid lead by its index, with data and errors while the answer is not too long', async () => {
    const { company, as } = await makeCompany(api);
    const leads = Array.from({ length: 400 }, () =>
      leadOf(company, { phone: 'none', notes: 'n'.repeat(9_990) }),
    );
    const response = await bulk(leads, as);
    expect(response.body.length).toBeLessThan(3_200_000);
    const { summary, invalid_leads: invalid } = response.json();
    expect(summary.invalid).toBe(400);
    expect(invalid.map(({ index }: { index: number }) => index)).toEqual([...leads.keys()]);
    expect(invalid[0]).toEqual({ index: 0, data: leads[0], errors: { phone: [expect.any(String)] } });
    expect(invalid[399]).toEqual({
      index: 399,
      data: null,
      errors: { lead: [expect.stringContaining('left out')] },
    });
  });

  it('refuses __proto__ in a body, and a NUL or half a surrogate pair in a text', async () => {
    const { company, as } = await makeCompany(api);
    const text = JSON.stringify({ leads: [leadOf(company)] }).replace(
      '{"name"',
      '{"__proto__":{"x":1},"name"',
    );
    const response = await api.app.inject({
      method: 'POST',
      url: '/api/leads/bulk',
      headers: { ...as, 'content-type': 'application/json' },
      payload: text,
    });
    expect([response.statusCode, response.json().code]).toEqual([400, 'invalid_json']);
    const answer = (
      await bulk([leadOf(company, { notes: 'a\0' }), leadOf(company, { name: '\ud800' })], as)
    ).json();
    expect(answer.invalid_leads.map(({ errors }: { errors: object }) => Object.keys(errors))).toEqual([
      ['notes'],
      ['name'],
    ]);
  });

  it("another company's key stores and reads nothing", async () => {
    const mine = await makeCompany(api);
    const other = await makeCompany(api);
    const answer = (await bulk([leadOf(mine.company)], other.as)).json();
    expect(answer.summary).toMatchObject({ valid: 0, invalid: 1, created: 0 });
    expect(await countOf(mine.company)).toBe(0);
    const reader = await api.makeKey(['leads:read'], { organizationId: mine.company.organizationId });
    expect((await bulk([leadOf(mine.company)], { authorization: `Bearer ${reader}` })).statusCode).toBe(403);
    const stored = (await bulk([leadOf(mine.company)], mine.as)).json();
    const getJob = (as: As) => api.json('GET', `/api/jobs/${stored.job_ids[0]}`, undefined, as);
    expect([(await getJob(mine.as)).statusCode, (await getJob(other.as)).statusCode]).toEqual([200, 404]);
    expect((await api.json('GET', '/api/jobs/42', undefined, mine.as)).statusCode).toBe(404);
  });

  it('an operator key stores the leads of one company per request', async () => {
    const [a, b] = [await makeCompany(api), await makeCompany(api)];
    const key = await api.makeKey(['admin'], { owner: 'operator', organizationId: null });
    const answer = (
      await bulk([leadOf(a.company), leadOf(b.company)], { authorization: `Bearer ${key}` })
    ).json();
    expect(answer.summary).toMatchObject({ created: 1, invalid: 1 });
    expect([await countOf(a.company), await countOf(b.company)]).toEqual([1, 0]);
  });

  it('a repeated Idempotency-Key returns the same response, also after settings changed', async () => {
    const { company, as } = await makeCompany(api);
    const leads = [
      leadOf(company, { phone: '(305) 555-0199' }),
      leadOf(company),
      leadOf(company, { phone: 'x' }),
    ];
    const headers = { ...as, 'idempotency-key': uuidv7() };
    const [first, second] = await Promise.all([bulk(leads, headers), bulk(leads, headers)]);
    expect(second!.json()).toEqual(first!.json());
    await api.json('PATCH', `/api/companies/${company.number}`, { default_region: 'CN', dedupe_days: 0 }, as);
    expect((await bulk(leads, headers)).json()).toEqual(first!.json());
    expect(await countOf(company)).toBe(2);
    expect((await bulk(leads.slice(1), headers)).json().code).toBe('idempotency_key_reused');
    const kept = JSON.stringify(await api.rows('SELECT * FROM idempotency_keys'));
    expect(kept).not.toMatch(/Sarah|3055550199/);
  });
});
