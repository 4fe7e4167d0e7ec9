import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resumeCause } from '../../src/api/console/actions.ts';
import { moneyOfUnlocks, reversalsOfUnlock } from '../../src/db/payment/figures.ts';
import { findPayment } from '../../src/db/payment/payments.ts';
import type { UnlockView } from '../../src/db/unlock/unlocks.ts';
import { moneyState } from '../../src/domain/payment/sale-money.ts';
import type { Run } from '../../src/engine/define.ts';
import { requestRepeat } from '../../src/usecases/payment/refund.ts';
import { bookPaymentChange } from '../../src/usecases/payment/reversals.ts';
import { type Deal, expectBooksToMatch, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem({ sandbox: { retryDelaysMs: [100, 200] } });
  story = system.story;
});
afterAll(() => system?.stop());

const openAlerts = async (unlockId: string) =>
  (
    await system.rows<{ kind: string }>(
      'SELECT kind FROM alerts WHERE subject = $1 AND resolved_at IS NULL ORDER BY kind, key',
      [`unlock:${unlockId}`],
    )
  ).map(({ kind }) => kind);

const untilAlerts = (unlockId: string, kinds: string[]) =>
  system.until<{ kinds: string[] | null }>(
    `open alerts ${kinds}`,
    'SELECT array_agg(kind ORDER BY kind, key) AS kinds FROM alerts WHERE subject = $1 AND resolved_at IS NULL',
    [`unlock:${unlockId}`],
    (row) => JSON.stringify(row?.kinds ?? []) === JSON.stringify(kinds),
  );

const untilMoney = (unlockId: string, what: Record<string, number>) =>
  system.until<Record<string, number>>(
    `money ${JSON.stringify(what)}`,
    `SELECT refunded_minor AS refunded, refunding_minor AS refunding, disputed_minor AS disputed,
      withdrawn_minor AS withdrawn FROM payments WHERE unlock_id = $1`,
    [unlockId],
    (row) => !!row && Object.entries(what).every(([key, value]) => row[key] === value),
  );

/** The refunds of a payment at Stripe, the last first. */
const refundsOf = async (unlockId: string) => (await reversalsOfUnlock(system.runtime.db, unlockId)).refunds;

const failedRefund = async (unlockId: string, but: readonly string[] = []) => {
  const [row] = await system.until<{ id: string }>(
    'a failed refund',
    `SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id
      WHERE p.unlock_id = $1 AND r.status = 'failed' AND r.id <> ALL($2)`,
    [unlockId, but],
    (found) => found !== undefined,
  );
  return row!.id;
};

/** Lets the worker look at a payment, as each event of Stripe does. */
async function report(paymentIntent: string): Promise<void> {
  const { organizationId, unlockId } = (await findPayment(system.runtime.db, { paymentIntent }))!;
  const subject = `unlock:${unlockId}`;
  await system.runtime.relay.commit({
    events: [{ type: 'payment.changed', organizationId, subject, data: { paymentIntent } }],
  });
}

/** Waits for a run on this unlock that ended so. */
const untilRun = (unlockId: string, detail: string) =>
  system.until(
    detail,
    'SELECT 1 FROM attempts WHERE subject = $1 AND detail = $2',
    [`unlock:${unlockId}`, detail],
    (row) => row !== undefined,
  );

const stateOf = async (unlockId: string) => {
  const [money] = await moneyOfUnlocks(system.runtime.db, [unlockId]);
  return money ? moneyState(money) : null;
};

const told = (deal: Pick<Deal, 'buyer'>) =>
  story
    .texts(deal.buyer)
    .flatMap(({ text }) => /was refunded in full|is being refunded|did not go through/.exec(text ?? '') ?? [])
    .map(String);

async function sold(): Promise<{ unlockId: string; intent: string }> {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { intent } = await story.buy(offer, buyer);
  return { unlockId: (await story.unlock(offer, buyer)).id, intent };
}

