import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitChange } from '../../src/db/commit.ts';
import { moneyOfUnlocks, reversalsOfUnlock, salesMoney } from '../../src/db/payment/figures.ts';
import { findPayment } from '../../src/db/payment/payments.ts';
import { bookReversals } from '../../src/db/payment/reversals.ts';
import { sumsOf } from '../../src/domain/payment/reversals.ts';
import { moneyState } from '../../src/domain/payment/sale-money.ts';
import { requestRepeat } from '../../src/usecases/payment/refund.ts';
import { type Buyer, type Deal, expectBooksToMatch, type Story } from '../harness/story.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

const operator = 'operator@gold-touch.example';
/** The smallest id. */
const everything = '00000000-0000-0000-0000-000000000000';
let system: TestSystem;
let story: Story;
beforeAll(async () => {
  system = await startSystem({
    env: { ALERT_EMAIL: operator },
    sandbox: { retryDelaysMs: [100, 200] },
    timings: { missedEventsEveryMs: 300 },
  });
  story = system.story;
});
afterAll(() => system.stop());

type Money = {
  kept: boolean;
  refunded: number;
  refunding: number;
  disputed: number;
  withdrawn: number;
};

async function moneyOf(unlockId: string): Promise<Money> {
  const [row] = await system.rows<Money>(
    `SELECT kept, refunded_minor AS refunded, refunding_minor AS refunding, disputed_minor AS disputed,
      withdrawn_minor AS withdrawn FROM payments WHERE unlock_id = $1`,
    [unlockId],
  );
  return row!;
}

const untilMoney = (unlockId: string, what: Partial<Money>) =>
  system.until<Money>(
    `money ${JSON.stringify(what)}`,
    `SELECT kept, refunded_minor AS refunded, refunding_minor AS refunding, disputed_minor AS disputed,
      withdrawn_minor AS withdrawn FROM payments WHERE unlock_id = $1`,
    [unlockId],
    (row) => !!row && Object.entries(what).every(([key, value]) => row[key as keyof Money] === value),
  );

const balancesOf = (unlockId: string) =>
  system.rows<{ account: string; held: number }>(
    `SELECT split_part(e.account, ':', 1) AS account, sum(e.amount_minor)::int AS held FROM journal_entries e
      JOIN journals j ON j.id = e.journal_id JOIN payments p ON j.key LIKE '%-' || p.id || '%'
      WHERE p.unlock_id = $1 GROUP BY 1 HAVING sum(e.amount_minor) <> 0 ORDER BY 1`,
    [unlockId],
  );

const isFlagged = async ({ externalId }: Buyer) =>
  (
    await system.rows<{ flagged: boolean }>(
      'SELECT flagged_at IS NOT NULL AS flagged FROM buyers WHERE external_id = $1',
      [externalId],
    )
  )[0]!.flagged;

const openAlerts = async (unlockId: string) =>
  (
    await system.rows<{ kind: string }>(
      'SELECT kind FROM alerts WHERE subject = $1 AND resolved_at IS NULL ORDER BY created_at, key',
      [`unlock:${unlockId}`],
    )
  ).map(({ kind }) => kind);

const told = (deal: Pick<Deal, 'buyer'>) =>
  story
    .texts(deal.buyer)
    .flatMap(({ text }) => /was refunded in full|is being refunded|did not go through/.exec(text ?? '') ?? [])
    .map(String);

/** Stripe's events about the refunds and disputes of a payment. */
async function reportsOf(intent: string): Promise<{ id: string; type: string }[]> {
  const answer = await fetch(`${system.sandbox.url}/v1/events?limit=100`, {
    headers: { authorization: 'Bearer sk_test_sandbox' },
  });
  const { data } = (await answer.json()) as {
    data: { id: string; type: string; data: { object: { payment_intent?: string } } }[];
  };
  return data.filter(
    ({ type, data: { object } }) => object.payment_intent === intent && type !== 'charge.succeeded',
  );
}

const refundOf = async (unlockId: string) =>
  (await reversalsOfUnlock(system.runtime.db, unlockId)).refunds[0]!;

