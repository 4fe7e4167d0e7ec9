import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveAlert } from '../../src/db/transport/attention.ts';
import { paymentReported } from '../../src/usecases/payment/reconcile.ts';
import { type Buyer, expectBooksToMatch, type Offer, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

const operator = 'operator@gold-touch.example';
let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem({ env: { ALERT_EMAIL: operator }, sandbox: { retryDelaysMs: [100, 200] } });
  story = system.story;
});
afterAll(() => system.stop());

/** A buyer with an open Checkout Session. */
async function openSale(): Promise<{
  buyer: Buyer;
  offer: Offer;
  page: string;
  session: string;
  unlockId: string;
}> {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { page, session } = await story.checkout(offer, buyer);
  const { id: unlockId } = await story.unlock(offer, buyer);
  return { buyer, offer, page, session, unlockId };
}

const paymentsOf = (unlockId: string) =>
  system.rows<{ kept: boolean; refunded_minor: number }>(
    'SELECT kept, refunded_minor FROM payments WHERE unlock_id = $1 ORDER BY kept DESC',
    [unlockId],
  );

const flaggedAt = async (buyer: Buyer) =>
  (
    await system.rows<{ flagged_at: Date | null }>('SELECT flagged_at FROM buyers WHERE external_id = $1', [
      buyer.externalId,
    ])
  )[0]!.flagged_at;

/** All of Stripe's events about these objects. */
async function stripeEvents(...objectIds: string[]): Promise<{ id: string; type: string }[]> {
  const answer = await fetch(`${system.sandbox.url}/v1/events?limit=100`, {
    headers: { authorization: 'Bearer sk_test_sandbox' },
  });
  const { data } = (await answer.json()) as {
    data: { id: string; type: string; data: { object: { id: string } } }[];
  };
  return data.filter((event) => objectIds.includes(event.data.object.id));
}

async function expectOneSale({
  offer,
  buyer,
  unlockId,
}: {
  offer: Offer;
  buyer: Buyer;
  unlockId: string;
}): Promise<void> {
  expect(story.reveals(offer).map((entry) => entry.to)).toEqual([buyer.phone]);
  expect((await story.moves(offer, buyer)).filter((to) => to === 'PAID')).toEqual(['PAID']);
  expect(await paymentsOf(unlockId)).toEqual([{ kept: true, refunded_minor: 0 }]);
  expect(await story.parked(unlockId)).toEqual([]);
  expect(await story.alerts(unlockId)).toEqual([]);
}

