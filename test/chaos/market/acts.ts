import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from '../machine.ts';
import type { Random } from '../random.ts';
import { type Ask, taken } from './client.ts';
import type { MarketBuyer, MarketPlace } from './place.ts';

type Stage = { machine: Machine; ask: Ask; place: MarketPlace; random: Random };

export type ActLog = Record<string, number>;

const pauseMs = 700;

/**
 * What sellers, buyers, cardholders and banks do while leads come in, one act after another until `isOver`: adding money,
 * pausing, other cards, confirming, refunds and disputes. Also lets the days pass after which a declined charge is repeated.
 * Returns how often each was done.
 */
export async function actUntil(stage: Stage, isOver: () => boolean): Promise<ActLog> {
  const log: ActLog = {};
  const names = Object.keys(acts);
  const begun: Promise<void>[] = [];
  for (let n = 0; !isOver(); n += 1) {
    const name = n < names.length ? names[n]! : stage.random.oneOf(names);
    // Failures are those of the machine under test; what they left is judged at the end.
    begun.push(
      acts[name]!(stage).then(
        (done) => {
          if (done) log[name] = (log[name] ?? 0) + 1;
        },
        () => undefined,
      ),
    );
    await delay(pauseMs);
  }
  await Promise.all(begun);
  return log;
}

const anyOf = ({ place, random }: Stage, ...names: string[]): MarketBuyer =>
  random.oneOf(place.buyers.filter(({ kind }) => names.length === 0 || names.includes(kind.name)));

let keys = 0;
async function add({ ask }: Stage, buyer: MarketBuyer, amount: number): Promise<boolean> {
  keys += 1;
  const headers = { ...buyer.as, 'idempotency-key': `add-${keys}` };
  const once = () => ask(headers, 'POST', '/api/payments/wallet', { amount });
  const [first, second] = await Promise.all([once(), once()]);
  return first.status === 200 && second.status === 200;
}

/** Returns false when there was nothing to do. */
const acts: Record<string, (stage: Stage) => Promise<boolean>> = {
  'money added': (stage) => add(stage, anyOf(stage, 'poor', 'prepaid', 'recharged'), 12),

  'money added to an empty wallet': (stage) => add(stage, anyOf(stage, 'poor', 'without money'), 20),

  'a subscription paused and resumed': async (stage) => {
    const { ask, random } = stage;
    const buyer = anyOf(stage);
    const subscriptionId = random.oneOf(buyer.subscriptions);
    const set = (status: string) =>
      taken(ask(buyer.as, 'PUT', '/api/campaigns/subscribe', { subscriptionId, status }));
    await set('PAUSED');
    await delay(2_000);
    await set('ACTIVE');
    return true;
  },

  'a campaign paused and resumed': async ({ ask, place, random }) => {
    const { id } = random.oneOf(place.campaigns);
    const set = (status: string) => taken(ask(place.seller.as, 'PUT', `/api/campaigns/${id}`, { status }));
    await set('PAUSED');
    await delay(500);
    await set('ACTIVE');
    return true;
  },

  'another card': async (stage) => {
    const buyer = anyOf(stage, 'of a card that declines', 'of a stolen card');
    const body = { paymentMethodId: 'pm_card_mastercard', setAsPrimary: true };
    await taken(stage.ask(buyer.as, 'POST', '/api/payments/methods', body));
    return true;
  },

  'a charge confirmed at the bank': async ({ machine: { db, vendors, publicUrl }, place, random }) => {
    const waiting = await db.query<{ id: string; buyerId: string; intent: string }>(
      `SELECT id, buyer_id AS "buyerId", payment_intent AS intent FROM top_ups WHERE state = 'needs_action' AND payment_intent IS NOT NULL`,
    );
    if (waiting.length === 0) return false;
    const { id, buyerId, intent } = random.oneOf(waiting);
    const { cookie } = place.buyers.find((buyer) => buyer.buyerId === buyerId)!;
    // The button of the mailed page leads to the bank.
    const answer = await fetch(`${publicUrl}/market/wallet/top-ups/${id}/confirm`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: publicUrl, 'content-type': 'application/x-www-form-urlencoded' },
      signal: AbortSignal.timeout(12_000),
    });
    if (answer.status !== 303) throw new Error(`the page answered ${answer.status}`);
    const outcome = random.below(4) === 0 ? 'failed' : 'succeeded';
    await vendors.control('POST', `bank/${intent}`, { outcome });
    return true;
  },

  // A day, three or seven pass.
  'a declined charge due again': async ({ machine: { db } }) =>
    (
      await db.query(
        `UPDATE outbox o SET due_at = now() FROM events e WHERE e.id = o.event_id AND e.occurred_at = o.event_at
         AND e.type = 'wallet.recharge_due' AND o.due_at > now() + interval '1 hour'
         AND EXISTS (SELECT 1 FROM top_ups t WHERE t.id = (e.data->>'topUpId')::uuid AND t.state = 'retrying') RETURNING o.id`,
      )
    ).length > 0,

  'a lead whose time is over': async ({ machine: { db } }) =>
    (
      await db.query(
        `WITH late AS (
           UPDATE distributions SET expires_at = now() WHERE lead_id = (SELECT lead_id FROM distributions
             WHERE status = 'PENDING' AND received_at < now() - interval '8 s' ORDER BY received_at LIMIT 1) RETURNING lead_id)
         UPDATE outbox o SET due_at = now() FROM events e, late WHERE e.id = o.event_id AND e.occurred_at = o.event_at
           AND e.type = 'lead.waiting' AND e.subject = 'lead:' || late.lead_id RETURNING o.id`,
      )
    ).length > 0,

  'part of a charge refunded at Stripe': async (stage) => {
    const intent = await someCharge(stage, 'prepaid');
    if (intent === null) return false;
    await stage.machine.vendors.control('POST', `payments/${intent}/refund`, { amount: 150 });
    return true;
  },

  'a charge disputed': async (stage) => {
    const intent = await someCharge(stage, 'recharged');
    if (intent === null) return false;
    const { control } = stage.machine.vendors;
    await control('POST', `payments/${intent}/dispute`);
    await delay(2_000);
    await control('POST', `payments/${intent}/dispute`, {
      status: stage.random.below(2) === 0 ? 'won' : 'lost',
    });
    return true;
  },
};

/** Stripe's id of a charge that filled a wallet of such a buyer. */
async function someCharge(stage: Stage, kind: string): Promise<string | null> {
  const charges = await stage.machine.db.query<{ intent: string }>(
    `SELECT p.payment_intent AS intent FROM payments p JOIN top_ups t ON t.id = p.subject_id AND p.purpose = 'top_up'
     WHERE t.buyer_id = $1 AND p.disputed_minor + p.withdrawn_minor = 0 AND p.refunded_minor < p.amount_minor / 2`,
    [anyOf(stage, kind).buyerId],
  );
  return charges.length === 0 ? null : stage.random.oneOf(charges).intent;
}
