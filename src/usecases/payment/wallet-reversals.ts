import { findReversals } from '../../db/payment/reversals.ts';
import {
  bookCharge,
  findWalletCharge,
  reserve,
  type WalletCharge,
} from '../../db/payment/wallet-reversals.ts';
import { resolveAlertsPart } from '../../db/transport/alerts.ts';
import { disputedTopUpAlert } from '../../domain/messaging/alerts.ts';
import { disputeKind, type Reversals } from '../../domain/payment/reversals.ts';
import { afterReversals, openClaim, walletDelta } from '../../domain/payment/wallet-reversals.ts';
import { descriptions } from '../../domain/payment/wallet-texts.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { fetchReversals, findMade, isBooked, isWithinGrace } from './reversals.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'payments'>;

/** Books the refunds and disputes of a wallet's charge that Stripe reported as changed. */
export async function bookChargeChange(paymentIntent: string, deps: Deps, run: Run): Promise<Outcome> {
  const charge = await findWalletCharge(deps.db, { paymentIntent });
  if (charge) return bookPresent(charge, deps);
  return isWithinGrace(run) ? snooze(3_000, 'the charge is not booked yet') : skip('it was never booked');
}

/** Fetches all refunds and disputes of a charge and books their present states, whichever was reported. */
async function bookPresent(charge: WalletCharge, { db, payments }: Deps): Promise<Outcome> {
  const known = await findReversals(db, charge.id);
  const { now, sums } = await fetchReversals(charge, payments);
  if (isBooked(charge, sums, known, now)) return finish({}, 'no change to book');
  const to = afterReversals(charge, sums);
  const delta = walletDelta(charge, to);
  const claimDelta =
    openClaim(charge.amountMinor, now.disputes) - openClaim(charge.amountMinor, known.disputes);
  const { guard, writes = [] } = bookCharge(charge, {
    to,
    now,
    claimDelta,
    description: describe(delta, claimDelta, sums.disputedMinor !== charge.disputedMinor),
  });
  const decided = now.disputes.filter((dispute) => disputeKind(dispute) !== 'open');
  const passed = resolveAlertsPart(decided.map(({ id }) => disputedTopUpAlert(id)));
  const events = [
    ...newDisputes(charge, known, now),
    ...(delta > 0 || claimDelta < 0 ? [credited(charge)] : []),
  ];
  return finish({ guard, writes: [...writes, passed], events }, 'refunds and disputes booked');
}

function describe(delta: number, claimDelta: number, isDispute: boolean): string {
  if (!isDispute && claimDelta === 0) return delta > 0 ? descriptions.refundFailed : descriptions.refund;
  return delta > 0 ? descriptions.disputeWon : descriptions.dispute;
}

function newDisputes(charge: WalletCharge, known: Reversals, now: Reversals): EventDraft[] {
  const wasOpen = new Set(known.disputes.filter((each) => disputeKind(each) === 'open').map(({ id }) => id));
  const { topUpId, buyerId } = charge;
  return now.disputes
    .filter((dispute) => disputeKind(dispute) === 'open' && !wasOpen.has(dispute.id))
    .map(({ id, amountMinor, reason }) => ({
      ...about(charge),
      type: 'wallet.disputed',
      data: { topUpId, buyerId, disputeId: id, amount: amountMinor, reason },
    }));
}

const about = ({ organizationId, topUpId }: WalletCharge) => ({
  organizationId,
  subject: subjects.top_up(topUpId),
});

const credited = (charge: WalletCharge): EventDraft => ({
  ...about(charge),
  type: 'wallet.credited',
  data: { topUpId: charge.topUpId, buyerId: charge.buyerId },
});

/** Refunds what was reserved of a charge. A refund that Stripe refuses for good is released to the wallet. */
export async function refundReserved(
  { paymentId, giveBackId, amount }: { paymentId: string; giveBackId: string; amount: number },
  deps: Deps,
  run: Run,
): Promise<Outcome> {
  const charge = await findWalletCharge(deps.db, { id: paymentId });
  if (!charge) return skip('no such charge');
  const { paymentIntent, organizationId, topUpId } = charge;
  const sent = await deps.effects.keyed(run.effect, {
    key: `give-back:${giveBackId}:${paymentId}`,
    vendor: 'stripe',
    kind: 'refund',
    organizationId,
    subject: subjects.top_up(topUpId),
    call: async (idempotencyKey) => {
      const made = await deps.payments.refund({ paymentIntent, idempotencyKey, reason: 'give_back', amount });
      return { vendorId: made.id, result: { amount: made.amount } };
    },
    find: (key) => findMade(paymentIntent, key, deps),
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'accepted') return bookPresent(charge, deps);
  const released = Math.min(amount, charge.reservedMinor);
  if (released === 0) return skip(`Stripe refused it (${sent.code}), and it is no longer reserved`);
  const change = reserve(charge, { amountMinor: -released, description: descriptions.refundFailed });
  return finish({ ...change, events: [credited(charge)] }, `Stripe refused it (${sent.code}): released`);
}
