import { unlockSubject } from '../db/unlock/subject.ts';
import type { UnlockView } from '../db/unlock/unlocks.ts';
import { alert, heldPaymentAlert } from '../domain/messaging/alerts.ts';
import { causeIn } from '../domain/transport/reason.ts';
import { defineWorker } from '../engine/define.ts';
import { skip } from '../engine/outcome.ts';
import { alertOperator, type OperatorAlert } from '../usecases/messaging/alert-operator.ts';
import {
  answerHelp,
  answerUnclear,
  confirmOptIn,
  confirmOptOut,
} from '../usecases/messaging/answer-reply.ts';
import { sendNotice } from '../usecases/messaging/notify-buyer.ts';
import {
  alertCheckoutRefused,
  alertDisputed,
  alertInquiry,
  alertRefunded,
  alertRefundFailed,
} from '../usecases/payment/alert.ts';
import { alertDisputedTopUp, alertHeldTopUp, tellBuyer } from '../usecases/payment/recharge-news.ts';
import type { Runtime } from '../usecases/runtime.ts';
import { closeUndelivered } from '../usecases/unlock/close.ts';
import { revealByMail } from '../usecases/unlock/reveal.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'vault' | 'config'>;

/** Sends notices and replies to buyers and alerts to operators, and handles failed texts. */
export const notifier = defineWorker<'notifier', Deps, UnlockView>({
  name: 'notifier',
  about: unlockSubject,
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    'reply.unclear': (_event, deps, run) => answerUnclear(deps, run),
    'reply.help': ({ data }, deps, run) => answerHelp(data, deps, run),
    'buyer.opted_out': ({ data }, deps, run) => confirmOptOut(data, deps, run),
    'buyer.opted_in': ({ data }, deps, run) => confirmOptIn(data, deps, run),
    'buyer.notice': ({ data }, deps, run) => sendNotice(data, deps, run),

    async 'message.failed'({ data }, deps, run) {
      const unlock = await run.subject();
      if (!unlock) return skip('not about an unlock');
      return data.purpose === 'reveal'
        ? revealByMail(unlock, data, deps, run)
        : closeUndelivered(unlock, data.code, run.now);
    },

    'crm.paused'(event, deps, run) {
      const key = `crm-paused-${event.organizationId ?? 'unknown'}-${event.id}`;
      return alertOperator(about(event, key, alert('crm_paused', event.data)), deps, run);
    },

    'crm.unwell'(event, deps, run) {
      // Each process reports separately, so alerts are limited to one per day.
      const day = event.occurredAt.toISOString().slice(0, 10);
      const key = `crm-unwell-${event.organizationId ?? 'unknown'}-${day}`;
      return alertOperator(about(event, key, alert('crm_unwell', event.data)), deps, run);
    },

    'installation.unwell'(event, deps, run) {
      const { key, code: check, reason } = event.data;
      const raised = alert('installation_unwell', { check, reason });
      // Its key begins with the check and, for a trouble of one machine, the machine.
      return alertOperator({ ...about(event, key, raised), cause: key.replace(/\/[^/]*$/, '') }, deps, run);
    },

    'payment.refunded': (event, deps, run) => alertRefunded(event, deps, run),
    'payment.refund_failed': (event, deps, run) => alertRefundFailed(event, deps, run),
    'payment.inquiry': (event, deps, run) => alertInquiry(event, deps, run),
    'payment.disputed': (event, deps, run) => alertDisputed(event, deps, run),
    'checkout.refused': (event, deps, run) => alertCheckoutRefused(event, deps, run),

    'payment.quarantined'(event, deps, run) {
      const key = heldPaymentAlert(event.data.sessionId);
      const raised = alert('payment_rejected', event.data);
      return alertOperator({ ...about(event, key, raised), cause: key }, deps, run);
    },

    'wallet.recharge_declined': ({ data }, deps, run) => tellBuyer(data.topUpId, 'declined', deps, run),
    'wallet.recharge_needs_action': ({ data }, deps, run) => tellBuyer(data.topUpId, 'confirm', deps, run),
    'wallet.recharge_stopped': ({ data }, deps, run) => tellBuyer(data.topUpId, 'stopped', deps, run),
    'wallet.payment_held': (event, deps, run) => alertHeldTopUp(event, deps, run),
    'wallet.disputed': (event, deps, run) => alertDisputedTopUp(event, deps, run),

    'work.parked'(event, deps, run) {
      const { outboxId, worker, eventType } = event.data;
      const raised = alert(worker === 'revealer' ? 'reveal_failed' : 'work_parked', event.data);
      // Many steps fail for one reason, which names no lead and no buyer without its ids.
      const cause = [worker, eventType, causeIn(raised.text)].join(' ');
      return alertOperator({ ...about(event, `parked-${outboxId}-${event.id}`, raised), cause }, deps, run);
    },
  },
});

const about = (
  {
    organizationId,
    subject,
    occurredAt,
  }: { organizationId: string | null; subject: string; occurredAt: Date },
  key: string,
  raised: Pick<OperatorAlert, 'kind' | 'text' | 'details'>,
): OperatorAlert => ({ key, organizationId, subject, occurredAt, ...raised });
