import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Company } from '../../src/db/account/companies.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { countLeads, leadOf, makeCompany, newPhone } from '../harness/company-client.ts';
import { type Cut, startCutProxy } from '../harness/cut-proxy.ts';
import { type ProxiedQueueServer, startProxiedQueueServer } from '../harness/outages.ts';

let api: ApiTest;
const network: { cut: Cut | null }[] = [];
beforeAll(async () => {
  api = await startApi({
    through: async (url) => {
      const proxy = await startCutProxy(url);
      network.push(proxy);
      return proxy.url;
    },
  });
});
afterAll(() => api?.stop());

const cut = (how: Cut | null) => {
  for (const proxy of network) proxy.cut = how;
};
type As = Record<string, string>;
const single = (lead: unknown, as: As) => api.json('POST', '/leads/single', lead, as);
const bulk = (leads: unknown, as: As) => api.json('POST', '/api/leads/bulk', { leads }, as);
const countOf = (company: Company) => countLeads(api, company);

describe('POST /leads/single', () => {
  it('returns the contracted response, and stores the lead with its event and outbox row', async () => {
    const { company, as } = await makeCompany(api);
    const response = await single(leadOf(company, { phone: '(305) 555-0142', notes: 'Call after six' }), as);
    expect(response.statusCode).toBe(201);
    const answer = response.json();
    expect(answer).toEqual({
      message: expect.any(String),
      lead_id: expect.stringMatching(/^lead_[a-z0-9]{8}$/),
      job_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      lead: {
        lead_id: answer.lead_id,
        company_id: company.number,
        name: 'Sarah Johnson',
        phone: '+13055550142',
        phone_valid: true,
        email: null,
        notes: 'Call after six',
        status: 'pending',
        created_at: expect.stringMatching(/Z$/),
      },
    });
    const rows = await api.rows<Record<string, unknown>>(
      `SELECT l.public_id, e.type, e.subject, e.data, o.worker, o.queued, o.event_at = e.occurred_at AS same
       FROM leads l JOIN events e ON e.subject = 'lead:' || l.id JOIN outbox o ON o.event_id = e.id WHERE l.organization_id = $1`,
      [company.organizationId],
    );
    expect(rows).toEqual([
      {
        public_id: answer.lead_id,
        type: 'lead.uploaded',
        subject: `lead:${answer.job_id}`,
        data: { leadId: answer.job_id },
        worker: 'ghl-syncer',
        queued: true,
        same: true,
      },
    ]);
    expect((await api.json('GET', `/api/jobs/${answer.job_id}`, undefined, as)).json()).toMatchObject({
      job_id: answer.job_id,
      lead_id: answer.lead_id,
      company_id: company.number,
      status: 'pending',
      attempts: 0,
      worker: null,
      contact_id: null,
      error: null,
    });
  });

  it('a phone seen within the dedupe window returns the existing lead', async () => {
    const { company, as } = await makeCompany(api);
    const phone = newPhone();
    const first = (await single(leadOf(company, { phone }), as)).json();
    const again = await single(
      leadOf(company, { phone: phone.replace('+1', '(001) ').replace('(001) ', '1-') }),
      as,
    );
    expect([again.statusCode, again.json()]).toEqual([
      200,
      { message: expect.any(String), duplicate: true, lead_id: first.lead_id },
    ]);
    expect(await countOf(company)).toBe(1);
    const other = await makeCompany(api);
    expect((await single(leadOf(other.company, { phone }), other.as)).statusCode).toBe(201);
  });

  it('stores a malformed number as invalid, and refuses a value that is no phone number', async () => {
    const { company, as } = await makeCompany(api);
    const kept = await single(leadOf(company, { phone: '+1-555-1234' }), as);
    expect(kept.json().lead).toMatchObject({ phone: '+1-555-1234', phone_valid: false });
    expect((await single(leadOf(company, { phone: '+1-555-1234' }), as)).json().duplicate).toBe(true);
    for (const [fields, errors] of [
      [{ phone: 'call me' }, { phone: ['is not a phone number'] }],
      [{ phone: '1.30556E+10' }, { phone: [expect.stringContaining('scientific notation')] }],
      [{ phone: 13055550142 }, { phone: ['must be a text, in quotes'] }],
      [
        { name: ' ', phone: null },
        { name: ['is missing'], phone: ['is missing'] },
      ],
      [{ name: 'a\0b' }, { name: ['contains a NUL character'] }],
      [{ company_id: '1' }, { company_id: ['must be an integer'] }],
      [{ company_id: undefined }, { company_id: ['is missing'] }],
      [{ company_id: company.number + 9_999 }, { company_id: [expect.stringContaining('is not company')] }],
      [{ phone: '555-1234', email: 'not-an-address' }, { email: ['is not an e-mail address'] }],
      [{ tags: [1] }, { tags: ['must be a list of texts'] }],
    ]) {
      const response = await single(leadOf(company, fields as Record<string, unknown>), as);
      expect([response.statusCode, response.json()], JSON.stringify(fields)).toEqual([400, { errors }]);
    }
    expect((await single([], as)).json().code).toBe('invalid_input');
  });

  it('without a key it is accepted from this machine in the sandbox, for the company it names', async () => {
    const { company } = await makeCompany(api);
    const payload = leadOf(company);
    const send = (remoteAddress: string) =>
      api.app.inject({ method: 'POST', url: '/leads/single', remoteAddress, payload });
    expect((await send('203.0.113.9')).statusCode).toBe(401);
    expect((await send('127.0.0.1')).statusCode).toBe(201);
  });

  it('a repeated Idempotency-Key returns the same response', async () => {
    const { company, as } = await makeCompany(api);
    const lead = leadOf(company);
    const headers = { ...as, 'idempotency-key': uuidv7() };
    const answers = await Promise.all([1, 2, 3].map(() => single(lead, headers)));
    for (const answer of answers) expect([answer.statusCode, answer.body]).toEqual([201, answers[0]!.body]);
    const otherBody = { ...lead, name: 'Twin' };
    expect((await single(otherBody, headers)).json().code).toBe('idempotency_key_reused');
    const other = { ...as, 'idempotency-key': uuidv7() };
    const repeats = await Promise.all([1, 2].map(() => single(otherBody, other)));
    for (const answer of repeats)
      expect([answer.statusCode, answer.json().lead_id]).toEqual([200, answers[0]!.json().lead_id]);
    expect(await countOf(company)).toBe(1);
  });
});

