import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, amy, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

const post = (body: unknown, headers: Record<string, string> = {}) =>
  api.json('POST', '/api/leads', body, headers);

describe('POST /api/leads', () => {
  it('stores the lead, one unlock per known provider and its event, and returns the contracted response', async () => {
    const response = await post({ ...sampleLead, provider_ids: ['provider60', 'provider61', 'unknown'] });
    expect(response.statusCode).toBe(201);
    expect(response.json()).toEqual({
      lead_id: expect.stringMatching(/^lead_[a-z0-9]{8}$/),
      provider_results: [
        { provider_id: 'provider60', success: true, message: 'teaser queued' },
        { provider_id: 'provider61', success: true, message: 'teaser queued' },
        { provider_id: 'unknown', success: false, message: 'unknown provider' },
      ],
    });
    const unlocks = await api.unlocksOf(response.json().lead_id);
    expect(unlocks.map((u) => u.status)).toEqual(['NEW_LEAD', 'NEW_LEAD']);
    const [event] = await api.rows(
      `SELECT e.data, e.correlation_id AS "requestId", o.worker FROM events e JOIN outbox o ON o.event_id = e.id
        WHERE e.type = 'lead.received' ORDER BY e.occurred_at DESC LIMIT 1`,
    );
    expect(event).toMatchObject({
      worker: 'distributor',
      data: { unlockIds: unlocks.map((u) => u.id) },
      requestId: response.headers['x-request-id'],
    });
  });

  it('encrypts the contact, masks the public fields, and stores a phone that cannot be parsed', async () => {
    const secret = {
      client_name: 'Canary Person',
      client_email: 'canary@person.example',
      exact_address: '9 Canary Road',
    };
    const id = await api.lead({ ...sampleLead, ...secret, notes_snippet: 'call +1 305 555 0199 after six' });
    const [row] = await api.rows<{ everything: string; phone_valid: boolean; public: { notes: string } }>(
      `SELECT row_to_json(l)::text AS everything, phone_valid, public FROM leads l WHERE public_id = $1`,
      [id],
    );
    expect(row!.everything).not.toMatch(/Canary|canary|1234567890|555 0199/);
    expect(row!.public.notes).toContain('[hidden]');
    expect(row!.phone_valid).toBe(false);
    const events = JSON.stringify(await api.rows('SELECT data FROM events'));
    expect(events).not.toMatch(/Canary|canary/);
  });

  describe('[F75] a lead that is sold can be reached', () => {
    const opened = async (id: string) =>
      (await api.json('GET', `/api/leads/${id}?include_locked=true`)).json().lead as Record<string, unknown>;

    it.each<[Record<string, unknown>, string[]]>([
      [{ client_phone: '\u200b', client_email: null }, ['client_phone']],
      [{ client_phone: '\u3164\u2060', client_email: ' ' }, ['client_phone']],
      [{ client_phone: 'call me', client_email: null }, ['client_phone']],
      [{ client_phone: '++++++++', client_email: 'n/a' }, ['client_phone']],
      [{ client_phone: '12345', client_email: null }, ['client_phone']],
      [{ client_phone: 'NULL', client_email: '\\N' }, ['client_phone']],
      [{ client_phone: null, client_email: 'noemail' }, ['client_phone', 'client_email']],
      [{ client_phone: 'x', client_email: 'none@none' }, ['client_phone', 'client_email']],
      [{ client_name: '\u200b\u3164' }, ['client_name']],
      [{ client_name: '\\N' }, ['client_name']],
      [{ city: 'NULL', service_type: '#N/A' }, ['city', 'service_type']],
    ])('%j is a 400 that names the field and stores nothing', async (fields, paths) => {
      const before = await api.count('leads');
      const response = await post({ ...sampleLead, ...fields });
      expect([response.statusCode, response.json().code]).toEqual([400, 'invalid_input']);
      expect(response.json().fields.map(({ path }: { path: string }) => path)).toEqual(paths);
      expect(await api.count('leads')).toBe(before);
    });

    it.each<[Record<string, unknown>, Record<string, unknown>, string[]]>([
      [
        { client_phone: '="3055550101"', client_email: 'noemail' },
        { client_phone: '+13055550101', phone_valid: true, client_email: null },
        ['client_email'],
      ],
      [
        { client_phone: 'ask for Sarah', client_email: 'Sarah <o&leary@example.com>' },
        { client_phone: null, phone_valid: false, client_email: 'o&leary@example.com' },
        ['client_phone'],
      ],
      [
        { client_phone: 'Cell: (305) 555-0101 x12 / 786-555-0101', client_email: 'jörg@münchen.example' },
        {
          client_phone: '+13055550101',
          client_email: 'jörg@xn--mnchen-3ya.example',
          notes_snippet: `${sampleLead.notes_snippet}\nExtension: 12\nOther phone: +17865550101`,
        },
        [],
      ],
      [
        { lead_id: '', exact_address: 'n/a', budget_range: '\\N', client_name: "'Ann", city: '-' },
        { city: '-', exact_address: null, budget_range: null, client_name: 'Ann' },
        [],
      ],
    ])('%j is stored as %j', async (fields, expected, warned) => {
      const response = await post({ ...sampleLead, ...fields });
      expect(response.statusCode).toBe(201);
      expect(Object.keys(response.json().warnings ?? {})).toEqual(warned);
      expect(await opened(response.json().lead_id)).toMatchObject(expected);
    });

    it('an extension and further numbers are not shown before payment', async () => {
      const fields = { client_phone: '(305) 555-0101 x12 / 786-555-0101', notes_snippet: 'quiet' };
      const { lead_id: id } = (await post({ ...sampleLead, ...fields })).json();
      expect((await api.json('GET', `/api/leads/${id}`)).json().lead.notes_snippet).toBe('quiet');
    });
  });

  it('accepts null for every optional field, an empty provider list, and original_notes', async () => {
    const bare = {
      city: 'Miami',
      service_type: 'Massage',
      preferred_time_window: null,
      budget_range: null,
      notes_snippet: null,
      original_notes: 'quiet street',
      client_name: 'Sarah',
      client_phone: null,
      client_email: 'sarah@example.com',
      exact_address: null,
      provider_ids: [],
      config: null,
      lead_id: null,
    };
    const response = await post(bare);
    expect(response.statusCode).toBe(201);
    const read = await api.json('GET', `/api/leads/${response.json().lead_id}`);
    expect(read.json().lead).toMatchObject({
      notes_snippet: 'quiet street',
      price_cents: 2000,
      currency: 'usd',
      unlocks: [],
    });
  });

  it('stores the lead although providers are inactive, opted out, unreachable or listed twice', async () => {
    await api.json('DELETE', '/api/providers/provider61');
    const [{ id }] = (await api.rows<{ id: string }>(
      `INSERT INTO phones (id, our_number, number, opted_out_at) VALUES (gen_random_uuid(), $1, '+13055550162', now()) RETURNING id`,
      [api.runtime.sms.ourNumber],
    )) as [{ id: string }];
    const ids = ['provider60', 'provider60', 'provider61', 'provider62'];
    const response = await post({ ...sampleLead, provider_ids: ids });
    await api.rows('DELETE FROM phones WHERE id = $1', [id]);
    await api.json('PATCH', '/api/providers/provider61', { active: true });
    expect(response.json().provider_results).toEqual([
      { provider_id: 'provider60', success: true, message: 'teaser queued' },
      { provider_id: 'provider60', success: true, message: 'already offered' },
      { provider_id: 'provider61', success: false, message: 'inactive provider' },
      { provider_id: 'provider62', success: false, message: 'provider opted out' },
    ]);
  });

  it('[F05] a repeated Idempotency-Key returns the first response; with another body it is a 409', async () => {
    const headers = { 'idempotency-key': 'again-1' };
    const first = await post(sampleLead, headers);
    const leads = await api.count('leads');
    const second = await post({ ...sampleLead }, headers);
    expect([second.statusCode, second.json()]).toEqual([201, first.json()]);
    const other = await post({ ...sampleLead, city: 'Tampa' }, headers);
    expect([other.statusCode, other.json().code]).toEqual([409, 'idempotency_key_reused']);
    const elsewhere = await api.json(
      'POST',
      `/api/leads/${first.json().lead_id}/send`,
      { provider_ids: [] },
      headers,
    );
    expect(elsewhere.statusCode).toBe(409);
    expect(await api.count('leads')).toBe(leads);
  });

  it('[F05] twenty concurrent requests with one key create one lead', async () => {
    const before = {
      leads: await api.count('leads'),
      events: await api.count('events'),
      outbox: await api.count('outbox'),
    };
    const all = await Promise.all(
      Array.from({ length: 20 }, () => post(sampleLead, { 'idempotency-key': 'burst' })),
    );
    expect(new Set(all.map((r) => r.body)).size).toBe(1);
    expect(all.every((r) => r.statusCode === 201)).toBe(true);
    const after = {
      leads: await api.count('leads'),
      events: await api.count('events'),
      outbox: await api.count('outbox'),
    };
    expect(after).toEqual({ leads: before.leads + 1, events: before.events + 1, outbox: before.outbox + 1 });
  });

  it('[F05] a repeated lead_id returns the same lead, also ten times at once', async () => {
    const body = { ...sampleLead, lead_id: 'lead_Upstream_7' };
    const all = await Promise.all(Array.from({ length: 10 }, () => post(body)));
    expect(all.map((r) => [r.statusCode, r.json().lead_id])).toEqual(
      Array(10).fill([201, 'lead_Upstream_7']),
    );
    const messages = all.map((r) => r.json().provider_results[0].message).sort();
    expect(messages).toEqual([...Array(9).fill('already offered'), 'teaser queued']);
    expect(await api.unlocksOf('lead_Upstream_7')).toHaveLength(1);
  });

  it('two organizations can use the same lead_id', async () => {
    const other = await api.otherOrganization();
    const body = { ...sampleLead, lead_id: 'lead_shared', provider_ids: [] };
    expect((await post(body)).statusCode).toBe(201);
    expect((await post(body, { authorization: `Bearer ${other.key}` })).statusCode).toBe(201);
    const [row] = await api.rows<{ n: number }>(
      `SELECT count(*)::int AS n FROM leads WHERE public_id = 'lead_shared'`,
    );
    expect(row!.n).toBe(2);
  });
});