/** A payment for a lead that may not be sold any more, disputed before it could be refunded: its parked refund. */
async function refusedRefund(): Promise<{ deal: Deal; intent: string; outboxId: number; error: string }> {
  const { deal, intent } = await story.unwantedPayment((payment) => system.sandbox.act.dispute(payment));
  const [parked] = await system.until<{ id: number; last_error: string }>(
    'the parked refund',
    `SELECT o.id, o.last_error FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
      WHERE o.parked_at IS NOT NULL AND e.subject = $1`,
    [`unlock:${deal.unlockId}`],
    (row) => row !== undefined,
  );
  return { deal, intent, outboxId: parked!.id, error: parked!.last_error };
}

describe('[F72] a refund that Stripe refuses', () => {
  it('because a bank claims the payment: resumed once the dispute is won, it is made', async () => {
    const { deal, intent, outboxId, error } = await refusedRefund();
    expect(error).toContain('Stripe refunds nothing while the bank claims $20 in a dispute');
    system.sandbox.act.dispute(intent, { status: 'won' });
    await untilMoney(deal.unlockId, { disputed: 0 });
    expect(await resumeCause(system.runtime, outboxId, 'operator')).toBe(1);
    await system.text(deal.buyer.phone, 'was refunded in full');
    await story.settled();
    expect(told(deal)).toEqual(['was refunded in full']);
    expect(await story.parked(deal.unlockId)).toEqual([]);
    expect((await refundsOf(deal.unlockId)).map(({ status }) => status)).toEqual(['succeeded']);
  });

  it('because a bank has got the payment: resumed, it ends, and no page says that it will be refunded', async () => {
    const { deal, intent, outboxId } = await refusedRefund();
    system.sandbox.act.dispute(intent, { status: 'lost' });
    await system.until<{ n: number }>(
      'the lost dispute',
      `SELECT count(*)::int AS n FROM disputes d JOIN payments p ON p.id = d.payment_id WHERE p.unlock_id = $1 AND d.kind = 'lost'`,
      [deal.unlockId],
      (row) => row?.n === 1,
    );
    expect(await resumeCause(system.runtime, outboxId, 'operator')).toBe(1);
    await story.settled();
    expect(await story.parked(deal.unlockId)).toEqual([]);
    expect(told(deal)).toEqual([]);
    expect(await stateOf(deal.unlockId)).toBe('dispute_lost');
  });
});

