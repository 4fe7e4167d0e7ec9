import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** A buyer with a session at Stripe that only waits for the card. */
async function atTheTill(): Promise<{
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

/** Every event Stripe has of these objects. */
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

describe('one payment, however often and in whatever order Stripe tells of it', () => {
  it('[F18] the same event 50 times at the same moment, then all related events 50 times more: one unlock, one reveal', async () => {
    const till = await atTheTill();
    const storm = system.sandbox.fault({
      vendor: 'stripe',
      kind: 'webhook_duplicate',
      event: 'checkout.session.completed',
      copies: 49,
    });
    const { paymentIntent } = system.sandbox.act.pay(till.session);
    await story.reaches(till.offer, till.buyer, 'DONE');
    system.sandbox.clearFaults(storm.id);
    const related = await stripeEvents(till.session, paymentIntent.id);
    expect(related.map((event) => event.type).sort()).toEqual([
      'checkout.session.completed',
      'payment_intent.succeeded',
    ]);
    for (const { id } of related) for (let i = 0; i < 50; i += 1) system.sandbox.act.resend(id);
    await story.settled();

    const hooks = system.sandbox.webhooks.list({ vendor: 'stripe', objectId: till.session });
    expect(hooks.flatMap((hook) => hook.attempts).filter((attempt) => attempt.status === 200)).toHaveLength(
      100,
    );
    await expectOneSale(till);
    const stored = await system.rows(
      "SELECT 1 FROM inbox WHERE source = 'stripe' AND external_id = ANY($1)",
      [related.map((e) => e.id)],
    );
    expect(stored).toHaveLength(2);
  });

  it('[F18] newest first: withheld and delivered in reverse, one unlock, one reveal', async () => {
    const till = await atTheTill();
    const fault = system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    system.sandbox.act.pay(till.session);
    system.sandbox.clearFaults(fault.id);
    const delivered = await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' }, true);
    expect(delivered.map((hook) => hook.event)).toEqual([
      'checkout.session.completed',
      'payment_intent.succeeded',
    ]);
    await story.reaches(till.offer, till.buyer, 'DONE');
    await expectOneSale(till);
  });

  it('[F18] the end of a former session heard after its successor was paid takes nothing back', async () => {
    const till = await atTheTill();
    const fault = system.sandbox.fault({
      vendor: 'stripe',
      kind: 'webhook_withhold',
      event: 'checkout.session.expired',
    });
    system.sandbox.act.expire(till.session);
    await system.until(
      'the former to end',
      'SELECT state FROM checkout_sessions WHERE id = $1',
      [till.session],
      (row?: { state: string }) => row?.state === 'expired',
    );
    const successor = await story.session(till.page);
    expect(successor).not.toBe(till.session);
    system.sandbox.act.pay(successor);
    await story.reaches(till.offer, till.buyer, 'DONE');
    system.sandbox.clearFaults(fault.id);
    expect(await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' })).toHaveLength(1);
    await story.settled();
    expect((await story.unlock(till.offer, till.buyer)).status).toBe('DONE');
    await expectOneSale(till);
  });

  it('[F18] a refund heard of before the payment it takes back: nothing is revealed, and the buyer may pay anew', async () => {
    const till = await atTheTill();
    const fault = system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    const { paymentIntent } = system.sandbox.act.pay(till.session);
    system.sandbox.act.refund(paymentIntent.id);
    system.sandbox.clearFaults(fault.id);
    await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' }, true);
    await system.text(till.buyer.phone, 'was refunded in full');
    await story.settled();
    expect(story.reveals(till.offer)).toEqual([]);
    expect(await paymentsOf(till.unlockId)).toEqual([{ kept: false, refunded_minor: 2000 }]);
    expect((await story.unlock(till.offer, till.buyer)).status).toBe('AWAITING_PAYMENT');

    system.sandbox.act.pay(await story.session(till.page));
    await story.reaches(till.offer, till.buyer, 'DONE');
    expect(story.reveals(till.offer)).toHaveLength(1);
  });

  it('[F18] two sessions of one unlock paid at the same moment: one charge is kept, the other goes back in full', async () => {
    const till = await atTheTill();
    const other = await system.runtime.payments.createCheckout({
      idempotencyKey: `second-${till.unlockId}`,
      amount: 2000,
      currency: 'usd',
      description: 'the same lead once more',
      expiresAt: new Date(Date.now() + 3_600_000),
      successUrl: till.page,
      cancelUrl: till.page,
      metadata: { kind: 'unlock', unlock_id: till.unlockId, lead_id: till.offer.leadId },
    });
    const slow = system.sandbox.fault({
      vendor: 'stripe',
      kind: 'latency',
      path: '/v1/payment_intents',
      ms: 150,
      count: 2,
    });
    for (const session of [till.session, other.id]) system.sandbox.act.pay(session);
    const told = await system.text(till.buyer.phone, 'was refunded in full');
    expect(told.text).toContain('you had already paid for it');
    await story.reaches(till.offer, till.buyer, 'DONE');
    await story.settled();
    system.sandbox.clearFaults(slow.id);

    expect(await paymentsOf(till.unlockId)).toEqual([
      { kept: true, refunded_minor: 0 },
      { kept: false, refunded_minor: 2000 },
    ]);
    const refunds = system.sandbox.ledger.list({ operation: 'refund.create', accepted: true });
    expect(refunds.slice(-1).map((entry) => entry.amount)).toEqual([2000]);
    expect(story.reveals(till.offer)).toHaveLength(1);
    expect(await flaggedAt(till.buyer)).toBeNull();
  });
});

describe('money that arrives later than the session completes', () => {
  it('[F19] completed but unpaid waits; the asynchronous success reveals', async () => {
    const till = await atTheTill();
    expect(system.sandbox.act.pay(till.session, { method: 'delayed' }).paid).toBe(false);
    await system.sandbox.webhooks.wait({
      vendor: 'stripe',
      event: 'checkout.session.completed',
      objectId: till.session,
    });
    await story.settled();
    expect((await story.unlock(till.offer, till.buyer)).status).toBe('AWAITING_PAYMENT');
    expect(story.reveals(till.offer)).toEqual([]);

    system.sandbox.act.settle(till.session, 'succeeded');
    await story.reaches(till.offer, till.buyer, 'DONE');
    await expectOneSale(till);
  });

  it('[F19] the asynchronous failure reveals nothing and lets the buyer pay with a new session', async () => {
    const till = await atTheTill();
    system.sandbox.act.pay(till.session, { method: 'delayed' });
    system.sandbox.act.settle(till.session, 'failed');
    await system.sandbox.webhooks.wait({
      vendor: 'stripe',
      event: 'checkout.session.async_payment_failed',
      objectId: till.session,
    });
    await story.settled();
    expect((await story.unlock(till.offer, till.buyer)).status).toBe('AWAITING_PAYMENT');
    expect(story.reveals(till.offer)).toEqual([]);

    const successor = await story.session(till.page);
    expect(successor).not.toBe(till.session);
    system.sandbox.act.pay(successor);
    await story.reaches(till.offer, till.buyer, 'DONE');
    await expectOneSale(till);
  });
});

describe('a payment that is not what was asked for', () => {
  it.each([
    ['less money', 'amount', { amount: 1999 }],
    ['more money', 'amount', { amount: 2001 }],
    ['another currency', 'currency', { currency: 'eur' }],
    ['live mode', 'livemode', { livemode: true }],
    ['no metadata', 'metadata', { metadata: {} }],
    ['metadata of a foreign kind', 'metadata', { metadata: { kind: 'subscription' } }],
  ])('[F22] %s: quarantined, the operator told, nothing revealed', async (_what, reason, difference) => {
    const till = await atTheTill();
    system.sandbox.act.pay(till.session, difference);
    await expectQuarantine(till, reason);
  });

  it("[F22] metadata that names another buyer's unlock: neither is revealed", async () => {
    const [till, other] = [await atTheTill(), await atTheTill()];
    system.sandbox.act.pay(till.session, { metadata: { kind: 'unlock', unlock_id: other.unlockId } });
    await expectQuarantine(till, 'metadata');
    expect(story.reveals(other.offer)).toEqual([]);
    expect((await story.unlock(other.offer, other.buyer)).status).toBe('AWAITING_PAYMENT');
  });

  async function expectQuarantine(
    till: Awaited<ReturnType<typeof atTheTill>>,
    reason: string,
  ): Promise<void> {
    const mail = await system.sandbox.waitFor(
      (entry) =>
        entry.operation === 'mail.send' && entry.to === operator && (entry.text ?? '').includes(till.session),
    );
    expect(mail.text).toContain(`its ${reason} is not what was asked for`);
    await story.settled();
    const alerts = await system.rows<{ kind: string }>('SELECT kind FROM alerts WHERE text LIKE $1', [
      `%${till.session}%`,
    ]);
    expect(alerts).toEqual([{ kind: 'payment_rejected' }]);
    expect(story.reveals(till.offer)).toEqual([]);
    expect(await paymentsOf(till.unlockId)).toEqual([]);
    expect((await story.unlock(till.offer, till.buyer)).status).toBe('AWAITING_PAYMENT');
    expect(await story.reads(till.page)).not.toContain(till.offer.secret);
  }
});

describe('money taken back', () => {
  const entriesOf = (unlockId: string) =>
    system.rows<{ account: string; held: number }>(
      `SELECT split_part(e.account, ':', 1) AS account, sum(e.amount_minor)::int AS held FROM journal_entries e
        JOIN journals j ON j.id = e.journal_id JOIN payments p ON j.key LIKE '%-' || p.id || '%'
        WHERE p.unlock_id = $1 GROUP BY 1 HAVING sum(e.amount_minor) <> 0 ORDER BY 1`,
      [unlockId],
    );

  it('[F23] refunds at the dashboard after the reveal: booked back to the cent, buyer flagged, operator told, DONE stays', async () => {
    const till = await atTheTill();
    const { paymentIntent } = system.sandbox.act.pay(till.session);
    await story.reaches(till.offer, till.buyer, 'DONE');
    expect(await entriesOf(till.unlockId)).toEqual([
      { account: 'sales', held: -2000 },
      { account: 'stripe', held: 2000 },
    ]);
    system.sandbox.act.refund(paymentIntent.id, { amount: 501 });
    await system.until(
      'the part',
      'SELECT refunded_minor FROM payments WHERE unlock_id = $1',
      [till.unlockId],
      (row?: { refunded_minor: number }) => row?.refunded_minor === 501,
    );
    expect(await entriesOf(till.unlockId)).toEqual([
      { account: 'sales', held: -1499 },
      { account: 'stripe', held: 1499 },
    ]);
    system.sandbox.act.refund(paymentIntent.id);
    await system.until(
      'the rest',
      'SELECT refunded_minor FROM payments WHERE unlock_id = $1',
      [till.unlockId],
      (row?: { refunded_minor: number }) => row?.refunded_minor === 2000,
    );
    await story.settled();
    expect(await entriesOf(till.unlockId)).toEqual([]);
    expect((await story.alerts(till.unlockId)).map((alert) => alert.kind)).toEqual([
      'payment_refunded',
      'payment_refunded',
    ]);
    expect(await flaggedAt(till.buyer)).not.toBeNull();
    expect((await story.unlock(till.offer, till.buyer)).status).toBe('DONE');
    expect(story.reveals(till.offer)).toHaveLength(1);
  });

  it('[F23] a dispute after the reveal, told of five times: reversed once, buyer flagged, operator told once, DONE stays', async () => {
    const till = await atTheTill();
    const { paymentIntent } = system.sandbox.act.pay(till.session);
    await story.reaches(till.offer, till.buyer, 'DONE');
    const dispute = system.sandbox.act.dispute(paymentIntent.id);
    system.sandbox.act.dispute(paymentIntent.id, { status: 'lost' });
    for (const { id } of await stripeEvents(dispute.id))
      for (let i = 0; i < 2; i += 1) system.sandbox.act.resend(id);
    await system.sandbox.waitFor(
      (entry) => entry.to === operator && (entry.text ?? '').includes('Payment disputed'),
    );
    await story.settled();
    expect((await story.alerts(till.unlockId)).map((alert) => alert.kind)).toEqual(['payment_disputed']);
    expect(await flaggedAt(till.buyer)).not.toBeNull();
    expect(await entriesOf(till.unlockId)).toEqual([
      { account: 'disputed', held: -2000 },
      { account: 'stripe', held: 2000 },
    ]);
    expect((await story.unlock(till.offer, till.buyer)).status).toBe('DONE');
  });

  it('[F23] a refund before the reveal: PAID ends EXPIRED as refunded, and nothing is ever revealed', async () => {
    const till = await atTheTill();
    const held = system.sandbox.fault({ vendor: 'twilio', kind: 'rate_limit', contains: till.offer.secret });
    const { paymentIntent } = system.sandbox.act.pay(till.session);
    await system.sandbox.waitFor(
      (entry) => entry.outcome === 'faulted' && (entry.text ?? '').includes(till.offer.secret),
    );
    await story.reaches(till.offer, till.buyer, 'PAID');
    system.sandbox.act.refund(paymentIntent.id);
    await story.reaches(till.offer, till.buyer, 'EXPIRED', 'refunded');
    system.sandbox.clearFaults(held.id);
    await story.settled();
    expect(story.reveals(till.offer)).toEqual([]);
    expect(await entriesOf(till.unlockId)).toEqual([]);
    expect(await story.reads(till.page)).toContain('refunded in full');
    expect(await story.details(till.page)).not.toContain(till.offer.secret);
    expect((await story.alerts(till.unlockId)).map((alert) => alert.kind)).toEqual(['payment_refunded']);
  });
});

it('our books are Stripe’s own to the cent, and no details went out unpaid', () =>
  expectBooksToMatch(system));
