import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atServer } from '../harness/database.ts';
import { effectOf, posts } from '../harness/evidence.ts';
import { sampleLead } from '../harness/sample-lead.ts';
import type { Deal } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
  // Withheld, so that each test delivers the receipts in the order it needs.
  for (const status of ['queued', 'sent', 'delivered', 'undelivered', 'failed']) {
    system.sandbox.fault({ vendor: 'twilio', kind: 'webhook_withhold', event: `message.${status}` });
  }
});
afterAll(() => system?.stop());

const details = 'here are the client details';

type Message = { id: string; status: string; vendorId: string | null; errorCode: string | null };
const messageOf = async (key: string) => {
  const [message] = await system.rows<Message>(
    'SELECT m.id, m.status, m.vendor_id AS "vendorId", m.error_code AS "errorCode" FROM messages m JOIN effects e ON e.id = m.id WHERE e.key = $1',
    [key],
  );
  return message!;
};
const countOf = async (text: string, values: unknown[]) =>
  (await system.rows<{ n: number }>(text, values))[0]!.n;
const eventsOf = (deal: Deal, type: string) =>
  countOf('SELECT count(*)::int AS n FROM events WHERE subject = $1 AND type = $2', [
    `unlock:${deal.unlockId}`,
    type,
  ]);
const movesTo = (deal: Deal, status: string) =>
  countOf('SELECT count(*)::int AS n FROM unlock_history WHERE unlock_id = $1 AND to_status = $2', [
    `unlock:${deal.unlockId}`,
    status,
  ]);

/** Twilio's withheld callbacks about the first text to this phone that contains `contains`. */
async function callbacks(deal: Deal, contains: string, last = 'message.delivered') {
  const { vendorId } = await system.text(deal.phone, contains);
  await system.sandbox.webhooks.wait({ objectId: vendorId!, event: last, state: 'withheld' });
  const byEvent = (event: string) =>
    system.sandbox.webhooks.list({ objectId: vendorId!, event: `message.${event}` })[0]!.id;
  return {
    vendorId: vendorId!,
    /** Delivers them one by one and expects each to be answered 204. */
    async send(...events: string[]) {
      for (const event of events) {
        const sent = await system.sandbox.webhooks.deliver(byEvent(event));
        expect(sent!.attempts.at(-1)!.status, event).toBe(204);
      }
    },
  };
}

/** Posts a callback signed as Twilio does, to any path. */
async function callBack(
  path: string,
  params: Record<string, string>,
  authToken = system.config.twilio.authToken,
) {
  const url = system.publicUrl + path;
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': twilio.getExpectedTwilioSignature(authToken, url, params),
    },
    body: new URLSearchParams(params),
  });
  return answer.status;
}

/** Buys the lead up to the reveal, and returns the reveal's withheld callbacks. */
async function revealed(deal: Deal, last?: string) {
  const { page } = await system.story.pay(deal);
  await system.story.reaches(deal, deal.buyer, 'REVEAL_DETAILS_SENT');
  return { page, ...(await callbacks(deal, details, last)) };
}

const parkedOf = (deal: Deal, worker: string) =>
  system.until<{ id: number; error: string }>(
    `parked work of ${worker}`,
    `SELECT o.id, o.last_error AS error FROM outbox o JOIN events e ON e.id = o.event_id
     WHERE o.parked_at IS NOT NULL AND o.worker = $1 AND e.subject = $2`,
    [worker, `unlock:${deal.unlockId}`],
    (row) => row !== undefined,
  );
const alertOf = (deal: Deal) =>
  system.until<{ kind: string; text: string }>(
    'an alert',
    'SELECT kind, text FROM alerts WHERE subject = $1',
    [`unlock:${deal.unlockId}`],
    (row) => row !== undefined,
  );

