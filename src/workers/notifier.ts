import { unlockSubject } from '../db/unlock/subject.ts';
import type { UnlockView } from '../db/unlock/unlocks.ts';
import { alert, heldPaymentAlert } from '../domain/messaging/alerts.ts';
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
      return alertOperator(about(event, event.data.key, alert('installation_unwell', event.data)), deps, run);
    },

    'payment.refunded': ({ data }, deps, run) => alertRefunded(data, deps, run),
    'payment.refund_failed': ({ data }, deps, run) => alertRefundFailed(data, deps, run),
    'payment.inquiry': ({ data }, deps, run) => alertInquiry(data, deps, run),
    'payment.disputed': ({ data }, deps, run) => alertDisputed(data, deps, run),
    'checkout.refused': (event, deps, run) => alertCheckoutRefused(event, deps, run),

    'payment.quarantined'(event, deps, run) {
      const key = heldPaymentAlert(event.data.sessionId);
      return alertOperator(about(event, key, alert('payment_rejected', event.data)), deps, run);
    },

    'work.parked'(event, deps, run) {
      const { outboxId, worker } = event.data;
      const kind = worker === 'revealer' ? 'reveal_failed' : 'work_parked';
      return alertOperator(
        about(event, `parked-${outboxId}-${event.id}`, alert(kind, event.data)),
        deps,
        run,
      );
    },
  },
});

const about = (
  { organizationId, subject }: { organizationId: string | null; subject: string },
  key: string,
  { kind, text }: Pick<OperatorAlert, 'kind' | 'text'>,
): OperatorAlert => ({ key, kind, organizationId, subject, text });
