import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Buyer, Offer, Story } from '../../harness/story.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import {
  type BuyerOptions,
  type LeadOptions,
  makePlace,
  type Place,
  reasonsIn,
  standOf,
  wrongBooks,
} from './place.ts';

let system: TestSystem;
let place: Place;
let story: Story;
beforeAll(async () => {
  system = await startSystem({ timings: { reconcileAfterMs: 600_000, reconcileEveryMs: 600_000 } });
  place = await makePlace(system);
  story = system.story;
});
afterEach(() => system.sandbox.clearFaults());
afterAll(async () => {
  await system?.stop();
});

let made = 0;
const nextPhone = () => `+1512555${String(1_000 + ++made)}`;

type Poor = Buyer & { buyerId: string; subscriptionId: string };

/** A buyer with an empty wallet, who is texted offers. */
async function poorBuyer(campaignId: string, options: BuyerOptions = {}): Promise<Poor> {
  const phone = options.phone ?? nextPhone();
  const placed = await place.buyer(campaignId, { balanceMinor: 0, ...options, phone });
  return { ...placed, externalId: placed.buyerId, name: 'Bo Buyer', phone, email: null };
}

type Reserved = Offer & { id: string };

async function lead(campaignId: string, options: LeadOptions = {}): Promise<Reserved> {
  const secret = `Sarah Lee${++made}`;
  const locked = { full_name: secret, mobile: '+13055550199', roof_age: 12 };
  const id = await place.receive(campaignId, { locked, ...options });
  return { id, leadId: `lead_${id.replaceAll('-', '')}`, secret };
}

/** A lead whose teaser this buyer has. */
async function offered(campaignId: string, buyer: Poor, options: LeadOptions = {}): Promise<Reserved> {
  const offer = await lead(campaignId, options);
  await story.reaches(offer, buyer, 'AWAIT_CONFIRM');
  return offer;
}

/** Ten minutes pass for its open offer. */
const runOut = ({ id }: Reserved) =>
  system.rows(
    `WITH late AS (UPDATE lead_unlocks SET ttl_expires_at = now() WHERE lead_id = $1 RETURNING id)
     UPDATE outbox o SET due_at = now() FROM events e, late
     WHERE e.id = o.event_id AND e.subject = 'unlock:' || late.id AND o.worker = 'expirer'`,
    [id],
  );

const reaches = (id: string, status: string) =>
  system.until<{ status: string; open: number }>(
    `the lead to be ${status}`,
    'SELECT status, open_offers AS open FROM distributions WHERE lead_id = $1',
    [id],
    (row) => row?.status === status,
  );
const buyersOf = async (id: string) =>
  (
    await system.rows<{ id: string }>(
      'SELECT buyer_id AS id FROM lead_unlocks WHERE lead_id = $1 AND paid_at IS NOT NULL ORDER BY paid_at',
      [id],
    )
  ).map((row) => row.id);
const decisionsOf = (id: string, count: number) =>
  system.until(
    'its decisions',
    'SELECT number FROM decisions WHERE lead_id = $1',
    [id],
    (_row, all) => all.length >= count,
  );
const countOf = async ({ subscriptionId }: Poor) =>
  (
    await system.rows<{ n: number }>('SELECT day_count AS n FROM subscriptions WHERE id = $1', [
      subscriptionId,
    ])
  )[0]!.n;
const openOffersOf = async (id: string) =>
  (
    await system.rows<{ n: number }>('SELECT open_offers AS n FROM distributions WHERE lead_id = $1', [id])
  )[0]!.n;

