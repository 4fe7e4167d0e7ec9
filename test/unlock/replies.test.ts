import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, expectBooksToMatch, pageIn, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem();
  story = system.story;
});
afterAll(() => system.stop());

/** The texts the buyer received other than teasers. */
const answers = (buyer: Buyer) =>
  story
    .texts(buyer)
    .map((entry) => entry.text ?? '')
    .filter((text) => !text.includes('new client inquiry'));

const inboxOf = (buyer: Buyer) =>
  system.rows<{ intent: string; needs_operator: boolean; unlock_id: string | null; body: string }>(
    `SELECT i.intent, i.needs_operator, i.unlock_id, i.body FROM inbox i JOIN phones p ON p.id = i.phone_id
      WHERE p.number = $1 ORDER BY i.received_at, i.id`,
    [buyer.phone],
  );

/** Sends a reply and resolves when everything it causes is finished. */
async function replyAndSettle(buyer: Buyer, text: string, messageSid?: string): Promise<void> {
  const { messageSid: sid } = story.says(buyer, text, messageSid);
  await system.sandbox.webhooks.wait({ vendor: 'twilio', event: 'message.inbound', objectId: sid });
  await story.settled();
}

describe('yes', () => {
  it('[F24] three simultaneous Ys: one link, one text, one possible charge', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    // The carrier is slow, so that each Y is handled while the first one's text is being sent.
    const slow = system.sandbox.fault({ vendor: 'twilio', kind: 'latency', ms: 400, contains: buyer.phone });
    for (const text of ['Y', `yes ${offer.leadId}`, 'Y']) story.says(buyer, text);
    await story.reaches(offer, buyer, 'AWAITING_PAYMENT');
    await system.until(
      'all three',
      'SELECT 1 FROM inbox i JOIN phones p ON p.id = i.phone_id WHERE p.number = $1',
      [buyer.phone],
      (_row, all) => all.length === 3,
    );
    expect(answers(buyer)).toHaveLength(1);

    system.sandbox.clearFaults(slow.id);
    const page = pageIn(answers(buyer)[0]!);
    const sessions = await Promise.all(Array.from({ length: 5 }, () => story.session(page)));
    expect(new Set(sessions).size).toBe(1);
    const { id } = await story.unlock(offer, buyer);
    expect(
      system.sandbox.ledger.list({ operation: 'checkout.session.create', accepted: true, reference: id }),
    ).toHaveLength(1);
    system.sandbox.act.pay(sessions[0]!);
    await story.reaches(offer, buyer, 'DONE');
    expect(await story.press(page)).toEqual({ status: 303, session: null, back: new URL(page).pathname });

    // The other Ys wait for the lease of the first text to end; that wait is skipped here.
    await system.rows(
      'UPDATE outbox SET due_at = now() FROM events e WHERE e.id = event_id AND NOT queued AND e.subject = $1 AND e.type = $2',
      [`unlock:${id}`, 'reply.accepted'],
    );
    await story.settled();
    expect(answers(buyer).filter((text) => !text.includes(offer.secret))).toHaveLength(1);
    expect(story.reveals(offer)).toHaveLength(1);
  });

  it('[F24] a second Y ten minutes later re-sends the same link', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const page = await story.link(offer, buyer);
    await system.rows("UPDATE lead_unlocks SET link_sent_at = now() - interval '10 minutes' WHERE id = $1", [
      (await story.unlock(offer, buyer)).id,
    ]);
    await replyAndSettle(buyer, 'Y');
    expect(answers(buyer).map(pageIn)).toEqual([page, page]);
    expect((await story.moves(offer, buyer)).at(-1)).toBe('AWAITING_PAYMENT');
  });

  it('[F24] the same MessageSid again is ignored, with the same or another text', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const sid = `SM${'7'.repeat(32)}`;
    await replyAndSettle(buyer, 'Y', sid);
    // The id decides even if the repeated delivery has another text.
    await replyAndSettle(buyer, 'N', sid);
    await replyAndSettle(buyer, 'Y', sid);
    expect((await inboxOf(buyer)).map((row) => row.intent)).toEqual(['accept']);
    expect(answers(buyer)).toHaveLength(1);
    expect((await story.unlock(offer, buyer)).status).toBe('AWAITING_PAYMENT');
    const replyEvents = await system.rows("SELECT 1 FROM events WHERE type LIKE 'reply.%' AND subject = $1", [
      `unlock:${(await story.unlock(offer, buyer)).id}`,
    ]);
    expect(replyEvents).toHaveLength(1);
  });

  it('[F24] Y after DONE re-sends the details without charge', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await story.buy(offer, buyer);
    await replyAndSettle(buyer, 'Y');
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.phone, buyer.phone]);
    const captures = system.sandbox.ledger.list({ operation: 'payment.capture' });
    expect(captures.filter((entry) => entry.seq > story.reveals(offer)[0]!.seq)).toEqual([]);
    expect((await story.unlock(offer, buyer)).status).toBe('DONE');
  });

  it('[F24] Y after the offer ended is answered with the reason and no link', async () => {
    const buyer = await story.buyer();
    const expired = await story.offer([buyer], { ttl_hours: 2 / 3600 });
    await story.reaches(expired, buyer, 'EXPIRED', 'ttl');
    await replyAndSettle(buyer, 'Y');
    const declined = await story.offer([buyer]);
    await replyAndSettle(buyer, 'N');
    await replyAndSettle(buyer, `Y ${declined.leadId}`);
    expect(answers(buyer)).toEqual([
      `${buyer.name}, lead ${expired.leadId} is no longer available: the offer has ended.`,
      `${buyer.name}, lead ${declined.leadId} is no longer available: you skipped it.`,
    ]);
    expect((await story.unlock(declined, buyer)).status).toBe('EXPIRED');
  });

  it('[F24] a bare Y with three open offers accepts the newest, and the answer counts the others', async () => {
    const buyer = await story.buyer();
    const offers = [
      await story.offer([buyer]),
      await story.offer([buyer]),
      await story.offer([buyer]),
    ] as const;
    await replyAndSettle(buyer, 'Y');
    expect(answers(buyer)[0]).toContain(
      `(Lead ${offers[2].leadId})\n2 other offers are open: reply Y with a lead number.`,
    );
    await replyAndSettle(buyer, `Y ${offers[0].leadId}`);
    expect(answers(buyer)[1]).toContain(`(Lead ${offers[0].leadId})`);
    const states = await Promise.all(offers.map(async (offer) => (await story.unlock(offer, buyer)).status));
    expect(states).toEqual(['AWAITING_PAYMENT', 'AWAIT_CONFIRM', 'AWAITING_PAYMENT']);
  });

  it("[F24] a Y before the teaser's API response still gets its link", async () => {
    const buyer = await story.buyer();
    const slow = system.sandbox.fault({
      vendor: 'twilio',
      kind: 'timeout_after',
      contains: buyer.phone,
      count: 1,
      ms: 300,
    });
    const offer = await story.lead([buyer]);
    await system.text(buyer.phone, offer.leadId);
    story.says(buyer, 'Y');
    await story.reaches(offer, buyer, 'AWAITING_PAYMENT');
    system.sandbox.clearFaults(slow.id);
    await story.settled();
    expect(story.texts(buyer)).toHaveLength(2);
  });
});