describe('duplicates', () => {
  it("end with the company's dedupe window", async () => {
    const { company, as } = await makeCompany(api);
    const lead = leadOf(company);
    const send = async () => (await bulk([lead], as)).json().summary.created;
    expect([await send(), await send()]).toEqual([1, 0]);
    const age = (interval: string) =>
      api.rows(`UPDATE known_phones SET seen_at = now() - $2::interval WHERE organization_id = $1`, [
        company.organizationId,
        interval,
      ]);
    await age('29 days 23 hours');
    expect(await send()).toBe(0);
    await age('30 days 1 second');
    expect([await send(), await send()]).toEqual([1, 0]);
  });

  it('are not detected with a window of 0, not even within one request', async () => {
    const { company, as } = await makeCompany(api);
    await api.json('PATCH', `/api/companies/${company.number}`, { dedupe_days: 0 }, as);
    const lead = leadOf(company);
    const answers = await Promise.all([bulk([lead, lead], as), bulk([lead, lead], as)]);
    expect(answers.map((answer) => answer.json().summary.created)).toEqual([2, 2]);
    expect(await countOf(company)).toBe(4);
    // The phones are remembered all the while, so a new window applies to them.
    await api.json('PATCH', `/api/companies/${company.number}`, { dedupe_days: 1 }, as);
    expect((await single(lead, as)).json().duplicate).toBe(true);
  });

  it('are detected across simultaneous uploads in any row order, without deadlock', async () => {
    const { company, as } = await makeCompany(api);
    const leads = Array.from({ length: 300 }, () => leadOf(company));
    const shuffled = (seed: number) => leads.toSorted((a, b) => order(a.phone, seed) - order(b.phone, seed));
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => bulk(shuffled(i), as)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 200));
    const summaries = answers.map((answer) => answer.json().summary);
    expect(summaries.reduce((sum, { created }) => sum + created, 0)).toBe(300);
    for (const { created, duplicates } of summaries) expect(created + duplicates).toBe(300);
    expect(await countOf(company)).toBe(300);
    const [waiting] = await api.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM outbox WHERE organization_id = $1 AND worker = 'ghl-syncer'`,
      [company.organizationId],
    );
    expect(waiting!.n).toBe(300);
  });

  const order = (phone: string, seed: number) =>
    (Number(phone.slice(-6)) * (7 + 2 * seed) + seed * 131) % 997;
});

describe('the database connection breaks during an upload', () => {
  it('after COMMIT: the result is looked up and nothing is stored twice', async () => {
    const { company, as } = await makeCompany(api);
    const known = leadOf(company);
    await bulk([known], as);
    cut({ on: 'Cutville', when: 'after' });
    const answer = await bulk([known, leadOf(company, { city: 'Cutville' }), leadOf(company)], as);
    cut(null);
    expect(answer.json().summary).toMatchObject({ created: 2, duplicates: 1 });
    expect(await countOf(company)).toBe(3);
    const job = await api.json('GET', `/api/jobs/${answer.json().job_ids[0]}`, undefined, as);
    expect(job.json().status).toBe('pending');
  });

  it('before the statement arrives: 503, nothing is stored, and the retry stores the lead', async () => {
    const { company, as } = await makeCompany(api);
    const leads = [leadOf(company, { city: 'Cutbefore' })];
    const headers = { ...as, 'idempotency-key': uuidv7() };
    cut({ on: 'Cutbefore', when: 'before' });
    const lost = await bulk(leads, headers);
    cut(null);
    expect([lost.statusCode, lost.json().code]).toEqual([503, 'unavailable']);
    expect(await countOf(company)).toBe(0);
    expect((await bulk(leads, headers)).json().summary.created).toBe(1);
  });
});

describe('conflicts and outages', () => {
  it.each([
    ['a generated name that is taken', `unique_violation USING CONSTRAINT = 'leads_public_id'`],
    ['a deadlock', 'deadlock_detected'],
  ])('%s is retried and stores the leads once', async (_name, raised) => {
    const { company, as } = await makeCompany(api);
    await api.rows(`CREATE SEQUENCE failures`);
    await api.rows(`CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('failures') = 1 THEN RAISE ${raised}; END IF; RETURN NEW; END $$`);
    await api.rows(
      'CREATE TRIGGER fail_once BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION fail_once()',
    );
    try {
      const answer = (await bulk([leadOf(company), leadOf(company)], as)).json();
      expect(answer.summary).toMatchObject({ created: 2, duplicates: 0 });
      expect(await countOf(company)).toBe(2);
    } finally {
      await api.rows('DROP TRIGGER fail_once ON leads');
      await api.rows('DROP FUNCTION fail_once');
      await api.rows('DROP SEQUENCE failures');
    }
  });

  it('the queue is down: leads are accepted and wait in the outbox', async () => {
    let queueProxy: Pick<ProxiedQueueServer, 'stop'> | undefined;
    const apiWithoutQueue = await startApi({
      queueThrough: async (url) => {
        const proxy = await (process.env.REDIS_URL ? startProxiedQueueServer(url) : startCutProxy(url));
        queueProxy = proxy;
        return proxy.url;
      },
    });
    try {
      const { company, as } = await makeCompany(apiWithoutQueue);
      await queueProxy!.stop();
      const one = await apiWithoutQueue.json('POST', '/leads/single', leadOf(company), as);
      const many = await apiWithoutQueue.json(
        'POST',
        '/api/leads/bulk',
        { leads: [leadOf(company), leadOf(company)] },
        as,
      );
      expect([one.statusCode, many.statusCode, many.json().summary.enqueued]).toEqual([201, 200, 2]);
      expect(await apiWithoutQueue.count('outbox')).toBe(3);
    } finally {
      await apiWithoutQueue.stop();
    }
  });
});