describe('delivery receipts', () => {
  it.concurrent('[F10] delivered, then sent, then queued: the message stays delivered and the unlock is DONE once', async () => {
    const deal = await system.story.deal();
    const { send } = await revealed(deal);
    await send('delivered', 'sent', 'queued');
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(await messageOf(`reveal-${deal.unlockId}`)).toMatchObject({
      status: 'delivered',
      errorCode: null,
    });
    expect(await movesTo(deal, 'DONE')).toBe(1);
  });

  it.concurrent('[F18] each receipt three times: one event, one move', async () => {
    const deal = await system.story.deal();
    const { send } = await revealed(deal);
    await send('sent', 'delivered', 'sent', 'delivered', 'delivered', 'queued', 'sent');
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(await eventsOf(deal, 'message.delivered')).toBe(1);
    expect(await movesTo(deal, 'DONE')).toBe(1);
    expect(await movesTo(deal, 'REVEAL_DETAILS_SENT')).toBe(1);
  });

  it.concurrent('[F14] a receipt before the API response confirms the call', async () => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    system.sandbox.fault({
      vendor: 'twilio',
      kind: 'timeout_after',
      ms: 2_500,
      method: 'POST',
      contains: deal.phone,
      count: 1,
    });
    await system.story.pay(deal, page);
    const { send, vendorId } = await callbacks(deal, details);
    expect(await effectOf(system, `reveal-${deal.unlockId}`)).toMatchObject({
      state: 'claimed',
      vendorId: null,
    });
    await send('queued', 'delivered');
    expect(await effectOf(system, `reveal-${deal.unlockId}`)).toMatchObject({ state: 'accepted', vendorId });
    const [early] = await system.rows<{ status: string }>('SELECT status FROM lead_unlocks WHERE id = $1', [
      deal.unlockId,
    ]);
    expect(early!.status).toBe('PAID');
    await system.story.reaches(deal, deal.buyer, 'DONE');
    expect(await effectOf(system, `reveal-${deal.unlockId}`)).toMatchObject({
      state: 'accepted',
      posts: 1,
      errorCode: null,
    });
    expect(posts(system, deal.phone, details)).toHaveLength(1);
  });

  it.concurrent('a receipt and the booking of the API response lock their rows in the same order', async () => {
    const deal = await system.story.deal();
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    const { send } = await callbacks(deal, 'Reply Y');
    const { id } = await messageOf(`teaser-${deal.unlockId}`);
    await atServer(system.database.directUrl, async (booking) => {
      await booking.query('BEGIN');
      await booking.query('SELECT 1 FROM effects WHERE id = $1 FOR UPDATE', [id]);
      const sent = send('delivered');
      await system.until<{ n: number }>(
        'the receipt waiting for the effect',
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%messages%'",
        [],
        (row) => row!.n > 0,
      );
      // If the receipt had locked this row already, the two would wait for each other.
      await booking.query('SELECT 1 FROM messages WHERE id = $1 FOR UPDATE NOWAIT', [id]);
      await booking.query('COMMIT');
      await sent;
    });
    expect((await messageOf(`teaser-${deal.unlockId}`)).status).toBe('delivered');
  });

  it.concurrent('[S02] a receipt with an unknown effect id or none changes nothing; one with a known message id finds its message', async () => {
    const deal = await system.story.deal();
    const { vendorId } = await revealed(deal);
    const params = { MessageSid: `SM${'0'.repeat(32)}`, MessageStatus: 'delivered' };
    for (const id of ['018f0000-0000-7000-8000-000000000000', 'not-an-id', "'%3B--"]) {
      expect(await callBack(`/webhook/twilio/status/${id}`, params), id).toBe(204);
    }
    expect(await callBack('/webhook/twilio/status', params)).toBe(204);
    expect((await messageOf(`reveal-${deal.unlockId}`)).status).toBe('queued');
    expect(await eventsOf(deal, 'message.delivered')).toBe(0);

    const foreign = '/webhook/twilio/status/018f0000-0000-7000-8000-000000000000';
    expect(await callBack(foreign, { MessageSid: vendorId, MessageStatus: 'delivered' })).toBe(204);
    await system.story.reaches(deal, deal.buyer, 'DONE');
  });

  it.concurrent('[S02] a receipt with a wrong signature or none is refused and changes nothing', async () => {
    const deal = await system.story.deal();
    const { vendorId } = await revealed(deal);
    const { id } = await messageOf(`reveal-${deal.unlockId}`);
    const params = { MessageSid: vendorId, MessageStatus: 'undelivered', ErrorCode: '30006' };
    expect(await callBack(`/webhook/twilio/status/${id}`, params, 'another-token')).toBe(403);
    const unsigned = await fetch(`${system.publicUrl}/webhook/twilio/status/${id}`, {
      method: 'POST',
      body: new URLSearchParams(params),
    });
    expect(unsigned.status).toBe(403);
    expect((await messageOf(`reveal-${deal.unlockId}`)).status).toBe('queued');
    expect(await eventsOf(deal, 'message.failed')).toBe(0);
  });

  it.concurrent('an unknown status changes nothing', async () => {
    const deal = await system.story.deal();
    const { vendorId, send } = await revealed(deal);
    const { id } = await messageOf(`reveal-${deal.unlockId}`);
    expect(
      await callBack(`/webhook/twilio/status/${id}`, { MessageSid: vendorId, MessageStatus: 'teleported' }),
    ).toBe(204);
    expect((await messageOf(`reveal-${deal.unlockId}`)).status).toBe('queued');
    await send('delivered');
    await system.story.reaches(deal, deal.buyer, 'DONE');
  });
});