describe('other replies', () => {
  it('N ends its offer without an answer, and keeps other offers open', async () => {
    const buyer = await story.buyer();
    const [older, newer] = [await story.offer([buyer]), await story.offer([buyer])];
    await replyAndSettle(buyer, `N ${older.leadId}`);
    expect(await story.unlock(older, buyer)).toMatchObject({ status: 'EXPIRED', reason: 'declined' });
    expect((await story.unlock(newer, buyer)).status).toBe('AWAIT_CONFIRM');
    expect(answers(buyer)).toEqual([]);
  });

  it('N with an open session expires the session', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { session } = await story.checkout(offer, buyer);
    await replyAndSettle(buyer, 'No thanks');
    expect(await story.unlock(offer, buyer)).toMatchObject({ status: 'EXPIRED', reason: 'declined' });
    expect(() => system.sandbox.act.pay(session)).toThrow('This Checkout Session is expired.');
  });

  it('unclear texts are answered with one help text a day and buy nothing', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    for (const text of ['Y or N?', 'how much is it', '🤔🤔']) await replyAndSettle(buyer, text);
    expect(answers(buyer)).toEqual([
      `Sorry, we did not understand. Reply Y to unlock lead ${offer.leadId}, N to skip, STOP to opt out. Contact: help@gold-touch.example`,
    ]);
    expect((await inboxOf(buyer)).map((row) => row.intent)).toEqual(['unclear', 'unclear', 'unclear']);
    expect((await story.unlock(offer, buyer)).status).toBe('AWAIT_CONFIRM');
  });

  it('HELP is answered with name and contact, and the offer stays open', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await replyAndSettle(buyer, 'Help');
    expect(answers(buyer)).toEqual([
      expect.stringMatching(
        /^Gold Touch List \(demo\): .*STOP to opt out.*Contact: help@gold-touch\.example$/,
      ),
    ]);
    expect((await story.unlock(offer, buyer)).status).toBe('AWAIT_CONFIRM');
  });

  it.each([
    (teaser: string) => `Liked “${teaser}”`,
    (teaser: string) => `Loved "${teaser}"`,
    (teaser: string) => `Reacted 👍 to “${teaser}”`,
    (teaser: string) => `👍 to “${teaser}”`,
  ])('a tapback that quotes the teaser is ignored (%#)', async (tapback) => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await replyAndSettle(buyer, tapback(story.texts(buyer)[0]?.text ?? ''));
    expect((await inboxOf(buyer)).map((row) => [row.intent, row.needs_operator])).toEqual([
      ['ignored', false],
    ]);
    expect(answers(buyer)).toEqual([]);
    expect((await story.unlock(offer, buyer)).status).toBe('AWAIT_CONFIRM');
  });

  it.each([
    ['👍', 'AWAITING_PAYMENT'],
    ['👎', 'EXPIRED'],
    ['😀', 'AWAIT_CONFIRM'],
  ])('%s alone leads to the matching state', async (emoji, status) => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await replyAndSettle(buyer, emoji);
    expect((await story.unlock(offer, buyer)).status).toBe(status);
  });

  it('a text from an unknown number waits for the operator, encrypted and unanswered', async () => {
    const stranger = { externalId: 'unknown', name: 'Unknown', phone: '+13055550199', email: null };
    await replyAndSettle(stranger, 'Y, my name is Zebulon');
    const [row] = await inboxOf(stranger);
    expect(row).toMatchObject({ intent: 'accept', needs_operator: true, unlock_id: null });
    expect(row!.body).not.toContain('Zebulon');
    expect(system.runtime.vault.open(row!.body)).toBe('Y, my name is Zebulon');
    expect(story.texts(stranger)).toEqual([]);
  });

  it('a lead id offered to another buyer buys nothing', async () => {
    const [owner, other] = (await story.buyers(2)) as [Buyer, Buyer];
    const offer = await story.offer([owner]);
    await replyAndSettle(other, `Y ${offer.leadId}`);
    expect((await inboxOf(other)).map((row) => [row.needs_operator, row.unlock_id])).toEqual([[true, null]]);

    const own = await story.offer([other]);
    await replyAndSettle(other, `Y ${offer.leadId}`);
    expect(answers(other)).toEqual([expect.stringContaining('we did not understand')]);
    const states = [await story.unlock(offer, owner), await story.unlock(own, other)].map(
      (unlock) => unlock.status,
    );
    expect(states).toEqual(['AWAIT_CONFIRM', 'AWAIT_CONFIRM']);
  });
});