describe('webhooks repeated and out of order', () => {
  it('[F18] 50 copies of one event at once, then every related event 50 times: one sale, one reveal', async () => {
    const sale = await openSale();
    const duplicates = system.sandbox.fault({
      vendor: 'stripe',
      kind: 'webhook_duplicate',
      event: 'checkout.session.completed',
      copies: 49,
    });
    const { paymentIntent } = system.sandbox.act.pay(sale.session);
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    system.sandbox.clearFaults(duplicates.id);
    const related = await stripeEvents(sale.session, paymentIntent.id);
    expect(related.map((event) => event.type).sort()).toEqual([
      'checkout.session.completed',
      'payment_intent.created',
      'payment_intent.succeeded',
    ]);
    for (const { id } of related) for (let i = 0; i < 50; i += 1) system.sandbox.act.resend(id);
    await story.settled();

    const hooks = system.sandbox.webhooks.list({ vendor: 'stripe', objectId: sale.session });
    expect(hooks.flatMap((hook) => hook.attempts).filter((attempt) => attempt.status === 200)).toHaveLength(
      100,
    );
    await expectOneSale(sale);
    const stored = await system.rows(
      "SELECT 1 FROM inbox WHERE source = 'stripe' AND external_id = ANY($1)",
      [related.map((e) => e.id)],
    );
    expect(stored, 'nothing follows from events of the payment intent').toHaveLength(1);
  });

  it('[F18] events delivered in reverse order: one sale, one reveal', async () => {
    const sale = await openSale();
    const fault = system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    system.sandbox.act.pay(sale.session);
    system.sandbox.clearFaults(fault.id);
    const delivered = await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' }, true);
    expect(delivered.map((hook) => hook.event)).toEqual([
      'checkout.session.completed',
      'payment_intent.succeeded',
    ]);
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    await expectOneSale(sale);
  });

  it('[F18] the expiry of an earlier session reported after its successor was paid changes nothing', async () => {
    const sale = await openSale();
    const fault = system.sandbox.fault({
      vendor: 'stripe',
      kind: 'webhook_withhold',
      event: 'checkout.session.expired',
    });
    system.sandbox.act.expire(sale.session);
    await system.until(
      'the earlier session to expire',
      'SELECT state FROM checkout_sessions WHERE id = $1',
      [sale.session],
      (row?: { state: string }) => row?.state === 'expired',
    );
    const successor = await story.session(sale.page);
    expect(successor).not.toBe(sale.session);
    system.sandbox.act.pay(successor);
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    system.sandbox.clearFaults(fault.id);
    expect(await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' })).toHaveLength(1);
    await story.settled();
    expect((await story.unlock(sale.offer, sale.buyer)).status).toBe('DONE');
    await expectOneSale(sale);
  });

  it('[F18] a refund reported before its payment: nothing is revealed, and the buyer can pay again', async () => {
    const sale = await openSale();
    const fault = system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    const { paymentIntent } = system.sandbox.act.pay(sale.session);
    system.sandbox.act.refund(paymentIntent.id);
    system.sandbox.clearFaults(fault.id);
    await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' }, true);
    await system.text(sale.buyer.phone, 'was refunded in full');
    await story.settled();
    expect(story.reveals(sale.offer)).toEqual([]);
    expect(await paymentsOf(sale.unlockId)).toEqual([{ kept: false, refunded_minor: 2000 }]);
    expect((await story.unlock(sale.offer, sale.buyer)).status).toBe('AWAITING_PAYMENT');

    system.sandbox.act.pay(await story.session(sale.page));
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    expect(story.reveals(sale.offer)).toHaveLength(1);
  });

  it('[F18] two sessions of one unlock paid at the same moment: one charge is kept, the other refunded in full', async () => {
    const sale = await openSale();
    const other = await system.runtime.payments.createCheckout({
      idempotencyKey: `second-${sale.unlockId}`,
      amount: 2000,
      currency: 'usd',
      description: 'a second session for the same lead',
      expiresAt: new Date(Date.now() + 3_600_000),
      successUrl: sale.page,
      cancelUrl: sale.page,
      metadata: { kind: 'unlock', unlock_id: sale.unlockId, lead_id: sale.offer.leadId },
    });
    const slow = system.sandbox.fault({
      vendor: 'stripe',
      kind: 'latency',
      path: '/v1/payment_intents',
      ms: 150,
      count: 2,
    });
    for (const session of [sale.session, other.id]) system.sandbox.act.pay(session);
    const notice = await system.text(sale.buyer.phone, 'was refunded in full');
    expect(notice.text).toContain('you had already paid for it');
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    await story.settled();
    system.sandbox.clearFaults(slow.id);

    expect(await paymentsOf(sale.unlockId)).toEqual([
      { kept: true, refunded_minor: 0 },
      { kept: false, refunded_minor: 2000 },
    ]);
    const refunds = system.sandbox.ledger.list({ operation: 'refund.create', accepted: true });
    expect(refunds.slice(-1).map((entry) => entry.amount)).toEqual([2000]);
    expect(story.reveals(sale.offer)).toHaveLength(1);
    expect(await flaggedAt(sale.buyer)).toBeNull();
  });
});

describe('delayed payment methods', () => {
  it('[F19] a completed but unpaid session waits, and a later success reveals', async () => {
    const sale = await openSale();
    expect(system.sandbox.act.pay(sale.session, { method: 'delayed' }).paid).toBe(false);
    await system.sandbox.webhooks.wait({
      vendor: 'stripe',
      event: 'checkout.session.completed',
      objectId: sale.session,
    });
    await story.settled();
    expect((await story.unlock(sale.offer, sale.buyer)).status).toBe('AWAITING_PAYMENT');
    expect(story.reveals(sale.offer)).toEqual([]);

    system.sandbox.act.settle(sale.session, 'succeeded');
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    await expectOneSale(sale);
  });

  it('[F19] a later failure reveals nothing, and the buyer can pay with a new session', async () => {
    const sale = await openSale();
    system.sandbox.act.pay(sale.session, { method: 'delayed' });
    system.sandbox.act.settle(sale.session, 'failed');
    await system.sandbox.webhooks.wait({
      vendor: 'stripe',
      event: 'checkout.session.async_payment_failed',
      objectId: sale.session,
    });
    await story.settled();
    expect((await story.unlock(sale.offer, sale.buyer)).status).toBe('AWAITING_PAYMENT');
    expect(story.reveals(sale.offer)).toEqual([]);

    const successor = await story.session(sale.page);
    expect(successor).not.toBe(sale.session);
    system.sandbox.act.pay(successor);
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    await expectOneSale(sale);
  });
});

describe('a payment that differs from the order', () => {
  it.each([
    ['less money', 'amount', { amount: 1999 }],
    ['more money', 'amount', { amount: 2001 }],
    ['another currency', 'currency', { currency: 'eur' }],
    ['live mode', 'livemode', { livemode: true }],
    ['no metadata', 'metadata', { metadata: {} }],
    ['metadata of another kind', 'metadata', { metadata: { kind: 'subscription' } }],
  ])('[F22] %s: quarantined, the operator alerted, nothing revealed', async (_what, reason, difference) => {
    const sale = await openSale();
    system.sandbox.act.pay(sale.session, difference);
    await expectQuarantine(sale, reason);
  });

  it("[F22] metadata that names another buyer's unlock: quarantined, neither unlock is revealed", async () => {
    const [sale, other] = [await openSale(), await openSale()];
    system.sandbox.act.pay(sale.session, { metadata: { kind: 'unlock', unlock_id: other.unlockId } });
    await expectQuarantine(sale, 'metadata');
    expect(story.reveals(other.offer)).toEqual([]);
    expect((await story.unlock(other.offer, other.buyer)).status).toBe('AWAITING_PAYMENT');
  });

  async function expectQuarantine(sale: Awaited<ReturnType<typeof openSale>>, reason: string): Promise<void> {
    const mail = await system.sandbox.waitFor(
      (entry) =>
        entry.operation === 'mail.send' && entry.to === operator && (entry.text ?? '').includes(sale.session),
    );
    expect(mail.text).toContain(`its ${reason} is not what was asked for`);
    await story.settled();
    const alerts = await system.rows<{ kind: string }>('SELECT kind FROM alerts WHERE text LIKE $1', [
      `%${sale.session}%`,
    ]);
    expect(alerts).toEqual([{ kind: 'payment_rejected' }]);
    expect(story.reveals(sale.offer)).toEqual([]);
    expect(await paymentsOf(sale.unlockId)).toEqual([]);
    expect((await story.unlock(sale.offer, sale.buyer)).status).toBe('AWAITING_PAYMENT');
    const page = await story.reads(sale.page);
    expect(page).toContain('You do not need to pay again');
    expect(page).not.toContain(sale.offer.secret);
    expect((await story.press(sale.page)).session).toBeNull();
  }

  it('[F22] the operator who resolves the alert lets the buyer pay again, and a repeat of the report holds nothing', async () => {
    const sale = await openSale();
    system.sandbox.act.pay(sale.session, { amount: 1999 });
    await expectQuarantine(sale, 'amount');
    const [alert] = await system.rows<{ id: string; organization: string }>(
      'SELECT id, organization_id AS organization FROM alerts WHERE key = $1',
      [`quarantined-${sale.session}`],
    );
    expect(await resolveAlert(system.runtime.db, null, alert!.id)).toEqual([{ id: alert!.id }]);
    await system.runtime.relay.commit({
      events: [paymentReported(sale.unlockId, sale.session, alert!.organization)],
    });
    await story.settled();
    expect(await story.reads(sale.page)).not.toContain('You do not need to pay again');
    const { session } = await story.press(sale.page);
    expect(session).not.toBeNull();
    expect(session).not.toBe(sale.session);
    system.sandbox.act.pay(session!);
    await story.reaches(sale.offer, sale.buyer, 'DONE');
  });
});

describe('refunds and disputes', () => {
  const entriesOf = (unlockId: string) =>
    system.rows<{ account: string; held: number }>(
      `SELECT split_part(e.account, ':', 1) AS account, sum(e.amount_minor)::int AS held FROM journal_entries e
        JOIN journals j ON j.id = e.journal_id JOIN payments p ON j.key LIKE '%-' || p.id || '%'
        WHERE p.unlock_id = $1 GROUP BY 1 HAVING sum(e.amount_minor) <> 0 ORDER BY 1`,
      [unlockId],
    );

  it('[F23] refunds from the dashboard after the reveal: booked to the cent, buyer flagged, operator alerted, unlock stays DONE', async () => {
    const sale = await openSale();
    const { paymentIntent } = system.sandbox.act.pay(sale.session);
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    expect(await entriesOf(sale.unlockId)).toEqual([
      { account: 'sales', held: -2000 },
      { account: 'stripe', held: 2000 },
    ]);
    system.sandbox.act.refund(paymentIntent.id, { amount: 501 });
    await system.until(
      'the partial refund',
      'SELECT refunded_minor FROM payments WHERE unlock_id = $1',
      [sale.unlockId],
      (row?: { refunded_minor: number }) => row?.refunded_minor === 501,
    );
    expect(await entriesOf(sale.unlockId)).toEqual([
      { account: 'sales', held: -1499 },
      { account: 'stripe', held: 1499 },
    ]);
    system.sandbox.act.refund(paymentIntent.id);
    await system.until(
      'the remaining refund',
      'SELECT refunded_minor FROM payments WHERE unlock_id = $1',
      [sale.unlockId],
      (row?: { refunded_minor: number }) => row?.refunded_minor === 2000,
    );
    await story.settled();
    expect(await entriesOf(sale.unlockId)).toEqual([]);
    expect((await story.alerts(sale.unlockId)).map((alert) => alert.kind)).toEqual([
      'payment_refunded',
      'payment_refunded',
    ]);
    expect(await flaggedAt(sale.buyer)).not.toBeNull();
    expect((await story.unlock(sale.offer, sale.buyer)).status).toBe('DONE');
    expect(story.reveals(sale.offer)).toHaveLength(1);
  });

  it('[F23] a dispute after the reveal, reported five times: booked once, buyer flagged, operator alerted once, unlock stays DONE', async () => {
    const sale = await openSale();
    const { paymentIntent } = system.sandbox.act.pay(sale.session);
    await story.reaches(sale.offer, sale.buyer, 'DONE');
    const dispute = system.sandbox.act.dispute(paymentIntent.id);
    system.sandbox.act.dispute(paymentIntent.id, { status: 'lost' });
    for (const { id } of await stripeEvents(dispute.id))
      for (let i = 0; i < 2; i += 1) system.sandbox.act.resend(id);
    await system.sandbox.waitFor(
      (entry) =>
        entry.to === operator && (entry.text ?? '').includes(`${sale.buyer.name} disputes a payment`),
    );
    await story.settled();
    expect((await story.alerts(sale.unlockId)).map((alert) => alert.kind)).toEqual(['payment_disputed']);
    expect(await flaggedAt(sale.buyer)).not.toBeNull();
    // Stripe took the money when the dispute was opened, and keeps it out when it is lost.
    expect(await entriesOf(sale.unlockId)).toEqual([]);
    expect(
      await system.rows(
        'SELECT kept, disputed_minor AS disputed, withdrawn_minor AS withdrawn FROM payments WHERE unlock_id = $1',
        [sale.unlockId],
      ),
    ).toEqual([{ kept: true, disputed: 2000, withdrawn: 2000 }]);
    expect((await story.unlock(sale.offer, sale.buyer)).status).toBe('DONE');
  });

  it('[F23] a refund before the reveal: PAID becomes EXPIRED as refunded, and nothing is revealed', async () => {
    const sale = await openSale();
    const held = system.sandbox.fault({ vendor: 'twilio', kind: 'rate_limit', contains: sale.offer.secret });
    const { paymentIntent } = system.sandbox.act.pay(sale.session);
    await system.sandbox.waitFor(
      (entry) => entry.outcome === 'faulted' && (entry.text ?? '').includes(sale.offer.secret),
    );
    await story.reaches(sale.offer, sale.buyer, 'PAID');
    system.sandbox.act.refund(paymentIntent.id);
    await story.reaches(sale.offer, sale.buyer, 'EXPIRED', 'refunded');
    system.sandbox.clearFaults(held.id);
    await story.settled();
    expect(story.reveals(sale.offer)).toEqual([]);
    expect(await entriesOf(sale.unlockId)).toEqual([]);
    expect(await story.reads(sale.page)).toContain('refunded in full');
    expect(await story.details(sale.page)).not.toContain(sale.offer.secret);
    expect((await story.alerts(sale.unlockId)).map((alert) => alert.kind)).toEqual(['payment_refunded']);
  });
});

it("the journals match Stripe's ledger, and details were sent only after payment", () =>
  expectBooksToMatch(system));