describe('[F72] a refund that failed', () => {
  it('after it was told as refunded, and was made good: the buyer and the operator are told again', async () => {
    const { deal, intent } = await story.unwantedPayment();
    await system.text(deal.buyer.phone, 'was refunded in full');
    await untilAlerts(deal.unlockId, ['payment_refunded']);
    const [made] = await refundsOf(deal.unlockId);
    system.sandbox.act.settleRefund(made!.id, { status: 'failed' });
    await system.text(deal.buyer.phone, 'did not go through');
    await untilAlerts(deal.unlockId, ['refund_failed']);
    system.sandbox.act.refundsOf(intent, { status: 'succeeded' });
    await requestRepeat(system.runtime, made!.id, null);
    await untilMoney(deal.unlockId, { refunded: 2000 });
    await untilAlerts(deal.unlockId, ['payment_refunded']);
    await story.settled();
    expect(told(deal)).toEqual(['was refunded in full', 'did not go through', 'was refunded in full']);
  });

  it('in part, made again and failed again: only the last can be repeated, and no failure is left once it succeeded', async () => {
    const { unlockId, intent } = await sold();
    system.sandbox.act.refundsOf(intent, { status: 'failed' });
    system.sandbox.act.refund(intent, { amount: 501 });
    const first = await failedRefund(unlockId);
    await untilAlerts(unlockId, ['refund_failed']);
    await requestRepeat(system.runtime, first, null);
    const second = await failedRefund(unlockId, [first]);
    await story.settled();
    expect(await openAlerts(unlockId)).toEqual(['refund_failed']);
    await expect(requestRepeat(system.runtime, first, null)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining(second),
    });
    expect(await stateOf(unlockId)).toBe('refund_failed');

    system.sandbox.act.refundsOf(intent, { status: 'succeeded' });
    await requestRepeat(system.runtime, second, null);
    await untilMoney(unlockId, { refunded: 501 });
    await untilAlerts(unlockId, ['payment_refunded']);
    await story.settled();
    expect(await stateOf(unlockId)).toBe('partly_refunded');
    await expect(requestRepeat(system.runtime, second, null)).rejects.toMatchObject({ status: 409 });
    expect(
      system.sandbox.ledger.list({ operation: 'refund.create', reference: intent, accepted: true }),
    ).toHaveLength(2);
  });

  it('in part, and was booked before its repeating was: its alert is resolved all the same', async () => {
    const { unlockId, intent } = await sold();
    const failed = system.sandbox.act.refund(intent, { amount: 501, status: 'failed' });
    await untilAlerts(unlockId, ['refund_failed']);
    const again = system.sandbox.act.refund(intent, { amount: 501 });
    await untilAlerts(unlockId, ['payment_refunded', 'refund_failed']);
    await story.settled();
    await system.rows(
      `INSERT INTO effects (key, id, vendor, kind, subject, state, fence, lease_until, vendor_id)
        VALUES ('refund-again-' || $1, gen_random_uuid(), 'stripe', 'refund', 'unlock:' || $2, 'accepted', gen_random_uuid(), now(), $3)`,
      [failed.id, unlockId, again.id],
    );
    await report(intent);
    await untilAlerts(unlockId, ['payment_refunded']);

    // Alerts about what has passed are not raised.
    const { id: paymentId, organizationId } = (await findPayment(system.runtime.db, {
      paymentIntent: intent,
    }))!;
    const about = { organizationId, subject: `unlock:${unlockId}` };
    const ids = { unlockId, paymentId };
    await system.runtime.relay.commit({
      events: [
        {
          ...about,
          type: 'payment.refund_failed',
          data: { ...ids, refundId: failed.id, amount: 501, code: 'declined' },
        },
        { ...about, type: 'payment.refunded', data: { ...ids, amount: 1002 } },
      ],
    });
    await untilRun(unlockId, 'it was made again since');
    await untilRun(unlockId, 'some of it came back since');
    expect(await openAlerts(unlockId)).toEqual(['payment_refunded']);
  });

  it('after another had succeeded: the alert says what is still refunded, and the rest cannot be repeated whole', async () => {
    const { unlockId, intent } = await sold();
    const first = system.sandbox.act.refund(intent, { amount: 1200 });
    await untilAlerts(unlockId, ['payment_refunded']);
    system.sandbox.act.refund(intent, { amount: 501 });
    await untilAlerts(unlockId, ['payment_refunded', 'payment_refunded']);
    system.sandbox.act.settleRefund(first.id, { status: 'failed' });
    await untilAlerts(unlockId, ['payment_refunded', 'refund_failed']);
    expect((await story.alerts(unlockId)).map(({ text }) => text)).toContain('$5.01 of $20 was refunded.');
    system.sandbox.act.refund(intent, { amount: 700 });
    await untilMoney(unlockId, { refunded: 1201 });
    await expect(requestRepeat(system.runtime, first.id, null)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('at Stripe, $7.99 can still be refunded'),
    });
  });

  it('and whose payment was then lost in a dispute: it is not repeated, and the money is not owed twice', async () => {
    const { deal, intent } = await story.unwantedPayment((payment) =>
      system.sandbox.act.refundsOf(payment, { status: 'failed' }),
    );
    await untilAlerts(deal.unlockId, ['refund_failed']);
    const [refund] = await refundsOf(deal.unlockId);
    system.sandbox.act.dispute(intent, { status: 'lost' });
    await untilAlerts(deal.unlockId, ['payment_disputed']);
    await expect(requestRepeat(system.runtime, refund!.id, null)).rejects.toMatchObject({ status: 409 });
    expect(await stateOf(deal.unlockId)).toBe('dispute_lost');
    await story.settled();
    expect(await story.parked(deal.unlockId)).toEqual([]);
  });

  it('while a bank only claims the payment: alerted, and still so when the claim was withdrawn', async () => {
    const { unlockId, intent } = await sold();
    const refund = system.sandbox.act.refund(intent, { status: 'pending' });
    await untilMoney(unlockId, { refunding: 2000 });
    system.sandbox.act.dispute(intent);
    await untilMoney(unlockId, { disputed: 2000 });
    system.sandbox.act.settleRefund(refund.id, { status: 'failed' });
    await untilAlerts(unlockId, ['payment_disputed', 'refund_failed']);
    system.sandbox.act.dispute(intent, { status: 'won' });
    await untilAlerts(unlockId, ['refund_failed']);
    await story.settled();
    expect(await openAlerts(unlockId)).toEqual(['refund_failed']);
  });

  it('after its payment was lost in a dispute: the operator is not asked to return the money a second time', async () => {
    const { unlockId, intent } = await sold();
    const refund = system.sandbox.act.refund(intent);
    await untilMoney(unlockId, { refunded: 2000 });
    system.sandbox.act.dispute(intent, { status: 'lost' });
    await untilMoney(unlockId, { disputed: 2000, withdrawn: 2000 });
    const figures = { gross: 2000, refunded: 2000, disputed: 2000, due: 0, net: -2000 };
    expect(await moneyOfUnlocks(system.runtime.db, [unlockId])).toMatchObject([figures]);
    system.sandbox.act.settleRefund(refund.id, { status: 'failed' });
    await untilMoney(unlockId, { refunded: 0 });
    await story.settled();
    expect(await openAlerts(unlockId)).toEqual(['payment_disputed']);
    expect(await moneyOfUnlocks(system.runtime.db, [unlockId])).toMatchObject([{ refunded: 0, net: 0 }]);
    expect(await stateOf(unlockId)).toBe('dispute_lost');
  });
});