describe('numbers that cannot be texted', () => {
  it.each([
    ['opted out at the carrier', 21610, 'OPTED_OUT', 'opted_out'],
    ['a landline', 21614, 'EXPIRED', 'undeliverable'],
    ['no valid number', 21211, 'EXPIRED', 'undeliverable'],
  ])(
    '[F17] the teaser is refused, %s: the offer ends, later leads are not texted, other buyers get theirs',
    async (_what, code, status, reason) => {
      const [refused, reachable] = (await story.buyers(2)) as [Buyer, Buyer];
      system.sandbox.act.phone(refused.phone, { refuse: code });
      const offer = await story.lead([refused, reachable]);
      await story.reaches(offer, refused, status, reason);
      await story.reaches(offer, reachable, 'AWAIT_CONFIRM');
      await story.settled();
      const posts = () =>
        system.sandbox.ledger.list({ operation: 'message.create', to: refused.phone }).length;
      expect(posts()).toBe(1);

      // The number is remembered: it is not tried again even when the carrier would accept it.
      system.sandbox.act.phone(refused.phone, { refuse: null });
      const next = await story.lead([refused, reachable]);
      await story.reaches(next, reachable, 'AWAIT_CONFIRM');
      await story.settled();
      expect(posts()).toBe(1);
      expect(await system.rows('SELECT 1 FROM outbox WHERE parked_at IS NOT NULL')).toEqual([]);
    },
  );

  it('[F17] a failure reported later: a landline ends the offer, a handset that is off does not', async () => {
    const [landline, off] = (await story.buyers(2)) as [Buyer, Buyer];
    system.sandbox.act.phone(landline.phone, { fail: 30006 });
    system.sandbox.act.phone(off.phone, { fail: 30003 });
    const offer = await story.lead([landline, off]);
    await story.reaches(offer, landline, 'EXPIRED', 'undeliverable');
    await story.reaches(offer, off, 'AWAIT_CONFIRM');
    await system.sandbox.webhooks.wait({ vendor: 'twilio', event: 'message.undelivered' }, 2);
    await story.settled();
    expect((await story.unlock(offer, off)).status).toBe('AWAIT_CONFIRM');
    system.sandbox.act.phone(off.phone, { fail: null });
    await story.buy(offer, off);
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([off.phone]);
  });

  it('[F17] a text refused after payment: the details go by e-mail and on the page', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { page, session } = await story.checkout(offer, buyer);
    system.sandbox.act.phone(buyer.phone, { refuse: 21614 });
    system.sandbox.act.pay(session);
    await story.reaches(offer, buyer, 'DONE');
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.email]);
    expect(await story.details(page)).toContain(offer.secret);
  });
});

it("the journals match Stripe's ledger, and details were sent only after payment", () =>
  expectBooksToMatch(system));
