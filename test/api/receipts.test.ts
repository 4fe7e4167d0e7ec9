import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiTest, amy, startApi } from '../harness/api-app.ts';

let api: ApiTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

const newUnlock = async (): Promise<string> => (await api.unlocksOf(await api.lead()))[0]!.id;
const eventsOf = (unlockId: string) =>
  api.rows<{ type: string; data: Record<string, string> }>(
    `SELECT type, data FROM events WHERE subject = $1 ORDER BY occurred_at`,
    [`unlock:${unlockId}`],
  );

describe('delivery receipts', () => {
  /** A message as a worker leaves it right after claiming it. */
  const message = async (vendor: 'twilio' | 'sendgrid' = 'twilio', vendorId: string | null = null) => {
    const id = uuidv7();
    const unlockId = await newUnlock();
    const at = new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
    const [phone] = await api.rows<{ id: string }>('SELECT id FROM phones WHERE number = $1', [amy]);
    await api.rows(
      `INSERT INTO messages (id, created_at, organization_id, subject, phone_id, recipient_kind, channel, purpose, status, vendor_id)
        VALUES ($1, $2, $3, 'unlock:' || $4::text, $5, 'address', $6, 'reveal', $7, $8)`,
      [
        id,
        at,
        api.organizationId,
        unlockId,
        phone!.id,
        vendor === 'twilio' ? 'sms' : 'email',
        vendorId ? 'queued' : 'posting',
        vendorId,
      ],
    );
    await api.rows(
      `INSERT INTO effects (key, id, vendor, kind, subject, state, fence, lease_until, vendor_id)
        VALUES ($1, $2, $3, 'send', $6, $4, gen_random_uuid(), now(), $5)`,
      [`effect-${id}`, id, vendor, vendorId ? 'accepted' : 'unknown', vendorId, `unlock:${unlockId}`],
    );
    return { id, unlockId };
  };
  const stateOf = async (id: string) => {
    const [row] = await api.rows<{ status: string; effect: string; vendor: string }>(
      'SELECT m.status, e.state AS effect, m.vendor_id AS vendor FROM messages m JOIN effects e ON e.id = m.id WHERE m.id = $1',
      [id],
    );
    return row!;
  };
  const status = (id: string | null, fields: Record<string, string>) =>
    api.twilioPost(`/webhook/twilio/status${id ? `/${id}` : ''}`, fields);

  it('[F14] a callback confirms a call whose response was lost', async () => {
    const { id } = await message();
    expect((await status(id, { MessageSid: 'SMlost', MessageStatus: 'queued' })).statusCode).toBe(204);
    expect(await stateOf(id)).toEqual({ status: 'queued', effect: 'accepted', vendor: 'SMlost' });
  });

  it('[F10] a status never moves backward and is recorded once, in any order and however often it arrives', async () => {
    const { id, unlockId } = await message();
    for (const word of ['delivered', 'sent', 'queued', 'delivered', 'failed', 'undelivered']) {
      await status(id, { MessageSid: 'SM1', MessageStatus: word });
    }
    expect((await stateOf(id)).status).toBe('delivered');
    const recorded = (await eventsOf(unlockId)).filter((e) => e.type.startsWith('message.'));
    expect(recorded).toEqual([
      { type: 'message.delivered', data: { messageId: id, unlockId, purpose: 'reveal' } },
    ]);
  });

  it("a callback without an effect id finds the message by the vendor's id", async () => {
    const { id } = await message('twilio', 'SMbyvendor');
    await status(null, { MessageSid: 'SMbyvendor', MessageStatus: 'delivered' });
    expect((await stateOf(id)).status).toBe('delivered');
  });

  it('[F17] 21610 opts the phone out; an undeliverable number is marked unreachable', async () => {
    const { id, unlockId } = await message();
    await status(id, { MessageSid: 'SM2', MessageStatus: 'failed', ErrorCode: '21610' });
    const [phone] = await api.rows<{ id: string; out: boolean }>(
      'SELECT id, opted_out_at IS NOT NULL AS out FROM phones WHERE number = $1',
      [amy],
    );
    expect(phone!.out).toBe(true);
    const recorded = await api.rows<{ type: string }>(
      `SELECT type FROM events WHERE subject IN ($1, $2) AND type <> 'reply.accepted' ORDER BY type`,
      [`unlock:${unlockId}`, `phone:${phone!.id}`],
    );
    expect(recorded.map((e) => e.type)).toEqual(['buyer.opted_out', 'message.failed']);
    await api.rows('UPDATE phones SET opted_out_at = NULL WHERE id = $1', [phone!.id]);
    const second = await message();
    await status(second.id, { MessageSid: 'SM3', MessageStatus: 'undelivered', ErrorCode: '30006' });
    const [unreachable] = await api.rows<{ bad: boolean }>(
      'SELECT bad_number_at IS NOT NULL AS bad FROM phones WHERE id = $1',
      [phone!.id],
    );
    expect(unreachable!.bad).toBe(true);
    expect((await eventsOf(second.unlockId)).at(-1)).toMatchObject({
      type: 'message.failed',
      data: { code: 'bad_number' },
    });
    await api.rows('UPDATE phones SET bad_number_at = NULL WHERE id = $1', [phone!.id]);
  });

  it('callbacks about unknown messages are accepted and change nothing', async () => {
    const before = await api.count('events');
    for (const id of [uuidv7(), 'nonsense', null]) {
      expect((await status(id, { MessageSid: 'SMstranger', MessageStatus: 'delivered' })).statusCode).toBe(
        204,
      );
    }
    expect((await status(null, {})).statusCode).toBe(204);
    expect(await api.count('events')).toBe(before);
  });

  it('[S02] SendGrid events are processed only with a valid signature', async () => {
    const { id, unlockId } = await message('sendgrid');
    const event = {
      sg_event_id: 'e1',
      sg_message_id: 'm1.filter',
      event: 'delivered',
      timestamp: 1,
      email: 'a@b.example',
      effect_id: id,
    };
    expect((await api.sendgridPost([event], { tamper: true })).statusCode).toBe(403);
    expect(
      (await api.sendgridPost([event], { timestamp: Math.floor(Date.now() / 1000) - 301 })).statusCode,
    ).toBe(403);
    expect((await stateOf(id)).status).toBe('posting');
    expect((await api.sendgridPost([event, event])).json()).toEqual({ received: 2 });
    expect(await stateOf(id)).toMatchObject({ status: 'delivered', effect: 'accepted' });
    const bounced = await message('sendgrid');
    await api.sendgridPost([
      { ...event, sg_event_id: 'e2', event: 'bounce', effect_id: bounced.id },
      { event: 7 },
      null,
    ]);
    expect((await eventsOf(bounced.unlockId)).at(-1)).toMatchObject({
      type: 'message.failed',
      data: { code: 'bad_address' },
    });
    expect((await eventsOf(unlockId)).filter((e) => e.type === 'message.delivered')).toHaveLength(1);
    expect((await api.sendgridPost({ not: 'a list' })).json()).toEqual({ received: 0 });
  });
});