it('[F72] a report that changes nothing books nothing', async () => {
  const { unlockId, intent } = await sold();
  system.sandbox.act.refund(intent, { amount: 501 });
  await untilMoney(unlockId, { refunded: 501 });
  await story.settled();
  const versionOf = async () =>
    (
      await system.rows<{ version: number }>('SELECT version FROM payments WHERE unlock_id = $1', [unlockId])
    )[0]!.version;
  const before = await versionOf();
  await report(intent);
  await untilRun(unlockId, 'no change to book');
  expect(await versionOf()).toBe(before);
});

it('[F72] a refund of a version that kept only sums gets its row with the next report, and no alert until it fails', async () => {
  const { unlockId, intent } = await sold();
  const { id } = system.sandbox.act.refund(intent, { amount: 501 });
  await untilAlerts(unlockId, ['payment_refunded']);
  await story.settled();
  await system.rows('DELETE FROM refunds WHERE id = $1', [id]);
  await system.rows('UPDATE alerts SET resolved_at = now() WHERE subject = $1', [`unlock:${unlockId}`]);
  await report(intent);
  const row = 'SELECT 1 FROM refunds WHERE id = $1';
  await system.until('its row', row, [id], (found) => found !== undefined);
  await story.settled();
  expect(await openAlerts(unlockId)).toEqual([]);
  system.sandbox.act.settleRefund(id, { status: 'failed' });
  await untilMoney(unlockId, { refunded: 0 });
  await untilAlerts(unlockId, ['refund_failed']);
});

it('[F72] a report about a payment that is not booked yet waits for it, ten minutes at most', async () => {
  const now = new Date();
  const outcomes = [0, 9, 11].map((minutes) => {
    const run = { now, since: new Date(now.getTime() - minutes * 60_000) } as Run<UnlockView>;
    return bookPaymentChange('pi_not_booked', system.runtime, run);
  });
  expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(['snooze', 'snooze', 'skip']);
});

it('[F72] a dispute that was won and is opened again: alerted again, claimed again, its buyer flagged again', async () => {
  const { unlockId, intent } = await sold();
  system.sandbox.act.dispute(intent);
  await untilAlerts(unlockId, ['payment_disputed']);
  system.sandbox.act.dispute(intent, { status: 'won' });
  await untilAlerts(unlockId, []);
  system.sandbox.act.dispute(intent, { status: 'needs_response' });
  await untilMoney(unlockId, { disputed: 2000, withdrawn: 2000 });
  await untilAlerts(unlockId, ['payment_disputed']);
  system.sandbox.act.dispute(intent, { status: 'won' });
  await untilMoney(unlockId, { disputed: 0, withdrawn: 0 });
  await untilAlerts(unlockId, []);
});

it("the journals match Stripe's ledger", () => expectBooksToMatch(system));
