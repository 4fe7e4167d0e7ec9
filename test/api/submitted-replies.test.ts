import { sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/db/commit.ts';
import { openLine } from '../../src/db/messaging/messages.ts';
import { markOptedOut } from '../../src/db/messaging/phones.ts';
import { claimEffect } from '../../src/db/transport/effects.ts';
import { quotas } from '../../src/domain/account/quotas.ts';
import { type ApiTest, startApi } from '../harness/api-app.ts';
import { sampleLead } from '../harness/sample-lead.ts';

/** Two organizations with a buyer each at the same phone. Texts are submitted with the key of one of them. */
let api: ApiTest;
let other: { id: string; key: string };
beforeAll(async () => {
  api = await startApi();
  other = await api.otherOrganization();
});
afterAll(() => api?.stop());

let made = 0;
let shared: string;
beforeEach(async () => {
  made += 1;
  shared = `+13055552${String(made).padStart(3, '0')}`;
  for (const key of [api.key, other.key]) await addBuyer(key, shared);
});

const as = (key: string) => ({ authorization: `Bearer ${key}` });
const addBuyer = async (key: string, phone: string) => {
  const body = { external_id: `at${phone.slice(-4)}`, name: 'Ben', phone };
  expect((await api.json('POST', '/api/providers', body, as(key))).statusCode).toBe(201);
};
let second = 0;
const submit = (key: string, message: string, phone = shared) => {
  second += 1;
  const timestamp = new Date(Date.UTC(2026, 10, 21) + second * 1_000).toISOString();
  return api.json('POST', '/api/leads/sms-response', { provider_phone: phone, message, timestamp }, as(key));
};
const offer = async (key: string) => {
  const body = { ...sampleLead, provider_ids: [`at${shared.slice(-4)}`] };
  const response = await api.json('POST', '/api/leads', body, as(key));
  return response.json().provider_results[0].message as string;
};
const phoneOf = async (number: string) =>
  (
    await api.rows<{ id: string; everywhere: boolean; organizations: string[] }>(
      'SELECT id, opted_out_at IS NOT NULL AS everywhere, opted_out_of AS organizations FROM phones WHERE number = $1',
      [number],
    )
  )[0];
const eventsOf = async (phone: string) => {
  const { id } = (await phoneOf(phone))!;
  return api.rows<{ type: string; data: Record<string, string> }>(
    'SELECT type, data FROM events WHERE subject = $1 ORDER BY occurred_at, id',
    [`phone:${id}`],
  );
};

describe('[S34] STOP submitted with the key of an organization', () => {
  it('ends the texts of that organization and of no other', async () => {
    expect((await submit(other.key, 'STOP')).json()).toEqual({ success: true, action: 'stopped' });
    expect(await offer(other.key)).toBe('provider opted out');
    expect(await offer(api.key)).toBe('teaser queued');
    expect(await phoneOf(shared)).toMatchObject({ everywhere: false, organizations: [other.id] });
    expect(await eventsOf(shared)).toEqual([
      { type: 'buyer.opted_out', data: expect.objectContaining({ organizationId: other.id }) },
    ]);
  });

  it('is one opt-out, however often it is submitted', async () => {
    for (const message of ['STOP', 'stop', 'unsubscribe']) await submit(other.key, message);
    expect((await phoneOf(shared))!.organizations).toEqual([other.id]);
    expect(await eventsOf(shared)).toHaveLength(1);
  });

  it('from a number of others is answered alike, stored, and changes nothing', async () => {
    const stranger = '+13055553999';
    await addBuyer(api.key, stranger);
    const events = await api.count('events');
    const phones = await api.count('phones');
    const inbox = await api.count('inbox');
    const answers = [
      await submit(other.key, 'STOP', stranger),
      await submit(other.key, 'STOP', '+13055553998'),
    ];
    expect(answers.map((answer) => answer.json())).toEqual(
      Array(2).fill({ success: true, action: 'stopped' }),
    );
    expect(await api.count('events')).toBe(events);
    expect(await api.count('phones')).toBe(phones);
    expect(await api.count('inbox')).toBe(inbox + 2);
    expect(await phoneOf(stranger)).toBeUndefined();
  });

  it('counts from a former number of a buyer that was offered a lead there', async () => {
    const lead = { ...sampleLead, provider_ids: [`at${shared.slice(-4)}`] };
    await api.json('POST', '/api/leads', lead, as(other.key));
    const moved = { phone: '+13055554001' };
    await api.json('PATCH', `/api/providers/at${shared.slice(-4)}`, moved, as(other.key));
    await submit(other.key, 'STOP');
    expect((await phoneOf(shared))!.organizations).toEqual([other.id]);
  });

  it('reported by the carrier, it counts for every organization', async () => {
    await api.text(shared, 'STOP');
    for (const key of [api.key, other.key]) expect(await offer(key)).toBe('provider opted out');
    expect((await eventsOf(shared))[0]!.data).not.toHaveProperty('organizationId');
  });
});

describe('[S34] START', () => {
  it('submitted with a key lifts the opt-out of that organization alone', async () => {
    for (const key of [api.key, other.key]) await submit(key, 'STOP');
    await submit(other.key, 'START');
    expect(await offer(other.key)).toBe('teaser queued');
    expect(await offer(api.key)).toBe('provider opted out');
    expect((await eventsOf(shared)).map(({ type }) => type)).toEqual([
      'buyer.opted_out',
      'buyer.opted_out',
      'buyer.opted_in',
    ]);
  });

  it('submitted with a key lifts no opt-out that the carrier reported', async () => {
    await api.text(shared, 'STOP');
    await submit(other.key, 'STOP');
    for (const message of ['START', 'YES']) await submit(other.key, message);
    expect(await phoneOf(shared)).toMatchObject({ everywhere: true, organizations: [] });
    expect(await offer(other.key)).toBe('provider opted out');
    expect(await eventsOf(shared)).toHaveLength(1);
  });

  it('reported by the carrier lifts every opt-out', async () => {
    await submit(other.key, 'STOP');
    await api.text(shared, 'START');
    for (const key of [api.key, other.key]) expect(await offer(key)).toBe('teaser queued');
    expect((await phoneOf(shared))!.organizations).toEqual([]);
  });
});

describe('[S34] an opt-out of one organization and a claim of its text', () => {
  const claim = async (organizationId: string, phoneId: string) => {
    const id = uuidv7();
    const request = {
      key: `test-${id}`,
      vendor: 'twilio',
      kind: 'sms',
      organizationId,
      subject: 'message:x',
    };
    return claimEffect(
      api.runtime.db,
      {
        ...request,
        id,
        fence: uuidv7(),
        leaseMs: 1_000,
        repeatable: false,
        repost: false,
        guards: [openLine({ phoneId, organizationId, ignoreOptOut: false })],
        writes: [],
      },
      null,
      null,
    );
  };

  it('a claim that meets an uncommitted opt-out waits for it and is refused', async () => {
    await offer(other.key);
    const { id } = (await phoneOf(shared))!;
    const claimed = await api.runtime.db.withTx(async (tx) => {
      await run(tx, markOptedOut(id, other.id).statement(sql`true`));
      const waiting = claim(other.id, id);
      const blocked = () =>
        api.rows(
          "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR SHARE%' AND datname = current_database()",
        );
      await expect.poll(blocked).toHaveLength(1);
      return { waiting };
    });
    expect(await claimed.waiting).toEqual({ kind: 'refused', refusal: 'opted_out' });
    expect(await claim(api.organizationId, id)).toMatchObject({ kind: 'claimed' });
  });
});

describe('[S34] what one organization submits', () => {
  it('over the daily number of texts from unknown numbers it gets 429, and texts of its own buyers still count', async () => {
    const third = await api.otherOrganization();
    await addBuyer(third.key, shared);
    const { perOrganization } = quotas.unknown_texts;
    await api.runtime.quotas.take(
      'unknown_texts',
      { organizationId: third.id, keyId: null },
      perOrganization,
    );
    const inbox = await api.count('inbox');
    const refused = await submit(third.key, 'hello', '+13055553997');
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'quota_exceeded']);
    expect(await api.count('inbox')).toBe(inbox);
    expect((await submit(third.key, 'STOP')).json()).toEqual({ success: true, action: 'stopped' });
    expect((await submit(other.key, 'hello', '+13055553997')).statusCode).toBe(200);
  });

  it('over the daily number of texts it gets 429 and nothing is stored; others still submit', async () => {
    const fourth = await api.otherOrganization();
    await addBuyer(fourth.key, shared);
    const { perOrganization } = quotas.texts;
    await api.runtime.quotas.take('texts', { organizationId: fourth.id, keyId: null }, perOrganization);
    const inbox = await api.count('inbox');
    const refused = await submit(fourth.key, 'hello');
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'quota_exceeded']);
    expect(await api.count('inbox')).toBe(inbox);
    expect((await submit(api.key, 'hello again')).statusCode).toBe(200);
  });

  it('does not use up the rate of another organization for the same phone', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 31; n += 1) statuses.push((await submit(other.key, `hello ${n}`)).statusCode);
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
    expect((await submit(api.key, 'hello')).statusCode).toBe(200);
  });
});