describe('a lead that the wallet of the next buyer is short of', () => {
  it('is offered by text, reserved, and sold when it is paid by card', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const rich = await place.buyer(campaignId);
    await system.rows('UPDATE subscriptions SET pass = 1000000 WHERE id = $1', [rich.subscriptionId]);
    const offer = await offered(campaignId, buyer);
    const teaser = story.texts(buyer)[0]!.text!;
    expect(teaser).toContain('new client inquiry in CA. Type: Solar.');
    expect(teaser).toContain('Reply Y to unlock contact details for $25.');
    expect(teaser).not.toContain(offer.secret);
    const [row] = await system.rows<{ seconds: number }>(
      'SELECT round(extract(epoch FROM ttl_expires_at - created_at))::int AS seconds FROM lead_unlocks WHERE lead_id = $1',
      [offer.id],
    );
    expect(row!.seconds).toBe(600);
    const stand = await standOf(system, offer.id);
    expect([stand.status, reasonsIn(stand)]).toEqual(['PENDING', ['offered']]);
    // A wake-up does not give it to anyone else.
    await place.credit(rich.buyerId, 100);
    await system.until(
      'the drain',
      'SELECT due_at, draining FROM campaign_turns WHERE campaign_id = $1',
      [campaignId],
      (turns: { due_at: Date | null; draining: boolean } | undefined) =>
        turns === undefined || (!(turns.due_at && turns.due_at <= new Date()) && !turns.draining),
    );
    expect(await buyersOf(offer.id)).toEqual([]);

    const { page } = await story.buy(offer, buyer);
    expect(await reaches(offer.id, 'DISTRIBUTED')).toEqual([{ status: 'DISTRIBUTED', open: 0 }]);
    const [details] = story.reveals(offer);
    expect(details!.to).toBe(buyer.phone);
    expect(details!.text).toContain(`Name: ${offer.secret}\nPhone: +13055550199`);
    expect(details!.text).toContain('roof age: 12');
    expect(await story.details(page)).toContain(offer.secret);
    const [event] = await system.rows<{ data: { leadId: string } }>(
      `SELECT data FROM events WHERE type = 'lead.assigned' AND data->>'leadId' = $1`,
      [offer.id],
    );
    expect(event!.data.leadId).toBe(offer.id);
    const [sale] = await system.rows('SELECT paid_by, paid_late FROM lead_unlocks WHERE lead_id = $1', [
      offer.id,
    ]);
    expect(sale).toEqual({ paid_by: 'stripe', paid_late: false });
    expect(await countOf(buyer)).toBe(1);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it('is offered to a buyer in debt too, and sold to the next one beside', async () => {
    const campaignId = await place.campaign({ logic: 'BROADCAST' });
    const buyer = await poorBuyer(campaignId);
    const rich = await place.buyer(campaignId);
    const owes = (minor: number) =>
      system.rows('UPDATE wallets SET balance_minor = -$2::bigint, debt_minor = $2 WHERE buyer_id = $1', [
        buyer.buyerId,
        minor,
      ]);
    await owes(1_500);
    const offer = await offered(campaignId, buyer);
    expect(await buyersOf(offer.id)).toEqual([rich.buyerId]);
    await owes(0);
  });

  it('goes to the next buyer when it is declined, and never again to the first one', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId, { dailyCap: 1 });
    const offer = await offered(campaignId, buyer);
    expect(await countOf(buyer)).toBe(1);
    story.says(buyer, `N ${offer.leadId}`);
    await story.reaches(offer, buyer, 'EXPIRED', 'declined');
    await decisionsOf(offer.id, 2);
    expect(reasonsIn(await standOf(system, offer.id))).toEqual(['already_offered']);
    expect([await countOf(buyer), await openOffersOf(offer.id)]).toEqual([0, 0]);

    const next = await place.buyer(campaignId);
    await place.credit(next.buyerId, 100);
    await reaches(offer.id, 'DISTRIBUTED');
    expect(await buyersOf(offer.id)).toEqual([next.buyerId]);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it('waits again when it is not answered in ten minutes', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const offer = await offered(campaignId, buyer);
    await runOut(offer);
    await story.reaches(offer, buyer, 'EXPIRED', 'ttl');
    await decisionsOf(offer.id, 2);
    expect(reasonsIn(await standOf(system, offer.id))).toEqual(['already_offered']);
  });

  it('is not offered when it cannot wait for a buyer after the offer', async () => {
    const campaignId = await place.campaign();
    await poorBuyer(campaignId);
    const { id } = await lead(campaignId, { ttlSeconds: 1_199 });
    await decisionsOf(id, 1);
    expect(reasonsIn(await standOf(system, id))).toEqual(['wallet']);
  });

  it('goes to three buyers by text, one after another, and then waits for one who can pay', async () => {
    const campaignId = await place.campaign();
    const poor = await Promise.all(Array.from({ length: 4 }, () => poorBuyer(campaignId)));
    const offer = await lead(campaignId);
    for (let asked = 1; asked <= 3; asked += 1) {
      const rows = await system.until<{ phone: string }>(
        `offer ${asked}`,
        `SELECT phone FROM lead_unlocks WHERE lead_id = $1 AND status = 'AWAIT_CONFIRM'`,
        [offer.id],
        (row) => row !== undefined,
      );
      story.says(poor.find(({ phone }) => phone === rows[0]!.phone)!, `N ${offer.leadId}`);
      await decisionsOf(offer.id, asked + 1);
    }
    expect(reasonsIn(await standOf(system, offer.id)).toSorted()).toEqual([
      'already_offered',
      'already_offered',
      'already_offered',
      'wallet',
    ]);
  });

  it('and every further one is offered when the one before is paid', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const first = await offered(campaignId, buyer);
    const second = await lead(campaignId);
    await decisionsOf(second.id, 1);
    await story.buy(first, buyer);
    await story.reaches(second, buyer, 'AWAIT_CONFIRM');
    const [wallet] = await system.rows(
      'SELECT balance_minor, week_spent_minor, month_spent_minor FROM wallets WHERE buyer_id = $1',
      [buyer.buyerId],
    );
    expect(wallet).toEqual({ balance_minor: 0, week_spent_minor: 2_500, month_spent_minor: 2_500 });
  });

  it('waits for another buyer when the payment is refunded before the details are shown', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const offer = await offered(campaignId, buyer);
    const { session } = await story.checkout(offer, buyer);
    // The carrier's rate limit holds the details back.
    const held = system.sandbox.fault({
      vendor: 'twilio',
      kind: 'rate_limit',
      retryAfter: 2,
      contains: buyer.phone,
      method: 'POST',
    });
    const { paymentIntent } = system.sandbox.act.pay(session);
    await story.reaches(offer, buyer, 'PAID');
    expect(await reaches(offer.id, 'DISTRIBUTED')).toEqual([{ status: 'DISTRIBUTED', open: 0 }]);
    system.sandbox.act.refund(paymentIntent.id, {});
    await story.reaches(offer, buyer, 'EXPIRED', 'refunded');
    system.sandbox.clearFaults(held.id);
    await decisionsOf(offer.id, 2);
    expect(reasonsIn(await standOf(system, offer.id))).toEqual(['already_offered']);
    const next = await place.buyer(campaignId);
    await place.credit(next.buyerId, 100);
    await reaches(offer.id, 'DISTRIBUTED');
    expect(await buyersOf(offer.id)).toContain(next.buyerId);
    expect(story.reveals(offer)).toEqual([]);
  });

  it('is offered to a buyer who texts START after STOP', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const first = await offered(campaignId, buyer);
    story.says(buyer, 'STOP');
    await story.reaches(first, buyer, 'OPTED_OUT');
    const second = await lead(campaignId);
    await decisionsOf(second.id, 1);
    expect(reasonsIn(await standOf(system, second.id))).toEqual(['wallet']);
    story.says(buyer, 'START');
    await story.reaches(second, buyer, 'AWAIT_CONFIRM');
  });

  it('is offered a day later to a buyer who left three unanswered', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    for (let n = 0; n < 3; n += 1) {
      const offer = await offered(campaignId, buyer);
      await runOut(offer);
      await story.reaches(offer, buyer, 'EXPIRED', 'ttl');
    }
    const later = await lead(campaignId);
    await decisionsOf(later.id, 1);
    expect(reasonsIn(await standOf(system, later.id))).toEqual(['wallet']);
    // A day passes.
    await system.rows(
      `WITH past AS (UPDATE lead_unlocks SET closed_at = closed_at - interval '1 day' WHERE campaign_id = $1)
       UPDATE campaign_turns SET due_at = now() WHERE campaign_id = $1`,
      [campaignId],
    );
    await story.reaches(later, buyer, 'AWAIT_CONFIRM');
  });

  it('waits for a buyer who is flagged, until the dispute is won', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const first = await offered(campaignId, buyer);
    const { session } = await story.checkout(first, buyer);
    const { paymentIntent } = system.sandbox.act.pay(session);
    await story.reaches(first, buyer, 'DONE');
    const flagged = (is: boolean) =>
      system.until<{ flagged: boolean }>(
        `the buyer to be ${is ? 'flagged' : 'unflagged'}`,
        'SELECT flagged_at IS NOT NULL AS flagged FROM buyers WHERE id = $1',
        [buyer.buyerId],
        (row) => row?.flagged === is,
      );
    system.sandbox.act.dispute(paymentIntent.id);
    await flagged(true);
    const second = await lead(campaignId);
    await decisionsOf(second.id, 1);
    expect(reasonsIn(await standOf(system, second.id))).toEqual(['buyer_flagged']);
    system.sandbox.act.dispute(paymentIntent.id, { status: 'won' });
    await flagged(false);
    await story.reaches(second, buyer, 'AWAIT_CONFIRM');
  });

  it('one at a time: while an offer is open, the next lead passes on', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const first = await offered(campaignId, buyer);
    const second = await lead(campaignId);
    await decisionsOf(second.id, 1);
    expect(reasonsIn(await standOf(system, second.id))).toEqual(['wallet']);
    story.says(buyer, `N ${first.leadId}`);
    // The end of the first offer wakes the campaign.
    await story.reaches(second, buyer, 'AWAIT_CONFIRM');
    expect(await openOffersOf(second.id)).toBe(1);
  });

  it('in a broadcast to few is sold to those who can pay, wherever they stand in the line', async () => {
    const campaignId = await place.campaign({ logic: 'BROADCAST', maxSales: 2 });
    await poorBuyer(campaignId);
    const rich = await Promise.all([place.buyer(campaignId), place.buyer(campaignId)]);
    const { id } = await lead(campaignId);
    await reaches(id, 'DISTRIBUTED');
    expect((await buyersOf(id)).toSorted()).toEqual(rich.map(({ buyerId }) => buyerId).toSorted());
    expect(await openOffersOf(id)).toBe(0);
  });

  it('in a broadcast is sold to those who can pay, and offered to the others beside them', async () => {
    const campaignId = await place.campaign({ logic: 'BROADCAST' });
    const buyer = await poorBuyer(campaignId);
    const rich = await place.buyer(campaignId);
    const offer = await offered(campaignId, buyer);
    expect(await buyersOf(offer.id)).toEqual([rich.buyerId]);
    await story.buy(offer, buyer);
    expect(await buyersOf(offer.id)).toEqual([rich.buyerId, buyer.buyerId]);
    expect(await openOffersOf(offer.id)).toBe(0);
    expect(await wrongBooks(system)).toEqual([]);
  });

  it.each([
    ['a price below 50 cents', { priceMinor: 49 }, {}, {}],
    ['a phone that has opted out', {}, { optedOut: true }, {}],
    ['a phone that its seller has not confirmed', {}, { unconfirmed: true }, {}],
    ['a lead with nothing locked', {}, {}, { locked: undefined }],
  ] as const)('is not offered at %s', async (_what, campaign, phone, options) => {
    const campaignId = await place.campaign(campaign);
    const buyer = await poorBuyer(campaignId);
    if ('optedOut' in phone)
      await system.rows(
        `INSERT INTO phones (id, our_number, number, opted_out_at) VALUES (gen_random_uuid(), $1, $2, now())`,
        [system.runtime.sms.ourNumber, buyer.phone],
      );
    if ('unconfirmed' in phone)
      await system.rows('UPDATE buyers SET phone_confirmed = false WHERE id = $1', [buyer.buyerId]);
    const { id } = await lead(campaignId, options);
    await decisionsOf(id, 1);
    expect(reasonsIn(await standOf(system, id))).toEqual(['wallet']);
  });

  it('when it is a test, is judged so and offered to no one', async () => {
    const campaignId = await place.campaign();
    await poorBuyer(campaignId);
    const { id } = await lead(campaignId, { isTest: true });
    await decisionsOf(id, 1);
    const stand = await standOf(system, id);
    expect([stand.status, reasonsIn(stand)]).toEqual(['TEST', ['offered']]);
    expect(await system.rows('SELECT 1 FROM lead_unlocks WHERE lead_id = $1', [id])).toEqual([]);
  });
});