/** A sale whose details were delivered. */
async function sold(): Promise<{ buyer: Buyer; unlockId: string; intent: string }> {
  const buyer = await story.buyer();
  const offer = await story.offer([buyer]);
  const { intent } = await story.buy(offer, buyer);
  return { buyer, unlockId: (await story.unlock(offer, buyer)).id, intent };
}

describe('[F72] our own refund', () => {
  it('that fails at once is not told as refunded; it is alerted, still owed, and repeated on request', async () => {
    const { deal, intent } = await story.unwantedPayment((payment) =>
      system.sandbox.act.refundsOf(payment, { status: 'failed', failure: 'lost_or_stolen_card' }),
    );
    await story.settled();
    expect(told(deal)).toEqual(['did not go through']);
    expect(await moneyOf(deal.unlockId)).toMatchObject({ kept: false, refunded: 0, refunding: 0 });
    expect(await balancesOf(deal.unlockId)).toEqual([
      { account: 'refunds_due', held: -2000 },
      { account: 'stripe', held: 2000 },
    ]);
    expect(await openAlerts(deal.unlockId)).toEqual(['refund_failed']);
    const refund = await refundOf(deal.unlockId);
    const mail = await system.sandbox.waitFor(
      (entry) => entry.to === operator && (entry.text ?? '').includes(refund.id),
    );
    for (const words of ['$20 did not go back', deal.buyer.name, deal.leadId, 'lost_or_stolen_card'])
      expect(mail.text).toContain(words);
    expect(mail.text).toContain(`leadgate refund repeat ${refund.id}`);

    system.sandbox.act.refundsOf(intent, { status: 'succeeded' });
    await Promise.all([1, 2].map(() => requestRepeat(system.runtime, refund.id, null)));
    await system.text(deal.buyer.phone, 'was refunded in full');
    await story.settled();
    expect(told(deal)).toEqual(['did not go through', 'was refunded in full']);
    expect(await moneyOf(deal.unlockId)).toMatchObject({ kept: false, refunded: 2000 });
    expect(await balancesOf(deal.unlockId)).toEqual([]);
    expect(await openAlerts(deal.unlockId)).toEqual(['payment_refunded']);
    expect(
      system.sandbox.ledger.list({ operation: 'refund.create', reference: intent, accepted: true }),
    ).toHaveLength(2);
    await expect(requestRepeat(system.runtime, refund.id, null)).rejects.toMatchObject({ status: 409 });
    await expect(requestRepeat(system.runtime, 're_unknown', null)).rejects.toMatchObject({ status: 404 });
  });

  it('that is pending is told as on its way, and as refunded once it succeeded', async () => {
    const { deal } = await story.unwantedPayment((payment) =>
      system.sandbox.act.refundsOf(payment, { status: 'pending' }),
    );
    await system.text(deal.buyer.phone, 'is being refunded');
    await story.settled();
    expect(told(deal)).toEqual(['is being refunded']);
    expect(await moneyOf(deal.unlockId)).toMatchObject({ refunded: 0, refunding: 2000 });
    expect(await openAlerts(deal.unlockId)).toEqual([]);
    system.sandbox.act.settleRefund((await refundOf(deal.unlockId)).id, { status: 'succeeded' });
    await system.text(deal.buyer.phone, 'was refunded in full');
    await story.settled();
    expect(told(deal)).toEqual(['is being refunded', 'was refunded in full']);
    expect(await moneyOf(deal.unlockId)).toMatchObject({ refunded: 2000, refunding: 0 });
  });

  it.each(['pending', 'requires_action', 'succeeded'] as const)(
    'that begins as %s and fails later: the buyer is told, an operator alerted, and the money is owed',
    async (status) => {
      const { deal } = await story.unwantedPayment((payment) =>
        system.sandbox.act.refundsOf(payment, { status }),
      );
      const words = status === 'succeeded' ? 'was refunded in full' : 'is being refunded';
      await system.text(deal.buyer.phone, words);
      const { id } = await refundOf(deal.unlockId);
      system.sandbox.act.settleRefund(id, { status: 'failed' });
      await system.text(deal.buyer.phone, 'did not go through');
      await story.settled();
      expect(told(deal)).toEqual([words, 'did not go through']);
      expect(await moneyOf(deal.unlockId)).toMatchObject({ kept: false, refunded: 0, refunding: 0 });
      expect(await openAlerts(deal.unlockId)).toContain('refund_failed');
      expect((await refundOf(deal.unlockId)).status).toBe('failed');
    },
  );
});

