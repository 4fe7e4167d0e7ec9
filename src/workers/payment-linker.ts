import { type PayingUnlock, payingSubject } from '../db/payment/subject.ts';
import { defineWorker } from '../engine/define.ts';
import { idInSubject } from '../events/subjects.ts';
import { capturePayment } from '../usecases/payment/capture.ts';
import { applyCard } from '../usecases/payment/cards.ts';
import { closeOpenSession } from '../usecases/payment/close-session.ts';
import { bookReported, cancelPayment, chargeRecharge, lookUpOpened } from '../usecases/payment/recharge.ts';
import { bookSessionEnd, reconcileSession } from '../usecases/payment/reconcile.ts';
import { refundPayment, repeatRefund } from '../usecases/payment/refund.ts';
import { bookPaymentChange } from '../usecases/payment/reversals.ts';
import { answerAccepted } from '../usecases/payment/send-link.ts';
import { bookChargeChange, refundReserved } from '../usecases/payment/wallet-reversals.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'links' | 'payments' | 'config'>;

/** Handles payments: of unlocks from the pay link to refunds and disputes, and of wallets and the cards that fill them. */
export const paymentLinker = defineWorker<'payment-linker', Deps, PayingUnlock>({
  name: 'payment-linker',
  about: payingSubject,
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    'reply.accepted': ({ data }, deps, run) => answerAccepted(data.inboxId, deps, run),

    'checkout.opened': ({ data }, deps, run) => reconcileSession(data.unlockId, data.sessionId, deps, run),

    'checkout.ended': ({ data, organizationId }, deps) =>
      bookSessionEnd(data.unlockId, data.sessionId, organizationId, deps),

    'unlock.closed': ({ data }, deps, run) => closeOpenSession(data.unlockId, deps, run),

    'payment.reported': ({ data }, deps, run) => capturePayment(data.sessionId, deps, run),

    'payment.unwanted': ({ data }, deps, run) => refundPayment(data.paymentId, data.reason, deps, run),

    'payment.refund_requested': ({ data }, deps, run) => repeatRefund(data.refundId, deps, run),

    'payment.changed': ({ data, subject }, deps, run) =>
      idInSubject('top_up', subject) === null
        ? bookPaymentChange(data.paymentIntent, deps, run)
        : bookChargeChange(data.paymentIntent, deps, run),

    'wallet.recharge_opened': ({ data }, deps, run) => chargeRecharge(data.topUpId, deps, run),
    'wallet.recharge_due': ({ data }, deps, run) => chargeRecharge(data.topUpId, deps, run),
    'wallet.recharge_canceled': ({ data }, deps) => cancelPayment(data.topUpId, deps),
    'wallet.top_up_opened': ({ data }, deps, run) => lookUpOpened(data.topUpId, deps, run),
    'wallet.payment_reported': ({ data }, deps) => bookReported(data, deps),
    'wallet.card_reported': ({ data }, deps, run) => applyCard(data, deps, run),
    'wallet.give_back_opened': ({ data }, deps, run) => refundReserved(data, deps, run),
  },
});