describe('reading leads', () => {
  it('[S06] a lead is returned with exactly the contracted fields and no contact', async () => {
    const id = await api.lead();
    const { lead } = (await api.json('GET', `/api/leads/${id}`)).json();
    expect(lead).toMatchObject({
      lead_id: id,
      client_name: '***LOCKED***',
      client_phone: '***LOCKED***',
      client_email: '***LOCKED***',
      exact_address: '***LOCKED***',
    });
    expect(Object.keys(lead).sort()).toEqual(
      [
        ...[
          'lead_id',
          'city',
          'service_type',
          'preferred_time_window',
          'budget_range',
          'notes_snippet',
          'price_cents',
        ],
        ...[
          'currency',
          'max_sales',
          'sold',
          'phone_valid',
          'created_at',
          'client_name',
          'client_phone',
          'client_email',
        ],
        ...['exact_address', 'unlocks'],
      ].sort(),
    );
    expect(Object.keys(lead.unlocks[0]).sort()).toEqual(
      ['provider_id', 'status', 'price_cents', 'currency', 'ttl_expires_at', 'unlocked_at'].sort(),
    );
  });

  it('[S06] only an admin key reads the contact, and each read is recorded', async () => {
    const id = await api.lead();
    const reader = await api.makeKey(['leads:read']);
    const denied = await api.json('GET', `/api/leads/${id}?include_locked=true`, undefined, {
      authorization: `Bearer ${reader}`,
    });
    expect([denied.statusCode, denied.json().code]).toEqual([403, 'scope_missing']);
    const opened = await api.json('GET', `/api/leads/${id}?include_locked=true`);
    expect(opened.json().lead).toMatchObject({ client_name: 'Sarah Johnson', client_phone: '+1234567890' });
    const audit = await api.rows(
      `SELECT e.data->>'actor' AS actor FROM events e JOIN leads l ON e.subject = 'lead:' || l.id WHERE l.public_id = $1 AND e.type = 'lead.contact_read'`,
      [id],
    );
    expect(audit).toHaveLength(1);
  });

  it('the list is newest first and filtered, and its pages contain each lead once', async () => {
    const other = await api.otherOrganization();
    const headers = { authorization: `Bearer ${other.key}` };
    const made: string[] = [];
    for (const city of ['Miami', 'Tampa', 'Miami', 'Miami', 'Tampa']) {
      made.unshift((await post({ ...sampleLead, city, provider_ids: [] }, headers)).json().lead_id);
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const page: { leads: { lead_id: string }[]; next_cursor: string | null } = (
        await api.json('GET', `/api/leads?limit=2${cursor ? `&cursor=${cursor}` : ''}`, undefined, headers)
      ).json();
      seen.push(...page.leads.map((l) => l.lead_id));
      cursor = page.next_cursor;
    } while (cursor);
    expect(seen).toEqual(made);
    const tampa = (await api.json('GET', '/api/leads?city=tampa', undefined, headers)).json();
    expect(tampa.leads).toHaveLength(2);
    const none = (await api.json('GET', '/api/leads?status=DONE', undefined, headers)).json();
    expect(none.leads).toEqual([]);
    const range = (
      await api.json('GET', '/api/leads?created_to=2020-01-01T00:00:00Z', undefined, headers)
    ).json();
    expect(range.leads).toEqual([]);
    for (const bad of [
      'cursor=xyz',
      'cursor=WzEsMl0',
      'limit=0',
      'limit=999',
      'status=NOPE',
      'created_from=yesterday',
      'campaign=1',
      'more=1',
    ]) {
      expect((await api.json('GET', `/api/leads?${bad}`)).statusCode, bad).toBe(400);
    }
  });
});