describe('[F72] a refund made at Stripe', () => {
  it('that fails later: the sale counts again, and its buyer is no longer flagged', async () => {
    const { buyer, unlockId, intent } = await sold();
    const refund = system.sandbox.act.refund(intent, { status: 'pending' });
    await untilMoney(unlockId, { refunding: 2000, refunded: 0 });
    expect(await isFlagged(buyer)).toBe(true);
    expect(await openAlerts(unlockId)).toEqual([]);
    system.sandbox.act.settleRefund(refund.id, { status: 'failed' });
    await untilMoney(unlockId, { kept: true, refunding: 0, refunded: 0 });
    await story.settled();
    expect(await isFlagged(buyer)).toBe(false);
    expect(await openAlerts(unlockId)).toEqual(['refund_failed']);
    expect(await balancesOf(unlockId)).toEqual([
      { account: 'sales', held: -2000 },
      { account: 'stripe', held: 2000 },
    ]);
  });

  it('in parts, of which one fails: the others stay refunded', async () => {
    const { unlockId, intent } = await sold();
    const first = system.sandbox.act.refund(intent, { amount: 501 });
    system.sandbox.act.refund(intent, { amount: 300 });
    system.sandbox.act.refund(intent, { amount: 99, status: 'failed' });
    await untilMoney(unlockId, { refunded: 801 });
    system.sandbox.act.settleRefund(first.id, { status: 'failed' });
    await untilMoney(unlockId, { refunded: 300, refunding: 0 });
    await story.settled();
    const { refunds } = await reversalsOfUnlock(system.runtime.db, unlockId);
    expect(refunds.map(({ status }) => status).sort()).toEqual(['failed', 'failed', 'succeeded']);
    expect(await balancesOf(unlockId)).toEqual([
      { account: 'sales', held: -1700 },
      { account: 'stripe', held: 1700 },
    ]);
  });

  it('before the details were sent, pending and then failed: the page says where the money is', async () => {
    const buyer = await story.buyer();
    const offer = await story.offer([buyer]);
    const { page, session } = await story.checkout(offer, buyer);
    const held = system.sandbox.fault({ vendor: 'twilio', kind: 'rate_limit', contains: offer.secret });
    const { paymentIntent } = system.sandbox.act.pay(session);
    await story.reaches(offer, buyer, 'PAID');
    const refund = system.sandbox.act.refund(paymentIntent.id, { status: 'pending' });
    await story.reaches(offer, buyer, 'EXPIRED', 'refunded');
    system.sandbox.clearFaults(held.id);
    expect(await story.reads(page)).toContain('is being refunded');
    system.sandbox.act.settleRefund(refund.id, { status: 'failed' });
    const { id } = await story.unlock(offer, buyer);
    await untilMoney(id, { kept: false, refunding: 0, refunded: 0 });
    expect(await story.reads(page)).toContain('will be refunded in full');
    await story.settled();
    expect(story.reveals(offer)).toEqual([]);
    expect(await openAlerts(id)).toEqual(['refund_failed']);
  });
});

