import { Refusal } from '../vendor.ts';
import { chargeOf } from './lookup.ts';
import { type Charge, type Dispute, type DisputeStatus, newId, unixNow } from './objects.ts';
import { noCause, type StripeStore } from './store.ts';

const isInquiry = (status: DisputeStatus) => status.startsWith('warning_');
const isClosed = (status: DisputeStatus) => ['won', 'lost', 'warning_closed'].includes(status);
/** What Stripe charges for a dispute, in minor units. */
const fee = 1_500;

/** The currency of the account's balance, and what a unit of the payment's currency is in it on that day. */
type Settled = { currency: string; rate: number };

/**
 * Opens a dispute, or an inquiry for a `warning_…` status. A later call moves it on; without a status it is then lost. One
 * that was won may be opened again.
 */
export function dispute(
  store: StripeStore,
  paymentIntent: string,
  { settled, ...request }: { status?: DisputeStatus; reason?: string; settled?: Settled },
): Dispute {
  const charge = chargeOf(store, paymentIntent);
  const known = [...store.disputes.values()].find((candidate) => candidate.charge === charge.id);
  if (known) return move(store, known, request.status ?? 'lost', settled);
  const status = request.status ?? 'needs_response';
  const opened = isInquiry(status) ? 'warning_needs_response' : 'needs_response';
  const made = newDispute(charge, request.reason ?? 'fraudulent', opened);
  store.disputes.set(made.id, made);
  charge.disputed = true;
  if (!isInquiry(opened)) withdraw(store, made, settled);
  store.emit('charge.dispute.created', made, noCause);
  if (!isInquiry(opened)) store.emit('charge.dispute.funds_withdrawn', made, noCause);
  return status === opened ? made : move(store, made, status, settled);
}

function move(store: StripeStore, made: Dispute, status: DisputeStatus, settled?: Settled): Dispute {
  const before = made.status;
  const reopens = before === 'won' && !isInquiry(status) && status !== 'won';
  if (isClosed(before) && !reopens) throw new Refusal(409, null, `Dispute ${made.id} is already ${before}.`);
  if (isInquiry(status) && !isInquiry(before))
    throw new Refusal(409, null, `Dispute ${made.id} is ${before} and cannot become an inquiry.`);
  const claims = reopens || (isInquiry(before) && !isInquiry(status));
  made.status = status;
  if (claims) withdraw(store, made, settled);
  if (status === 'won') reinstate(store, made, settled);
  const previous = { status: before };
  if (claims) store.emit('charge.dispute.funds_withdrawn', made, noCause, previous);
  if (status === 'won') store.emit('charge.dispute.funds_reinstated', made, noCause, previous);
  store.emit(isClosed(status) ? 'charge.dispute.closed' : 'charge.dispute.updated', made, noCause, previous);
  return made;
}

function withdraw(store: StripeStore, made: Dispute, settled?: Settled): void {
  made.balance_transactions.push(transaction(made, -made.amount, fee, settled));
  store.movement('dispute.withdrawn', made, made.amount);
}

function reinstate(store: StripeStore, made: Dispute, settled?: Settled): void {
  made.balance_transactions.push(transaction(made, made.amount, 0, settled));
  store.movement('dispute.reinstated', made, made.amount);
}

function transaction(made: Dispute, moved: number, charged: number, settled?: Settled) {
  const amount = Math.round(moved * (settled?.rate ?? 1));
  return {
    id: newId('txn'),
    object: 'balance_transaction' as const,
    amount,
    fee: charged,
    net: amount - charged,
    currency: settled?.currency ?? made.currency,
    reporting_category: moved < 0 ? 'dispute' : 'dispute_reversal',
    source: made.id,
    type: 'adjustment',
    created: unixNow(),
  };
}

/** A dispute is about what was not refunded before. */
function newDispute(charge: Charge, reason: string, status: DisputeStatus): Dispute {
  return {
    id: newId('du'),
    object: 'dispute',
    amount: charge.amount - charge.amount_refunded || charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: unixNow(),
    currency: charge.currency,
    evidence: {},
    evidence_details: {
      due_by: unixNow() + 7 * 86_400,
      has_evidence: false,
      past_due: false,
      submission_count: 0,
    },
    is_charge_refundable: isInquiry(status),
    livemode: charge.livemode,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason,
    status,
  };
}