describe('POST /api/leads/:id/send', () => {
  it('offers the lead once to each new provider and reports those that already have it', async () => {
    const id = await api.lead({ provider_ids: ['provider60'] });
    const events = await api.count('events');
    const send = (provider_ids: string[]) =>
      api.json('POST', `/api/leads/${id}/send`, { provider_ids, config: { price_cents: 1500 } });
    const first = await send(['provider60', 'provider61']);
    expect([first.statusCode, first.json().provider_results]).toEqual([
      200,
      [
        { provider_id: 'provider60', success: true, message: 'already offered' },
        { provider_id: 'provider61', success: true, message: 'teaser queued' },
      ],
    ]);
    const again = await Promise.all([send(['provider60', 'provider61']), send(['provider61', 'provider60'])]);
    expect(
      again.flatMap((r) => r.json().provider_results.map((p: { message: string }) => p.message)),
    ).toEqual(Array(4).fill('already offered'));
    expect(await api.unlocksOf(id)).toHaveLength(2);
    expect(await api.count('events')).toBe(events + 1);
    const { lead } = (await api.json('GET', `/api/leads/${id}`)).json();
    expect(lead.unlocks.map((u: { price_cents: number }) => u.price_cents)).toEqual([2000, 1500]);
  });

  it('a second request emits offers.requested for the new providers only, and no second lead.received', async () => {
    const id = await api.lead({ provider_ids: ['provider60'] });
    await api.json('POST', `/api/leads/${id}/send`, { provider_ids: ['provider60', 'provider61'] });
    const [first, second] = await api.unlocksOf(id);
    const events = await api.rows<{ type: string; unlocks: string[]; worker: string }>(
      `SELECT e.type, e.data->'unlockIds' AS unlocks, o.worker FROM events e JOIN outbox o ON o.event_id = e.id
        JOIN leads l ON e.subject = 'lead:' || l.id WHERE l.public_id = $1 ORDER BY e.id`,
      [id],
    );
    expect(events).toEqual([
      { type: 'lead.received', unlocks: [first!.id], worker: 'distributor' },
      { type: 'offers.requested', unlocks: [second!.id], worker: 'distributor' },
    ]);
  });

  it('ten concurrent requests create one offer', async () => {
    const id = await api.lead({ provider_ids: [] });
    const all = await Promise.all(
      Array.from({ length: 10 }, () =>
        api.json('POST', `/api/leads/${id}/send`, { provider_ids: ['provider62', 'provider60'] }),
      ),
    );
    expect(all.map((r) => r.statusCode)).toEqual(Array(10).fill(200));
    expect(await api.unlocksOf(id)).toHaveLength(2);
  });

  it('a sold-out lead is not offered', async () => {
    const id = await api.lead({ config: { max_sales: 1 } });
    const [unlock] = await api.unlocksOf(id);
    await api.rows(
      `UPDATE lead_unlocks SET status = 'DONE', paid_by = 'stripe', paid_at = now(), revealed_at = now() WHERE id = $1`,
      [unlock!.id],
    );
    const response = await api.json('POST', `/api/leads/${id}/send`, { provider_ids: ['provider61'] });
    expect(response.json().provider_results).toEqual([
      { provider_id: 'provider61', success: false, message: 'lead is sold out' },
    ]);
  });
});