describe('an undelivered reveal', () => {
  it.concurrent('[F17] is sent by e-mail once, however often the failure is reported, and ends DONE', async () => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { fail: 30003 });
    await system.story.pay(deal, page);
    const { send } = await callbacks(deal, details, 'message.undelivered');
    await send('sent', 'undelivered', 'undelivered', 'sent');
    await system.story.reaches(deal, deal.buyer, 'DONE');
    await send('undelivered');
    const mails = posts(system, deal.email!, details);
    expect(mails.map(({ outcome }) => outcome)).toEqual(['accepted']);
    expect(mails[0]!.text).toContain('Phone: +1234567890');
    expect(posts(system, deal.phone, details)).toHaveLength(1);
    expect(await messageOf(`reveal-${deal.unlockId}`)).toMatchObject({
      status: 'failed',
      errorCode: '30003',
    });
    expect(await movesTo(deal, 'DONE')).toBe(1);
    expect(await eventsOf(deal, 'message.failed')).toBe(1);
  });

  it.concurrent('a failure reported after delivery changes nothing', async () => {
    const deal = await system.story.deal();
    const { send, vendorId } = await revealed(deal);
    await send('delivered');
    await system.story.reaches(deal, deal.buyer, 'DONE');
    const { id } = await messageOf(`reveal-${deal.unlockId}`);
    await callBack(`/webhook/twilio/status/${id}`, {
      MessageSid: vendorId,
      MessageStatus: 'undelivered',
      ErrorCode: '30003',
    });
    expect((await messageOf(`reveal-${deal.unlockId}`)).status).toBe('delivered');
    expect(posts(system, deal.email!, details)).toEqual([]);
  });

  it.concurrent('[F11] without an e-mail address it is parked with an alert; viewing the details on the pay page makes it DONE', async () => {
    const deal = await system.story.deal({ email: null });
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { fail: 30006 });
    await system.story.pay(deal, page);
    const { send } = await callbacks(deal, details, 'message.undelivered');
    await send('undelivered');
    const [parked] = await parkedOf(deal, 'notifier');
    expect(parked!.error).toContain('pay page');
    const [alert] = await alertOf(deal);
    expect(alert!.text).toContain('pay page');
    await system.sandbox.waitFor(
      (e) =>
        e.operation === 'mail.send' &&
        e.to === 'operator@leadgate.example' &&
        (e.text ?? '').includes(deal.unlockId),
    );
    const shown = await fetch(`${page}/details`, { method: 'POST' });
    expect(shown.status).toBe(200);
    expect(await shown.text()).toContain(deal.secret);
    await system.story.reaches(deal, deal.buyer, 'DONE');
  });

  it.concurrent('[F17] text and e-mail refused at once: parked with an alert', async () => {
    const deal = await system.story.deal();
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { refuse: 21614 });
    system.sandbox.fault({ vendor: 'sendgrid', kind: 'error', status: 400, contains: deal.email! });
    await system.story.pay(deal, page);
    const [parked] = await parkedOf(deal, 'revealer');
    expect(parked!.error).toContain('neither be texted (bad_number) nor mailed');
    expect((await alertOf(deal))[0]!.kind).toBe('reveal_failed');
    const shown = await fetch(`${page}/details`, { method: 'POST' });
    expect(await shown.text()).toContain(deal.secret);
  });

  it.concurrent('its e-mail bounces: parked with an alert', async () => {
    const deal = await system.story.deal({ email: `bounce@${crypto.randomUUID()}.example` });
    const page = await system.story.accept(deal);
    system.sandbox.act.phone(deal.phone, { refuse: 21614 });
    await system.story.pay(deal, page);
    await system.story.reaches(deal, deal.buyer, 'DONE');
    await system.until<{ status: string }>(
      'the bounce',
      `SELECT m.status FROM messages m JOIN effects e ON e.id = m.id WHERE e.key = $1`,
      [`reveal-email-${deal.unlockId}`],
      (row) => row?.status === 'failed',
    );
    await parkedOf(deal, 'notifier');
    const [alert] = await alertOf(deal);
    expect(alert!.text).toContain('pay page');
    expect(await (await fetch(`${page}/details`, { method: 'POST' })).text()).toContain(deal.secret);
  });
});