describe('[F72] inquiries and disputes', () => {
  it('an inquiry is alerted as one, books and flags nothing, and its alert is resolved when it is closed', async () => {
    const { buyer, unlockId, intent } = await sold();
    system.sandbox.act.dispute(intent, { status: 'warning_needs_response' });
    await system.until<{ n: number }>(
      'the alert',
      "SELECT count(*)::int AS n FROM alerts WHERE kind = 'payment_inquiry' AND subject = $1",
      [`unlock:${unlockId}`],
      (row) => row?.n === 1,
    );
    await story.settled();
    expect(await openAlerts(unlockId)).toEqual(['payment_inquiry']);
    expect(await isFlagged(buyer)).toBe(false);
    expect(await moneyOf(unlockId)).toMatchObject({ disputed: 0, withdrawn: 0 });
    system.sandbox.act.dispute(intent, { status: 'warning_closed' });
    await system.until<{ n: number }>(
      'the resolved alert',
      'SELECT count(*)::int AS n FROM alerts WHERE subject = $1 AND resolved_at IS NOT NULL',
      [`unlock:${unlockId}`],
      (row) => row?.n === 1,
    );
    await story.settled();
    expect(await openAlerts(unlockId)).toEqual([]);
    expect(await isFlagged(buyer)).toBe(false);
  });

  it('an inquiry that becomes a dispute and is won: booked back, the buyer unflagged, no alert left', async () => {
    const { buyer, unlockId, intent } = await sold();
    system.sandbox.act.dispute(intent, { status: 'warning_needs_response' });
    system.sandbox.act.dispute(intent, { status: 'needs_response' });
    await untilMoney(unlockId, { disputed: 2000, withdrawn: 2000 });
    await story.settled();
    expect(await isFlagged(buyer)).toBe(true);
    expect(await balancesOf(unlockId)).toEqual([]);
    expect(await openAlerts(unlockId)).toEqual(['payment_disputed']);
    system.sandbox.act.dispute(intent, { status: 'won' });
    await untilMoney(unlockId, { disputed: 0, withdrawn: 0 });
    await story.settled();
    expect(await isFlagged(buyer)).toBe(false);
    expect(await openAlerts(unlockId)).toEqual([]);
    expect(await balancesOf(unlockId)).toEqual([
      { account: 'sales', held: -2000 },
      { account: 'stripe', held: 2000 },
    ]);
  });

  it('a lost dispute stays booked, and its buyer flagged', async () => {
    const { buyer, unlockId, intent } = await sold();
    system.sandbox.act.dispute(intent, { status: 'lost' });
    await untilMoney(unlockId, { disputed: 2000, withdrawn: 2000 });
    await story.settled();
    expect(await isFlagged(buyer)).toBe(true);
    expect(await openAlerts(unlockId)).toEqual(['payment_disputed']);
  });

  it('a won dispute leaves a buyer flagged whom another sale flags', async () => {
    const buyer = await story.buyer();
    const intents: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      const offer = await story.offer([buyer]);
      intents.push((await story.buy(offer, buyer)).intent);
    }
    for (const intent of intents) system.sandbox.act.dispute(intent);
    const flags = (count: number) =>
      system.until<{ flags: number }>(
        `${count} flags`,
        'SELECT flags FROM buyers WHERE external_id = $1',
        [buyer.externalId],
        (row) => row?.flags === count,
      );
    await flags(2);
    system.sandbox.act.dispute(intents[0]!, { status: 'won' });
    await flags(1);
    expect(await isFlagged(buyer)).toBe(true);
    system.sandbox.act.dispute(intents[1]!, { status: 'won' });
    await flags(0);
    expect(await isFlagged(buyer)).toBe(false);
  });
});

