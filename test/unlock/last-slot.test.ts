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

/** Every buyer stands at the till, and all cards go through at the same moment. */
async function payAtOnce(offer: Offer, buyers: Buyer[]): Promise<void> {
  const tills: { session: string }[] = [];
  for (const buyer of buyers) tills.push(await story.checkout(offer, buyer));
  // Each payment is looked up slowly: all of them have read the free slot before the first one takes it.
  const slow = system.sandbox.fault({
    vendor: 'stripe',
    kind: 'latency',
    path: '/v1/payment_intents',
    ms: 250,
    count: buyers.length,
  });
  for (const { session } of tills) system.sandbox.act.pay(session);
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
  ['two buyers for one slot', 2, 1],
  ['five buyers for two slots', 5, 2],
])(
  '[F25] %s, all paid at the same moment: as many winners as slots, the others refunded and told',
  async (_what, count, slots) => {
    const buyers = await story.buyers(count);
    const offer = await story.offer(buyers, { max_sales: slots });
    await payAtOnce(offer, buyers);

    const ends = await Promise.all(
      buyers.map(async (buyer) => ({ buyer, ...(await story.unlock(offer, buyer)) })),
    );
    const winners = ends.filter((end) => end.status === 'DONE').map((end) => end.buyer);
    const losers = ends
      .filter((end) => end.status === 'EXPIRED' && end.reason === 'sold_out')
      .map((end) => end.buyer);
    expect([winners.length, losers.length]).toEqual([slots, count - slots]);
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
    for (const loser of losers) {
      expect(story.texts(loser).filter((entry) => entry.text?.includes('was refunded in full'))).toHaveLength(
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

it('[F25] the last slot is sold: who stood at the till is told and its session closed, who only had the teaser is not bothered', async () => {
  const [winner, atTheTill, withLink, teased] = (await story.buyers(4)) as [Buyer, Buyer, Buyer, Buyer];
  const offer = await story.offer([winner, atTheTill, withLink, teased], { max_sales: 1 });
  const { page, session } = await story.checkout(offer, atTheTill);
  const link = await story.link(offer, withLink);
  await story.buy(offer, winner);
  for (const buyer of [atTheTill, withLink, teased]) await story.reaches(offer, buyer, 'EXPIRED', 'sold_out');
  await story.settled();

  const told = (buyer: Buyer) =>
    story.texts(buyer).filter((entry) => entry.text?.includes('is no longer available: it has been sold'));
  expect([atTheTill, withLink, teased].map((buyer) => told(buyer).length)).toEqual([1, 1, 0]);
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

it('our books are Stripe’s own to the cent, and no details went out unpaid', () =>
  expectBooksToMatch(system));