describe('an undelivered teaser or link', () => {
  it.concurrent('[F17] to a landline: the offer ends, and the number gets no further text', async () => {
    const deal = await system.story.deal({
      before: (phone) => void system.sandbox.act.phone(phone, { fail: 30006 }),
    });
    const { send } = await callbacks(deal, 'Reply Y', 'message.undelivered');
    await send('undelivered');
    const unlock = await system.story.reaches(deal, deal.buyer, 'EXPIRED');
    expect(unlock!.reason).toBe('undeliverable');
    const [phone] = await system.rows<{ bad: boolean }>(
      'SELECT bad_number_at IS NOT NULL AS bad FROM phones WHERE number = $1',
      [deal.phone],
    );
    expect(phone!.bad).toBe(true);

    const { body } = await system.api('POST', '/api/leads', {
      ...sampleLead,
      provider_ids: [deal.buyer.externalId],
    });
    expect(body.provider_results).toMatchObject([
      { success: false, message: 'provider phone cannot be reached' },
    ]);
    expect(posts(system, deal.phone, 'Reply Y')).toHaveLength(1);
  });

  it.concurrent('[F17] to a handset that is off: the offer stays open', async () => {
    const deal = await system.story.deal({
      before: (phone) => void system.sandbox.act.phone(phone, { fail: 30003 }),
    });
    const { send } = await callbacks(deal, 'Reply Y', 'message.undelivered');
    await send('undelivered');
    await system.until<{ detail: string }>(
      'the receipt handled',
      "SELECT detail FROM attempts WHERE subject = $1 AND worker = 'notifier' AND outcome = 'skipped'",
      [`unlock:${deal.unlockId}`],
      (row) => row !== undefined,
    );
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
  });

  it.concurrent('[F17] refused as opted out (21610): the offer ends, and the number gets no further text', async () => {
    const deal = await system.story.deal({
      before: (phone) => void system.sandbox.act.phone(phone, { refuse: 21610 }),
    });
    const unlock = await system.story.reaches(deal, deal.buyer, 'OPTED_OUT');
    expect(unlock!.reason).toBe('opted_out');
    const [phone] = await system.rows<{ out: boolean }>(
      'SELECT opted_out_at IS NOT NULL AS out FROM phones WHERE number = $1',
      [deal.phone],
    );
    expect(phone!.out).toBe(true);
    expect(posts(system, deal.phone, '').map(({ outcome }) => outcome)).toEqual(['refused']);
  });

  it.concurrent('[F17] a carrier block reported after the teaser (30004) opts the phone out of every open offer', async () => {
    const deal = await system.story.deal();
    await system.story.reaches(deal, deal.buyer, 'AWAIT_CONFIRM');
    const { vendorId } = await callbacks(deal, 'Reply Y');
    const { id } = await messageOf(`teaser-${deal.unlockId}`);
    await callBack(`/webhook/twilio/status/${id}`, {
      MessageSid: vendorId,
      MessageStatus: 'undelivered',
      ErrorCode: '30004',
    });
    await system.story.reaches(deal, deal.buyer, 'OPTED_OUT');
  });
});
