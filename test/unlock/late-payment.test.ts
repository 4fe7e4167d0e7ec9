import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, expectBooksToMatch, type Offer, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

/** Two seconds, the shortest TTL the sandbox allows. */
const shortTtl = { ttl_hours: 2 / 3600 };

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  // The reconciler does not run during these tests, so that each step under test finds the payment itself.
  system = await startSystem({ timings: { reconcileAfterMs: 600_000, reconcileEveryMs: 600_000 } });
  story = system.story;
});
afterAll(() => system.stop());

/** An offer that has ended while its session is still open, because Stripe refuses to expire it. */
async function endedButPayable(
  buyer: Buyer,
  offer: Offer,
  end: () => Promise<unknown>,
): Promise<{ session: string; page: string; allowExpiry(): void }> {
  const { session, page } = await story.checkout(offer, buyer);
  const slow = system.sandbox.fault({ vendor: 'stripe', kind: 'rate_limit', path: `/${session}/expire` });
  await end();
  await story.reaches(offer, buyer, 'EXPIRED');
  await system.sandbox.waitFor(
    (entry) => entry.outcome === 'faulted' && entry.operation === 'checkout.session.expire',
  );
  return { session, page, allowExpiry: () => system.sandbox.clearFaults(slow.id) };
}

const refundsOf = (intent: string) =>
  system.sandbox.ledger.list({ operation: 'refund.create', reference: intent, accepted: true });

describe('paid after the offer ended, while the lead can still be sold', () => {
  it.each([
    ['its TTL passed', shortTtl, 'ttl', () => Promise.resolve()],
    [
      'it was declined',
      {},
      'declined',
      async (offer: Offer, buyer: Buyer) => story.says(buyer, `N ${offer.leadId}`),
    ],
  ] as const)(
    '[F20] %s: the lead is sold late and revealed, and the charge kept',
    async (_what, config, reason, end) => {
      const buyer = await story.buyer();
      const offer = await story.offer([buyer], config);
      const { session, page, allowExpiry } = await endedButPayable(buyer, offer, () => end(offer, buyer));
      expect((await story.unlock(offer, buyer)).reason).toBe(reason);
      const { paymentIntent } = system.sandbox.act.pay(session);
      const { paid_late } = await story.reaches(offer, buyer, 'DONE');
      expect(paid_late).toBe(true);
      allowExpiry();
      await story.settled();
      expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.phone]);
      expect(refundsOf(paymentIntent.id)).toEqual([]);
      expect((await story.moves(offer, buyer)).slice(-4)).toEqual([
        'EXPIRED',
        'PAID',
        'REVEAL_DETAILS_SENT',
        'DONE',
      ]);
      expect(await story.details(page)).toContain(offer.secret);
    },
  );

  it('[F20] the last free slot of a lead with a sales limit is sold late', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer], { ...shortTtl, max_sales: 1 });
    const { session, allowExpiry } = await endedButPayable(buyer, offer, () => Promise.resolve());
    system.sandbox.act.pay(session);
    await story.reaches(offer, buyer, 'DONE');
    allowExpiry();
    expect(
      await system.rows('SELECT slot FROM sold_slots WHERE unlock_id = $1', [
        (await story.unlock(offer, buyer)).id,
      ]),
    ).toEqual([{ slot: 1 }]);
  });

  it('[F20] [F21] paid just before the offer ends, webhook lost: expiring the session finds the payment', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer], shortTtl);
    const { session } = await story.checkout(offer, buyer);
    const lost = system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    system.sandbox.act.pay(session);
    await story.reaches(offer, buyer, 'DONE');
    system.sandbox.clearFaults(lost.id);
    expect((await story.moves(offer, buyer)).slice(-4)).toEqual([
      'EXPIRED',
      'PAID',
      'REVEAL_DETAILS_SENT',
      'DONE',
    ]);
    await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' });
    await story.settled();
    expect(story.reveals(offer)).toHaveLength(1);
  });
});

describe('paid after the lead was sold out', () => {
  it('[F20] the payment is refunded in full, nothing is revealed, and the buyer is notified by text and on the page', async () => {
    const [winner, late] = (await story.buyers(2)) as [Buyer, Buyer];
    const offer = await story.offer([winner, late], { max_sales: 1 });
    const { session, page, allowExpiry } = await endedButPayable(late, offer, () => story.buy(offer, winner));
    expect((await story.unlock(offer, late)).reason).toBe('sold_out');
    const { paymentIntent } = system.sandbox.act.pay(session);

    const notice = await system.text(late.phone, 'was refunded in full');
    expect(notice.text).toContain('the lead is no longer available');
    allowExpiry();
    await story.settled();
    expect(refundsOf(paymentIntent.id).map((entry) => entry.amount)).toEqual([2000]);
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([winner.phone]);
    expect((await story.unlock(offer, late)).status).toBe('EXPIRED');
    expect(await story.reads(page)).toContain('Your payment was refunded in full.');
    expect(await story.details(page)).not.toContain(offer.secret);
  });

  it('[F20] a refund that Stripe fails at first is retried and made once', async () => {
    const [winner, late] = (await story.buyers(2)) as [Buyer, Buyer];
    const offer = await story.offer([winner, late], { max_sales: 1 });
    const { session, allowExpiry } = await endedButPayable(late, offer, () => story.buy(offer, winner));
    const failing = [
      system.sandbox.fault({ vendor: 'stripe', kind: 'error', path: '/v1/refunds', count: 2 }),
      system.sandbox.fault({ vendor: 'stripe', kind: 'error_after', path: '/v1/refunds', count: 1 }),
    ];
    const { paymentIntent } = system.sandbox.act.pay(session);
    await system.text(late.phone, 'was refunded in full');
    allowExpiry();
    await story.settled();
    for (const { id } of failing) system.sandbox.clearFaults(id);
    expect(refundsOf(paymentIntent.id).map((entry) => entry.amount)).toEqual([2000]);
    const attempts = system.sandbox.ledger
      .list({ operation: 'refund.create' })
      .filter((entry) => entry.params.payment_intent === paymentIntent.id);
    expect(new Set(attempts.map((entry) => entry.idempotencyKey))).toEqual(
      new Set([`refund-${paymentIntent.id}`]),
    );
    const outcomes = attempts.map((entry) => entry.outcome);
    expect(outcomes.slice(0, 3)).toEqual(['faulted', 'faulted', 'accepted_answer_lost']);
    expect(outcomes.slice(3).every((outcome) => outcome === 'replayed')).toBe(true);
    expect(story.texts(late).filter((entry) => entry.text?.includes('refunded'))).toHaveLength(1);
    expect(story.reveals(offer).map((entry) => entry.to)).toEqual([winner.phone]);
  });
});

it("the journals match Stripe's ledger, and details were sent only after payment", () =>
  expectBooksToMatch(system));
