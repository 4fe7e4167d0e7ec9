import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, amy, startApi } from '../harness/api-app.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

const ben = '+13055550161';
const carla = '+13055550162';
const offered = async (providerId: string): Promise<{ leadId: string; unlockId: string }> => {
  const leadId = await api.lead({ provider_ids: [providerId] });
  const [unlock] = await api.unlocksOf(leadId);
  await api.rows(
    `UPDATE lead_unlocks SET status = 'AWAIT_CONFIRM', teased_at = clock_timestamp() WHERE id = $1`,
    [unlock!.id],
  );
  return { leadId, unlockId: unlock!.id };
};
const eventsOf = async (subject: string) =>
  (
    await api.rows<{ type: string }>('SELECT type FROM events WHERE subject = $1 ORDER BY occurred_at', [
      subject,
    ])
  ).map((e) => e.type);
const phoneOf = async (number: string) =>
  (
    await api.rows<{ id: string; out: boolean }>(
      'SELECT id, opted_out_at IS NOT NULL AS out FROM phones WHERE number = $1',
      [number],
    )
  )[0];
const lastInbox = async () =>
  (
    await api.rows<{
      intent: string;
      needs_operator: boolean;
      sender: string;
      body: string;
      unlock_id: string | null;
    }>(
      'SELECT intent, needs_operator, sender, body, unlock_id FROM inbox ORDER BY received_at DESC, id DESC LIMIT 1',
    )
  )[0]!;

let second = 0;
const gateway = (
  message: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
) => {
  second += 1;
  const timestamp = `2026-11-21T10:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')}`;
  return api.json(
    'POST',
    '/api/leads/sms-response',
    { provider_phone: amy, message, timestamp, ...more },
    headers,
  );
};

describe('POST /api/leads/sms-response', () => {
  it.each([
    ['Y', 'accepted', 'reply.accepted'],
    ['sí', 'accepted', 'reply.accepted'],
    ['👍', 'accepted', 'reply.accepted'],
    ['N', 'declined', 'reply.declined'],
    ['Y or N?', 'unclear', 'reply.unclear'],
    ['🎉', 'unclear', 'reply.unclear'],
  ])('%s is %s', async (message, action, type) => {
    const { leadId, unlockId } = await offered('provider60');
    const response = await gateway(message);
    expect([response.statusCode, response.json()]).toEqual([200, { success: true, action, lead_id: leadId }]);
    expect(await eventsOf(`unlock:${unlockId}`)).toEqual([type]);
  });

  it('a tapback is stored and ignored', async () => {
    const { unlockId } = await offered('provider60');
    expect((await gateway('Loved “Amy, new client inquiry… Reply Y”')).json()).toMatchObject({
      success: true,
      action: 'ignored',
    });
    expect(await eventsOf(`unlock:${unlockId}`)).toEqual([]);
    expect(await lastInbox()).toMatchObject({ intent: 'ignored', needs_operator: false });
  });

  it('[F05] the same phone, message and time is one text, in any time format', async () => {
    const { leadId, unlockId } = await offered('provider60');
    const twice = { timestamp: '2026-11-21T15:00:00' };
    const answers = await Promise.all([
      gateway('Y', twice),
      gateway('Y', { timestamp: '2026-11-21T15:00:00Z' }),
      gateway('Y', { timestamp: '2026-11-21 10:00:00-05:00' }),
      gateway('Y', { ...twice, provider_phone: '+1 (305) 555-0160' }),
    ]);
    expect(answers.map((r) => r.json())).toEqual(
      Array(4).fill({ success: true, action: 'accepted', lead_id: leadId }),
    );
    expect(await eventsOf(`unlock:${unlockId}`)).toEqual(['reply.accepted']);
  });

  it('a lead id that was offered to another provider buys nothing', async () => {
    const { leadId } = await offered('provider61');
    const own = await offered('provider60');
    expect((await gateway(`Y ${leadId}`)).json()).toEqual({
      success: true,
      action: 'unclear',
      lead_id: own.leadId,
    });
    expect(await eventsOf(`unlock:${own.unlockId}`)).toEqual(['reply.unclear']);
  });

  it("[S05] a key cannot reply to another organization's offers", async () => {
    const { unlockId, leadId } = await offered('provider60');
    const other = await api.otherOrganization();
    const response = await gateway(`Y ${leadId}`, {}, { authorization: `Bearer ${other.key}` });
    expect(response.json()).toEqual({ success: true, action: 'ignored' });
    expect(await eventsOf(`unlock:${unlockId}`)).toEqual([]);
    expect((await lastInbox()).needs_operator).toBe(true);
  });

  it.each([
    ['a malformed phone', { provider_phone: '555-1234' }],
    ['a phone without its country', { provider_phone: '3055550160' }],
    ['no message', { message: undefined }],
    ['NUL', { message: 'Y\0' }],
    ['a malformed time', { timestamp: 'yesterday' }],
    ['the 40th of May', { timestamp: '2026-05-40T10:00:00Z' }],
    ['an unknown key', { lead_id: 'lead_x' }],
    ['a text too long', { message: 'Y'.repeat(1_601) }],
  ])('%s is a 400 and stores nothing', async (_name, more) => {
    const before = await api.count('inbox');
    expect((await gateway('Y', more)).statusCode).toBe(400);
    expect(await api.count('inbox')).toBe(before);
  });
});