describe('[F72] reports of Stripe', () => {
  it('in reverse order and each twenty times more: the last state is booked, once', async () => {
    const { buyer, unlockId, intent } = await sold();
    const held = system.sandbox.fault({ vendor: 'stripe', kind: 'webhook_withhold' });
    const refund = system.sandbox.act.refund(intent, { amount: 700, status: 'pending' });
    system.sandbox.act.settleRefund(refund.id, { status: 'failed' });
    system.sandbox.act.dispute(intent);
    system.sandbox.act.dispute(intent, { status: 'won' });
    system.sandbox.clearFaults(held.id);
    await system.sandbox.webhooks.deliverAll({ vendor: 'stripe' }, true);
    const reports = await reportsOf(intent);
    expect(reports.length).toBeGreaterThanOrEqual(8);
    for (const { id } of reports) for (let i = 0; i < 20; i += 1) system.sandbox.act.resend(id);
    await system.until<{ n: number }>(
      'both objects',
      `SELECT count(*)::int AS n FROM (SELECT id FROM refunds WHERE status = 'failed' AND id = $1
        UNION ALL SELECT d.id FROM disputes d JOIN payments p ON p.id = d.payment_id WHERE d.kind = 'won' AND p.unlock_id = $2) x`,
      [refund.id, unlockId],
      (row) => row?.n === 2,
    );
    await story.settled();
    expect(await moneyOf(unlockId)).toEqual({
      kept: true,
      refunded: 0,
      refunding: 0,
      disputed: 0,
      withdrawn: 0,
    });
    expect(await isFlagged(buyer)).toBe(false);
    expect(await openAlerts(unlockId)).toEqual(['refund_failed']);
  });

  it('that never came are found in Stripe’s own list', async () => {
    const { unlockId, intent } = await sold();
    const other = await sold();
    system.sandbox.configure({ stripe: { enabledEvents: ['checkout.session.completed'] } });
    const refund = system.sandbox.act.refund(intent, { status: 'pending' });
    await untilMoney(unlockId, { refunding: 2000 });
    system.sandbox.act.settleRefund(refund.id, { status: 'failed' });
    await untilMoney(unlockId, { refunding: 0, refunded: 0 });
    system.sandbox.act.dispute(other.intent);
    await untilMoney(other.unlockId, { disputed: 2000 });
    system.sandbox.configure({ stripe: { enabledEvents: ['*'] } });
    await story.settled();
  });

  it('fetched before another run booked newer ones are not booked over them', async () => {
    const { unlockId, intent } = await sold();
    const read = (await findPayment(system.runtime.db, { paymentIntent: intent }))!;
    system.sandbox.act.refund(intent, { amount: 500 });
    await untilMoney(unlockId, { refunded: 500 });
    await story.settled();
    const older = { refunds: [], disputes: [] };
    const booking = { now: older, sums: sumsOf(read.amountMinor, older), flagsBuyer: false };
    const { moved } = await commitChange(system.runtime.db, bookReversals(read, booking), {
      visibilityMs: 1_000,
    });
    expect(moved).toBe(false);
    expect(await moneyOf(unlockId)).toMatchObject({ refunded: 500 });
  });
});

describe('[F72] figures', () => {
  it('of an organization: gross is the sum of refunded, on its way, owed, disputed and net', async () => {
    const before = new Map(
      (await salesMoney(system.runtime.db, null, everything)).map((money) => [money.currency, money]),
    ).get('usd')!;
    const [refunded, disputed, pending, kept] = [await sold(), await sold(), await sold(), await sold()];
    system.sandbox.act.refund(refunded.intent);
    system.sandbox.act.dispute(disputed.intent);
    system.sandbox.act.refund(pending.intent, { status: 'pending' });
    await untilMoney(refunded.unlockId, { refunded: 2000 });
    await untilMoney(disputed.unlockId, { disputed: 2000 });
    await untilMoney(pending.unlockId, { refunding: 2000 });
    const [now] = await salesMoney(system.runtime.db, null, everything);
    const added = (part: 'gross' | 'refunded' | 'refunding' | 'disputed' | 'due' | 'net') =>
      now![part] - before[part];
    expect({
      gross: added('gross'),
      refunded: added('refunded'),
      refunding: added('refunding'),
      disputed: added('disputed'),
      due: added('due'),
      net: added('net'),
    }).toEqual({ gross: 8000, refunded: 2000, refunding: 2000, disputed: 2000, due: 0, net: 2000 });
    const states = new Map(
      (
        await moneyOfUnlocks(
          system.runtime.db,
          [refunded, disputed, pending, kept].map(({ unlockId }) => unlockId),
        )
      ).map((money) => [money.unlockId, moneyState(money)]),
    );
    expect([refunded, disputed, pending, kept].map(({ unlockId }) => states.get(unlockId))).toEqual([
      'refunded',
      'disputed',
      'refunding',
      null,
    ]);
  });
});

it("the journals match Stripe's ledger, and details were sent only after payment", () =>
  expectBooksToMatch(system));
