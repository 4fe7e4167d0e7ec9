import type { VerifiedStripeEvent } from '../../adapters/payments.ts';
import { findPayment } from '../../db/payment/payments.ts';
import { findCardOwner } from '../../db/payment/wallet-cards.ts';
import { findChargedTopUp, findTopUp, type TopUpOwner } from '../../db/payment/wallet-top-ups.ts';
import { findCustomer } from '../../db/payment/wallets.ts';
import { findUnlockOwner, receiveOnce } from '../../db/transport/inbox.ts';
import { type StripeFact, stripeFact } from '../../domain/payment/stripe-facts.ts';
import type { Cause, EventDraft } from '../../events/envelope.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay'>;

/**
 * Stores an event of Stripe once, and what follows from it, whether it came by webhook or from Stripe's list. Stripe is
 * not called here: a worker fetches and checks the object. An event from which nothing follows is not stored, so that one
 * whose payment is not booked yet is read again from Stripe's list. Returns false when nothing was stored.
 */
export async function receiveStripeEvent(
  { db, relay }: Deps,
  event: VerifiedStripeEvent,
  cause: Cause | null,
): Promise<boolean> {
  const fact = stripeFact(event.type, event.object);
  const found = fact && (await draftOf(db, fact));
  if (!found) return false;
  const { moved } = await relay.commit(
    {
      guard: receiveOnce({
        id: newId(),
        source: 'stripe',
        externalId: event.id,
        kind: event.type.slice(0, 100),
        organizationId: found.organizationId,
        unlockId: found.unlockId,
      }),
      events: [found.draft],
    },
    { cause },
  );
  return moved;
}

type Found = { organizationId: string | null; unlockId: string | null; draft: EventDraft };

/** Returns null when what it is about is not in this database. */
async function draftOf(db: Deps['db'], fact: StripeFact): Promise<Found | null> {
  if (fact.kind === 'top_up' || fact.kind === 'card') return walletDraft(db, fact);
  if (fact.kind === 'changed') {
    const topUp = await findChargedTopUp(db, fact);
    if (topUp) return topUpDraft(topUp, 'payment.changed', fact.paymentIntent);
    const payment = await findPayment(db, { paymentIntent: fact.paymentIntent });
    const owner = payment || !fact.unlockId ? null : await findUnlockOwner(db, fact.unlockId);
    if (!payment && !owner) return null;
    const unlockId = payment?.unlockId ?? fact.unlockId!;
    const organizationId = payment?.organizationId ?? owner;
    const data = { paymentIntent: fact.paymentIntent };
    return {
      organizationId,
      unlockId,
      draft: { type: 'payment.changed', organizationId, subject: subjects.unlock(unlockId), data },
    };
  }
  const { unlockId, sessionId } = fact;
  const organizationId = await findUnlockOwner(db, unlockId);
  if (!organizationId) return null;
  const type = fact.kind === 'paid' ? 'payment.reported' : 'checkout.ended';
  return {
    organizationId,
    unlockId,
    draft: { type, organizationId, subject: subjects.unlock(unlockId), data: { unlockId, sessionId } },
  };
}

async function walletDraft(
  db: Deps['db'],
  fact: Extract<StripeFact, { kind: 'top_up' | 'card' }>,
): Promise<Found | null> {
  if (fact.kind === 'top_up') {
    const topUp = await findTopUp(db, fact.topUpId);
    return topUp && topUpDraft(topUp, 'wallet.payment_reported', fact.paymentIntent);
  }
  const { customer, paymentMethod } = fact;
  // A detached card names no customer any more.
  const owner = customer ? await findCustomer(db, customer) : await findCardOwner(db, paymentMethod);
  if (!owner) return null;
  const { organizationId, buyerId } = owner;
  return {
    organizationId,
    unlockId: null,
    draft: {
      type: 'wallet.card_reported',
      organizationId,
      subject: subjects.wallet(buyerId),
      data: { buyerId, paymentMethod },
    },
  };
}

function topUpDraft(
  { id, organizationId, buyerId }: TopUpOwner,
  type: 'wallet.payment_reported' | 'payment.changed',
  paymentIntent: string,
): Found {
  const about = { organizationId, subject: subjects.top_up(id) };
  const draft: EventDraft =
    type === 'payment.changed'
      ? { ...about, type, data: { paymentIntent } }
      : { ...about, type, data: { topUpId: id, buyerId, paymentIntent } };
  return { organizationId, unlockId: null, draft };
}