describe('texts to our number', () => {
  it('sender and text are encrypted', async () => {
    await offered('provider60');
    await api.text(amy, 'canary text from a person');
    const row = await lastInbox();
    expect(row.sender + row.body).not.toMatch(/canary|3055550160/);
    expect([api.runtime.vault.open(row.sender), api.runtime.vault.open(row.body)]).toEqual([
      amy,
      'canary text from a person',
    ]);
  });

  it('a text from an unknown number, or without an open offer, is stored for the operator and not answered', async () => {
    const before = await api.count('events');
    for (const body of ['Y', 'hello?', 'HELP']) await api.text('+13055550177', body);
    expect(await lastInbox()).toMatchObject({ needs_operator: true, unlock_id: null });
    expect(await api.count('events')).toBe(before);
  });

  it('a reply after the offer ended is answered: by lead id at any time, without one for a week', async () => {
    const { leadId, unlockId } = await offered('provider63');
    const dan = '+13055550163';
    const end = (when: string) =>
      api.rows(
        `UPDATE lead_unlocks SET status = 'EXPIRED', reason = 'ttl', closed_at = now() - $2::interval WHERE id = $1`,
        [unlockId, when],
      );
    await end('1 day');
    await api.text(dan, 'Y');
    await end('8 days');
    await api.text(dan, 'Y');
    expect((await lastInbox()).needs_operator).toBe(true);
    await api.text(dan, `Y ${leadId}`);
    expect(await eventsOf(`unlock:${unlockId}`)).toEqual(['reply.accepted', 'reply.accepted']);
  });

  it('[F26] STOP commits the opt-out with its inbox row once, and later offers are refused', async () => {
    await offered('provider61');
    for (const body of ['STOP', 'stop']) await api.text(ben, body);
    const phone = await phoneOf(ben);
    expect(phone!.out).toBe(true);
    expect(await eventsOf(`phone:${phone!.id}`)).toEqual(['buyer.opted_out']);
    const response = await api.json('POST', '/api/leads', {
      city: 'Miami',
      service_type: 'x',
      client_name: 'S',
      client_phone: '+13055550199',
      provider_ids: ['provider61'],
    });
    expect(response.json().provider_results).toEqual([
      { provider_id: 'provider61', success: false, message: 'provider opted out' },
    ]);
  });

  it('[F26] STOP counts from a number that was never texted', async () => {
    await api.text('+13055550188', 'STOP');
    expect((await phoneOf('+13055550188'))!.out).toBe(true);
  });

  it('[F27] YES from an opted-out buyer re-subscribes and does not buy; Y does neither', async () => {
    const { unlockId } = await offered('provider62');
    await api.text(carla, 'STOP');
    await api.text(carla, 'Y');
    expect((await phoneOf(carla))!.out).toBe(true);
    await api.text(carla, 'YES');
    const phone = await phoneOf(carla);
    expect(phone!.out).toBe(false);
    expect(await eventsOf(`phone:${phone!.id}`)).toEqual(['buyer.opted_out', 'buyer.opted_in']);
    expect(await eventsOf(`unlock:${unlockId}`)).toEqual([]);
    await api.text(carla, 'YES');
    expect(await eventsOf(`unlock:${unlockId}`)).toEqual(['reply.accepted']);
  });

  it('accepts empty, very long and binary texts without an error', async () => {
    for (const body of [
      '',
      ' ',
      '\0',
      'a'.repeat(5_000),
      '💥'.repeat(800),
      '\u202eY',
      '{{name}}',
      "'; --",
      '\ud800'.padEnd(3),
    ]) {
      expect((await api.text(amy, body)).statusCode, JSON.stringify(body.slice(0, 20))).toBe(200);
    }
    expect((await api.text('SHORTCODE', 'Y')).statusCode).toBe(200);
  });
});
