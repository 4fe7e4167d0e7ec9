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

/** What the buyer was told after the teasers: the carrier's ledger, less what offers an unlock. */
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

/** Says it, and returns once everything that follows from it is over. */
async function saysAndSettles(buyer: Buyer, text: string, messageSid?: string): Promise<void> {
  const { messageSid: sid } = story.says(buyer, text, messageSid);
  await system.sandbox.webhooks.wait({ vendor: 'twilio', event: 'message.inbound', objectId: sid });
  await story.settled();
}

describe('yes', () => {
  it('[F24] two Ys at the same moment: one link, one text, one charge possible', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    // The carrier takes its time: each Y is looked at while the first one's answer is on its way.
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

    // The other Ys wait until the lease of the first one's text would end; that moment is brought forward.
    await system.rows(
      'UPDATE outbox SET due_at = now() FROM events e WHERE e.id = event_id AND NOT queued AND e.subject = $1 AND e.type = $2',
      [`unlock:${id}`, 'reply.accepted'],
    );
    await story.settled();
    expect(answers(buyer).filter((text) => !text.includes(offer.secret))).toHaveLength(1);
    expect(story.reveals(offer)).toHaveLength(1);
  });

  it('[F24] a Y a good while later: the very same link again, once a minute', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const page = await story.link(offer, buyer);
    await system.rows("UPDATE lead_unlocks SET link_sent_at = now() - interval '10 minutes' WHERE id = $1", [
      (await story.unlock(offer, buyer)).id,
    ]);
    await saysAndSettles(buyer, 'Y');
    expect(answers(buyer).map(pageIn)).toEqual([page, page]);
    expect((await story.moves(offer, buyer)).at(-1)).toBe('AWAITING_PAYMENT');
  });

  it('[F24] the same MessageSid twice is one message', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const sid = `SM${'7'.repeat(32)}`;
    await saysAndSettles(buyer, 'Y', sid);
    // As a redelivery of a text that was altered on the way would look: the id decides.
    await saysAndSettles(buyer, 'N', sid);
    await saysAndSettles(buyer, 'Y', sid);
    expect((await inboxOf(buyer)).map((row) => row.intent)).toEqual(['accept']);
    expect(answers(buyer)).toHaveLength(1);
    expect((await story.unlock(offer, buyer)).status).toBe('AWAITING_PAYMENT');
    const caused = await system.rows("SELECT 1 FROM events WHERE type LIKE 'reply.%' AND subject = $1", [
      `unlock:${(await story.unlock(offer, buyer)).id}`,
    ]);
    expect(caused).toHaveLength(1);
  });

  it('[F24] after DONE: the details again, free', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await story.buy(offer, buyer);
    await saysAndSettles(buyer, 'Y');
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.phone, buyer.phone]);
    const captures = system.sandbox.ledger.list({ operation: 'payment.capture' });
    expect(captures.filter((entry) => entry.seq > story.reveals(offer)[0]!.seq)).toEqual([]);
    expect((await story.unlock(offer, buyer)).status).toBe('DONE');
  });

  it('[F24] after the offer ended: "no longer available" and why, and no link', async () => {
    const buyer = await story.buyer();
    const brief = await story.offer([buyer], { ttl_hours: 2 / 3600 });
    await story.reaches(brief, buyer, 'EXPIRED', 'ttl');
    await saysAndSettles(buyer, 'Y');
    const declined = await story.offer([buyer]);
    await saysAndSettles(buyer, 'N');
    await saysAndSettles(buyer, `Y ${declined.leadId}`);
    expect(answers(buyer)).toEqual([
      `${buyer.name}, lead ${brief.leadId} is no longer available: the offer has ended.`,
      `${buyer.name}, lead ${declined.leadId} is no longer available: you skipped it.`,
    ]);
    expect((await story.unlock(declined, buyer)).status).toBe('EXPIRED');
  });

  it('[F24] a bare Y with three open offers means the newest, and the answer says how many others wait', async () => {
    const buyer = await story.buyer();
    const offers = [
      await story.offer([buyer]),
      await story.offer([buyer]),
      await story.offer([buyer]),
    ] as const;
    await saysAndSettles(buyer, 'Y');
    expect(answers(buyer)[0]).toContain(
      `(Lead ${offers[2].leadId})\n2 other offers are open: reply Y with a lead number.`,
    );
    await saysAndSettles(buyer, `Y ${offers[0].leadId}`);
    expect(answers(buyer)[1]).toContain(`(Lead ${offers[0].leadId})`);
    const states = await Promise.all(offers.map(async (offer) => (await story.unlock(offer, buyer)).status));
    expect(states).toEqual(['AWAITING_PAYMENT', 'AWAIT_CONFIRM', 'AWAITING_PAYMENT']);
  });

  it('[F24] a Y that overtakes our own booking of the teaser still gets its link', async () => {
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

describe('anything but yes', () => {
  it('N ends the offer without an answer, and without touching another', async () => {
    const buyer = await story.buyer();
    const [older, newer] = [await story.offer([buyer]), await story.offer([buyer])];
    await saysAndSettles(buyer, `N ${older.leadId}`);
    expect(await story.unlock(older, buyer)).toMatchObject({ status: 'EXPIRED', reason: 'declined' });
    expect((await story.unlock(newer, buyer)).status).toBe('AWAIT_CONFIRM');
    expect(answers(buyer)).toEqual([]);
  });

  it('N at the till closes the session', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { session } = await story.checkout(offer, buyer);
    await saysAndSettles(buyer, 'No thanks');
    expect(await story.unlock(offer, buyer)).toMatchObject({ status: 'EXPIRED', reason: 'declined' });
    expect(() => system.sandbox.act.pay(session)).toThrow('This Checkout Session is expired.');
  });

  it('unclear texts get one help text a day, and buy nothing', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    for (const text of ['Y or N?', 'how much is it', '🤔🤔']) await saysAndSettles(buyer, text);
    expect(answers(buyer)).toEqual([
      `Sorry, we did not understand. Reply Y to unlock lead ${offer.leadId}, N to skip, STOP to opt out. Contact: help@gold-touch.example`,
    ]);
    expect((await inboxOf(buyer)).map((row) => row.intent)).toEqual(['unclear', 'unclear', 'unclear']);
    expect((await story.unlock(offer, buyer)).status).toBe('AWAIT_CONFIRM');
  });

  it('HELP is answered with who we are and a contact, and the offer stands', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await saysAndSettles(buyer, 'Help');
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
  ])('a tapback quotes our own text and is no answer (%#)', async (tapback) => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await saysAndSettles(buyer, tapback(story.texts(buyer)[0]?.text ?? ''));
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
  ])('emoji only: %s', async (emoji, status) => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    await saysAndSettles(buyer, emoji);
    expect((await story.unlock(offer, buyer)).status).toBe(status);
  });

  it('a text from a number we never offered anything waits for the operator, sealed and unanswered', async () => {
    const stranger = { externalId: 'nobody', name: 'Nobody', phone: '+13055550199', email: null };
    await saysAndSettles(stranger, 'Y, my name is Zebulon');
    const [row] = await inboxOf(stranger);
    expect(row).toMatchObject({ intent: 'accept', needs_operator: true, unlock_id: null });
    expect(row!.body).not.toContain('Zebulon');
    expect(system.runtime.vault.open(row!.body)).toBe('Y, my name is Zebulon');
    expect(story.texts(stranger)).toEqual([]);
  });

  it('a lead offered to somebody else cannot be bought by its number', async () => {
    const [owner, other] = (await story.buyers(2)) as [Buyer, Buyer];
    const offer = await story.offer([owner]);
    await saysAndSettles(other, `Y ${offer.leadId}`);
    expect((await inboxOf(other)).map((row) => [row.needs_operator, row.unlock_id])).toEqual([[true, null]]);

    const own = await story.offer([other]);
    await saysAndSettles(other, `Y ${offer.leadId}`);
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
    '[F17] refused at the teaser, %s: its offer ends, it is remembered, the others hear theirs',
    async (_what, code, status, reason) => {
      const [dead, alive] = (await story.buyers(2)) as [Buyer, Buyer];
      system.sandbox.act.phone(dead.phone, { refuse: code });
      const offer = await story.lead([dead, alive]);
      await story.reaches(offer, dead, status, reason);
      await story.reaches(offer, alive, 'AWAIT_CONFIRM');
      await story.settled();
      const tries = () => system.sandbox.ledger.list({ operation: 'message.create', to: dead.phone }).length;
      expect(tries()).toBe(1);

      // Remembered: the carrier is not asked a second time, even when it would take it now.
      system.sandbox.act.phone(dead.phone, { refuse: null });
      const next = await story.lead([dead, alive]);
      await story.reaches(next, alive, 'AWAIT_CONFIRM');
      await story.settled();
      expect(tries()).toBe(1);
      expect(await system.rows('SELECT 1 FROM outbox WHERE parked_at IS NOT NULL')).toEqual([]);
    },
  );

  it('[F17] a carrier that finds out later: a landline ends the offer, a handset that is off does not', async () => {
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

  it('[F17] the details cannot be texted after they were paid for: they come by e-mail, and on the page', async () => {
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

it('our books are Stripe’s own to the cent, and no details went out unpaid', () =>
  expectBooksToMatch(system));
