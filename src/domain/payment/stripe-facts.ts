/**
 * The part of a Stripe event that concerns an unlock or a wallet. It is only a hint: a worker fetches and verifies the
 * object before any state changes.
 */
export type StripeFact =
  | { kind: 'paid'; unlockId: string; sessionId: string }
  | { kind: 'ended'; unlockId: string; sessionId: string }
  | { kind: 'changed'; unlockId: string | null; topUpId: string | null; paymentIntent: string }
  | { kind: 'top_up'; topUpId: string; paymentIntent: string }
  /** `customer`: null for a card that was detached. */
  | { kind: 'card'; customer: string | null; paymentMethod: string };

/** Events about refunds and disputes: the object of each names its payment. */
export const reversalEventTypes = [
  'charge.refunded',
  'charge.refund.updated',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'charge.dispute.closed',
] as const;

/** Events about top-ups of wallets and the cards that pay them. */
export const walletEventTypes = [
  'payment_intent.succeeded',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
  'setup_intent.succeeded',
  'payment_method.attached',
  'payment_method.detached',
  'payment_method.updated',
  'payment_method.automatically_updated',
] as const;

const isReversal = (type: string) =>
  type.startsWith('charge.dispute.') || reversalEventTypes.some((known) => known === type);

/** Returns null for events that are about neither, or of an unknown type: nothing follows from them. */
export function stripeFact(type: string, object: Record<string, unknown>): StripeFact | null {
  const metadata = recordOf(object.metadata);
  const unlockId = uuidOf(metadata.unlock_id);
  if (type.startsWith('checkout.session.')) {
    const sessionId = textOf(object.id);
    if (metadata.kind === 'top_up') return topUpSessionFact(object, metadata);
    if (metadata.kind !== 'unlock' || !unlockId || !sessionId) return null;
    return sessionFact(type, object.payment_status, unlockId, sessionId);
  }
  if (isReversal(type)) {
    const paymentIntent = textOf(object.payment_intent);
    // A refund or dispute does not carry our metadata; its payment is looked up by payment intent.
    const foreign = metadata.kind !== undefined && metadata.kind !== 'unlock' && metadata.kind !== 'top_up';
    const topUpId = uuidOf(metadata.top_up_id);
    return paymentIntent && !foreign ? { kind: 'changed', unlockId, topUpId, paymentIntent } : null;
  }
  return walletEventTypes.some((known) => known === type) ? walletFact(type, object, metadata) : null;
}

/** Only a page that took money is a payment: one that needs none, or saves a card, is not. */
function topUpSessionFact(
  { mode, payment_status, payment_intent }: Record<string, unknown>,
  metadata: Record<string, unknown>,
): StripeFact | null {
  const topUpId = uuidOf(metadata.top_up_id);
  const paymentIntent = textOf(payment_intent);
  if (mode !== 'payment' || payment_status !== 'paid' || !topUpId || !paymentIntent) return null;
  return { kind: 'top_up', topUpId, paymentIntent };
}

function walletFact(
  type: string,
  object: Record<string, unknown>,
  metadata: Record<string, unknown>,
): StripeFact | null {
  const id = textOf(object.id);
  if (type.startsWith('payment_intent.')) {
    const topUpId = metadata.kind === 'top_up' ? uuidOf(metadata.top_up_id) : null;
    return id && topUpId ? { kind: 'top_up', topUpId, paymentIntent: id } : null;
  }
  const paymentMethod = type.startsWith('setup_intent.') ? textOf(object.payment_method) : id;
  return paymentMethod ? { kind: 'card', customer: textOf(object.customer), paymentMethod } : null;
}

function sessionFact(
  type: string,
  paymentStatus: unknown,
  unlockId: string,
  sessionId: string,
): StripeFact | null {
  switch (type) {
    case 'checkout.session.completed':
      // Completed but unpaid: a delayed payment method, which is followed by an async_payment event.
      return paymentStatus === 'paid' ? { kind: 'paid', unlockId, sessionId } : null;
    case 'checkout.session.async_payment_succeeded':
      return { kind: 'paid', unlockId, sessionId };
    case 'checkout.session.async_payment_failed':
    case 'checkout.session.expired':
      return { kind: 'ended', unlockId, sessionId };
    default:
      return null;
  }
}

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value.length > 0 && value.length <= 255 ? value : null;
const uuidOf = (value: unknown): string | null =>
  typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value) ? value : null;
