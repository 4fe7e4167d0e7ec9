import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, expectBooksToMatch, type Offer, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem();
  story = system.story;
});
afterAll(() => system.stop());

/** All buyers open a Checkout Session, and all cards are charged at the same moment. */
async function payAllAtOnce(offer: Offer, buyers: Buyer[]): Promise<void> {
  const checkouts: { session: string }[] = [];
  for (const buyer of buyers) checkouts.push(await story.checkout(offer, buyer));
  // Fetching a payment is slow, so that all runs have read the free slot before the first one takes it.
  const slow = system.sandbox.fault({
    vendor: 'stripe',
    kind: 'latency',
    path: '/v1/payment_intents',
    ms: 250,
    count: buyers.length,
  });
  for (const { session } of checkouts) system.sandbox.act.pay(session);
  await system.until<{ status: string }>(
    'all to end',
    `SELECT u.status FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1`,
    [offer.leadId],
    (_first, all) => all.every((row) => ['DONE', 'EXPIRED'].includes(row.status)),
  );
  await story.settled();
  system.sandbox.clearFaults(slow.id);
}

it.each([
  ['two buyers of one slot', 2, 1],
  ['five buyers of two slots', 5, 2],
])(
  '[F25] %s paid at the same moment: the slots are sold once each, the other buyers are refunded and notified',
  async (_what, count, slots) => {
    const buyers = await story.buyers(count);
    const offer = await story.offer(buyers, { max_sales: slots });
    await payAllAtOnce(offer, buyers);

    const ends = await Promise.all(
      buyers.map(async (buyer) => ({ buyer, ...(await story.unlock(offer, buyer)) })),
    );
    const winners = ends.filter((end) => end.status === 'DONE').map((end) => end.buyer);
    const refunded = ends
      .filter((end) => end.status === 'EXPIRED' && end.reason === 'sold_out')
      .map((end) => end.buyer);
    expect([winners.length, refunded.length]).toEqual([slots, count - slots]);
    const sold = await system.rows<{ slot: number }>(
      'SELECT s.slot FROM sold_slots s JOIN leads l ON l.id = s.lead_id WHERE l.public_id = $1 ORDER BY slot',
      [offer.leadId],
    );
    expect(sold.map((row) => row.slot)).toEqual(Array.from({ length: slots }, (_, n) => n + 1));

    expect(
      story
        .reveals(offer)
        .map((entry) => entry.to)
        .sort(),
    ).toEqual(winners.map((buyer) => buyer.phone).sort());
    for (const buyer of refunded) {
      expect(story.texts(buyer).filter((entry) => entry.text?.includes('was refunded in full'))).toHaveLength(
        1,
      );
    }
    const refunds = await Promise.all(
      ends.map(async (end) => {
        const [payment] = await system.rows<{ payment_intent: string }>(
          'SELECT payment_intent FROM payments WHERE unlock_id = $1',
          [end.id],
        );
        return system.sandbox.ledger
          .list({ operation: 'refund.create', reference: payment!.payment_intent, accepted: true })
          .map((e) => e.amount);
      }),
    );
    expect(refunds).toEqual(ends.map((end) => (end.status === 'DONE' ? [] : [2000])));
  },
);

it('[F25] the last slot is sold: a buyer with a session or link is notified and the session expired; a buyer with only the teaser gets no text', async () => {
  const [winner, withSession, withLink, teased] = (await story.buyers(4)) as [Buyer, Buyer, Buyer, Buyer];
  const offer = await story.offer([winner, withSession, withLink, teased], { max_sales: 1 });
  const { page, session } = await story.checkout(offer, withSession);
  const link = await story.link(offer, withLink);
  await story.buy(offer, winner);
  for (const buyer of [withSession, withLink, teased])
    await story.reaches(offer, buyer, 'EXPIRED', 'sold_out');
  await story.settled();

  const notified = (buyer: Buyer) =>
    story.texts(buyer).filter((entry) => entry.text?.includes('is no longer available: it has been sold'));
  expect([withSession, withLink, teased].map((buyer) => notified(buyer).length)).toEqual([1, 1, 0]);
  expect(
    system.sandbox.ledger.list({ operation: 'checkout.session.expire', vendorId: session, accepted: true }),
  ).toHaveLength(1);
  expect(() => system.sandbox.act.pay(session)).toThrow('This Checkout Session is expired.');
  for (const closed of [page, link]) {
    expect(await story.reads(closed)).toContain('sold to others');
    expect(await story.press(closed)).toEqual({ status: 303, session: null, back: new URL(closed).pathname });
  }
  story.says(teased, 'Y');
  await system.text(teased.phone, 'it has been sold');
  await story.settled();
  expect(story.reveals(offer).map((entry) => entry.to)).toEqual([winner.phone]);
});

it("the journals match Stripe's ledger, and details were sent only after payment", () =>
  expectBooksToMatch(system));