describe('a lead a company uploaded for its CRM', () => {
  const uploaded = 'lead_uploaded1';
  beforeAll(async () => {
    await api.rows(
      `INSERT INTO leads (id, organization_id, public_id, channel, public, contact, phone_valid)
        VALUES ($1, $2, $3, 'crm_upload', '{"preferredTimeWindow": null, "budgetRange": null, "notes": null}', 'sealed', true)`,
      [uuidv7(), api.organizationId, uploaded],
    );
  });

  it('is in no list and cannot be read', async () => {
    const listed = (await api.json('GET', '/api/leads?limit=100')).json();
    expect(listed.leads.length).toBeGreaterThan(0);
    expect(JSON.stringify(listed)).not.toContain(uploaded);
    const read = await api.json('GET', `/api/leads/${uploaded}?include_locked=true`);
    expect([read.statusCode, read.json().code]).toEqual([404, 'not_found']);
  });

  it('is offered to no provider, by its id or by sending it again', async () => {
    const unlocks = await api.count('lead_unlocks');
    const send = await api.json('POST', `/api/leads/${uploaded}/send`, { provider_ids: ['provider60'] });
    expect(send.statusCode).toBe(404);
    const again = await post({ ...sampleLead, lead_id: uploaded, provider_ids: ['provider60'] });
    expect([again.statusCode, again.json().code]).toEqual([409, 'lead_id_taken']);
    expect(await api.count('lead_unlocks')).toBe(unlocks);
  });

  it('cannot be bought by a reply that names it', async () => {
    const { action } = (
      await api.json('POST', '/api/leads/sms-response', {
        provider_phone: '+13055550177',
        message: `Y ${uploaded}`,
        timestamp: '2026-03-01T12:00:00Z',
      })
    ).json();
    expect(action).not.toBe('accepted');
    expect(await api.unlocksOf(uploaded)).toEqual([]);
  });

  it('has no terms to sell it by', async () => {
    const priced = api.rows(`UPDATE leads SET price_minor = 2000 WHERE public_id = $1`, [uploaded]);
    await expect(priced).rejects.toMatchObject({ code: '23514' });
  });
});

it('two providers with the same phone share one conversation', async () => {
  await api.json('POST', '/api/providers', { external_id: 'amy-too', phone: amy });
  const id = await api.lead({ provider_ids: ['provider60', 'amy-too'] });
  expect(await api.unlocksOf(id)).toHaveLength(2);
  const [row] = await api.rows<{ n: number }>('SELECT count(*)::int AS n FROM phones WHERE number = $1', [
    amy,
  ]);
  expect(row!.n).toBe(1);
});