describe('paid after the offer has ended', () => {
  /** An offer whose session is still open, because Stripe refuses to expire it. */
  async function declinedButPayable(offer: Reserved, buyer: Poor) {
    const { session } = await story.checkout(offer, buyer);
    const slow = system.sandbox.fault({ vendor: 'stripe', kind: 'rate_limit', path: `/${session}/expire` });
    story.says(buyer, `N ${offer.leadId}`);
    await story.reaches(offer, buyer, 'EXPIRED', 'declined');
    return { session, allowExpiry: () => system.sandbox.clearFaults(slow.id) };
  }

  it('[F20] it is sold late while it waits', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const offer = await offered(campaignId, buyer);
    const { session, allowExpiry } = await declinedButPayable(offer, buyer);
    await decisionsOf(offer.id, 2);
    system.sandbox.act.pay(session);
    const { paid_late } = await story.reaches(offer, buyer, 'DONE');
    allowExpiry();
    expect(paid_late).toBe(true);
    expect(await reaches(offer.id, 'DISTRIBUTED')).toEqual([{ status: 'DISTRIBUTED', open: 0 }]);
  });

  it('[F20] it is refunded when the buyer has bought the person by another lead', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const person = { phoneHash: `person-${++made}` };
    const offer = await offered(campaignId, buyer, person);
    const { session, allowExpiry } = await declinedButPayable(offer, buyer);
    await place.credit(buyer.buyerId, 2_500);
    const same = await lead(campaignId, person);
    await reaches(same.id, 'DISTRIBUTED');
    system.sandbox.act.pay(session);
    await system.text(buyer.phone, 'was refunded in full');
    allowExpiry();
    await story.settled();
    expect(story.reveals(offer)).toEqual([]);
    expect([await buyersOf(same.id), await buyersOf(offer.id)]).toEqual([[buyer.buyerId], []]);
  });

  it('[F20] it is refunded when it would exceed a limit of the buyer', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId, { weeklyLimitMinor: 2_500 });
    const offer = await offered(campaignId, buyer);
    const { session, allowExpiry } = await declinedButPayable(offer, buyer);
    await place.credit(buyer.buyerId, 2_500);
    const other = await lead(campaignId);
    await reaches(other.id, 'DISTRIBUTED');
    system.sandbox.act.pay(session);
    await system.text(buyer.phone, 'was refunded in full');
    allowExpiry();
    await story.settled();
    expect(story.reveals(offer)).toEqual([]);
  });

  it('[F20] it is refunded when another buyer has bought it', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const offer = await offered(campaignId, buyer);
    const next = await place.buyer(campaignId);
    const { session, allowExpiry } = await declinedButPayable(offer, buyer);
    await reaches(offer.id, 'DISTRIBUTED');
    const { paymentIntent } = system.sandbox.act.pay(session);
    await system.text(buyer.phone, 'was refunded in full');
    allowExpiry();
    await story.settled();
    const refunds = system.sandbox.ledger.list({
      operation: 'refund.create',
      reference: paymentIntent.id,
      accepted: true,
    });
    expect(refunds.map(({ amount }) => amount)).toEqual([2_500]);
    expect(story.reveals(offer)).toEqual([]);
    expect(await buyersOf(offer.id)).toEqual([next.buyerId]);
  });

  it('[F20] it is refunded while another buyer has an offer of it', async () => {
    const campaignId = await place.campaign();
    const buyer = await poorBuyer(campaignId);
    const offer = await offered(campaignId, buyer);
    const next = await poorBuyer(campaignId);
    const { session, allowExpiry } = await declinedButPayable(offer, buyer);
    await story.reaches(offer, next, 'AWAIT_CONFIRM');
    system.sandbox.act.pay(session);
    await system.text(buyer.phone, 'was refunded in full');
    allowExpiry();
    await story.buy(offer, next);
    expect(await buyersOf(offer.id)).toEqual([next.buyerId]);
    await story.settled();
    expect(await wrongBooks(system)).toEqual([]);
  });
});
