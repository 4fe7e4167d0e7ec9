import { type PayingUnlock, payingSubject } from '../db/payment/subject.ts';
import { defineWorker } from '../engine/define.ts';
import { capturePayment } from '../usecases/payment/capture.ts';
import { closeOpenSession } from '../usecases/payment/close-session.ts';
import { bookSessionEnd, reconcileSession } from '../usecases/payment/reconcile.ts';
import { refundPayment, repeatRefund } from '../usecases/payment/refund.ts';
import { bookPaymentChange } from '../usecases/payment/reversals.ts';
import { answerAccepted } from '../usecases/payment/send-link.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'links' | 'payments' | 'config'>;

/** Handles the payments of an unlock: pay link, sessions at Stripe, captures, refunds and disputes. */
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

    'payment.changed': ({ data }, deps, run) => bookPaymentChange(data.paymentIntent, deps, run),
  },
});
