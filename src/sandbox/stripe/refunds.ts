import { type Params, Refusal } from '../vendor.ts';
import { chargeOf } from './lookup.ts';
import {
  type Charge,
  newId,
  type Refund,
  type RefundOutcome,
  type RefundStatus,
  unixNow,
} from './objects.ts';
import { metadataFrom } from './params.ts';
import { anything, check, integer, list, metadata, oneOf, text } from './shape.ts';
import { type Cause, noCause, type StripeStore } from './store.ts';

/** When a bank sends the money of a refund back. */
const failsAfterMs = 100;

const hasEnded = (status: RefundStatus) => status === 'failed' || status === 'canceled';

/** POST /v1/refunds */
export function refund(store: StripeStore, params: Params, cause: Cause): Refund {
  check(params, {
    payment_intent: text(),
    charge: text(),
    amount: integer(1, 99_999_999),
    reason: oneOf('duplicate', 'fraudulent', 'requested_by_customer'),
    metadata,
    refund_application_fee: anything,
    reverse_transfer: anything,
    instructions_email: text(),
    expand: list(text(500), 20),
  });
  const charge = chargeToRefund(store, params);
  assertRefundable(store, charge);
  const left = charge.amount - charge.amount_refunded;
  const amount = params.amount === undefined ? left : Number(params.amount);
  if (amount > left) {
    const message = `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`;
    throw new Refusal(400, null, message, 'amount');
  }
  const usual: RefundOutcome = { status: 'succeeded' };
  const outcome = store.refundOutcomes.get(charge.payment_intent) ?? usual;
  const made = newRefund(charge, amount, params, outcome.status);
  store.refunds.set(made.id, made);
  store.emit('refund.created', made, cause);
  if (hasEnded(outcome.status)) end(store, made, outcome, cause);
  else take(store, charge, amount, cause);
  const { later } = outcome;
  if (later) store.later(failsAfterMs, () => settleRefund(store, made.id, { status: later }));
  return made;
}

/** What becomes of a refund later. A refund that succeeded may still fail: the bank sends the money back. */
export function settleRefund(store: StripeStore, id: string, outcome: RefundOutcome): Refund {
  const made = store.refunds.get(id);
  if (!made) throw new Refusal(404, 'resource_missing', `No such refund: '${id}'`, 'id');
  const before = made.status;
  if (hasEnded(before) || (before === 'succeeded' && outcome.status !== 'failed'))
    throw new Refusal(409, null, `Refund ${id} is already ${before}.`);
  made.status = outcome.status;
  if (hasEnded(outcome.status)) {
    const charge = chargeOf(store, made.payment_intent);
    charge.amount_refunded -= made.amount;
    charge.refunded = false;
    end(store, made, outcome, noCause, before);
  } else {
    for (const type of ['refund.updated', 'charge.refund.updated'])
      store.emit(type, made, noCause, { status: before });
  }
  return made;
}

/** POST /v1/refunds/:id/cancel */
export function cancelRefund(store: StripeStore, id: string): Refund {
  const made = store.refunds.get(id);
  if (made && made.status !== 'requires_action')
    throw new Refusal(400, null, `Refund ${id} cannot be canceled: its status is ${made.status}.`);
  return settleRefund(store, id, { status: 'canceled' });
}

function assertRefundable(store: StripeStore, charge: Charge): void {
  if (charge.refunded)
    throw new Refusal(400, 'charge_already_refunded', `Charge ${charge.id} has already been refunded.`);
  const claimed = [...store.disputes.values()].some(
    ({ charge: of, status }) =>
      of === charge.id && ['needs_response', 'under_review', 'lost'].includes(status),
  );
  if (claimed)
    throw new Refusal(
      400,
      'charge_disputed',
      `Charge ${charge.id} has been charged back; cannot issue a refund.`,
    );
}

/** The money leaves the balance when a refund is made, also while it is pending. */
function take(store: StripeStore, charge: Charge, amount: number, cause: Cause): void {
  const before = { amount_refunded: charge.amount_refunded, refunded: charge.refunded };
  charge.amount_refunded += amount;
  charge.refunded = charge.amount_refunded === charge.amount;
  const changed = charge.refunded ? before : { amount_refunded: before.amount_refunded };
  store.emit('charge.refunded', charge, cause, changed);
}

/** A refund that did not return the money: the balance has it again. */
function end(
  store: StripeStore,
  made: Refund,
  { status, failure }: RefundOutcome,
  cause: Cause,
  before: RefundStatus = 'pending',
): void {
  const failed = status === 'failed';
  Object.assign(made, {
    status,
    ...(failed && {
      failure_reason: failure ?? 'expired_or_canceled_card',
      failure_balance_transaction: newId('txn'),
    }),
  });
  store.movement('refund.returned', made, made.amount);
  for (const type of ['refund.updated', 'charge.refund.updated', ...(failed ? ['refund.failed'] : [])])
    store.emit(type, made, cause, { status: before });
}

function newRefund(charge: Charge, amount: number, params: Params, status: RefundStatus): Refund {
  return {
    id: newId('re'),
    object: 'refund',
    amount,
    balance_transaction: newId('txn'),
    charge: charge.id,
    created: unixNow(),
    currency: charge.currency,
    destination_details: { type: 'card', card: { type: 'refund' } },
    metadata: metadataFrom(params.metadata),
    payment_intent: charge.payment_intent,
    reason: typeof params.reason === 'string' ? params.reason : null,
    receipt_number: null,
    source_transfer_reversal: null,
    status,
    transfer_reversal: null,
  };
}

function chargeToRefund(store: StripeStore, params: Params): Charge {
  if (typeof params.payment_intent === 'string') return chargeOf(store, params.payment_intent);
  if (typeof params.charge !== 'string') {
    throw new Refusal(
      400,
      'parameter_missing',
      'One of the following params should be provided: payment_intent or charge.',
    );
  }
  const charge = store.charges.get(params.charge);
  if (!charge) throw new Refusal(404, 'resource_missing', `No such charge: '${params.charge}'`, 'charge');
  if (!charge.paid) throw new Refusal(400, null, `Charge ${charge.id} has not succeeded.`, 'charge');
  return charge;
}
