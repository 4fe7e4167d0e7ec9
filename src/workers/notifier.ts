import { unlockSubject } from '../db/unlock/subject.ts';
import type { UnlockView } from '../db/unlock/unlocks.ts';
import { defineWorker } from '../engine/define.ts';
import { skip } from '../engine/outcome.ts';
import { subjects } from '../events/subjects.ts';
import { alertOperator, type OperatorAlert } from '../usecases/messaging/alert-operator.ts';
import {
  answerHelp,
  answerUnclear,
  confirmOptIn,
  confirmOptOut,
} from '../usecases/messaging/answer-reply.ts';
import { sendNotice } from '../usecases/messaging/notify-buyer.ts';
import type { Runtime } from '../usecases/runtime.ts';
import { closeUndelivered } from '../usecases/unlock/close.ts';
import { revealByMail } from '../usecases/unlock/reveal.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'vault' | 'config' | 'sms'>;

/** Short answers to buyers, failed texts, and alerts to operators. */
export const notifier = defineWorker<'notifier', Deps, UnlockView>({
  name: 'notifier',
  about: unlockSubject,
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    'reply.unclear': (_event, deps, run) => answerUnclear(deps, run),
    'reply.help': ({ data }, deps, run) => answerHelp(data.phoneId, deps, run),
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

    'crm.paused': (event, deps, run) =>
      alertOperator(
        aboutCompany(event, 'crm_paused', `crm-paused-${companyOf(event)}-${event.id}`),
        deps,
        run,
      ),

    'crm.unwell'(event, deps, run) {
      // Each process reports for itself: one alert a day is enough.
      const day = event.occurredAt.toISOString().slice(0, 10);
      const key = `crm-unwell-${companyOf(event)}-${day}`;
      return alertOperator(aboutCompany(event, 'crm_unwell', key), deps, run);
    },

    'payment.refunded'(event, deps, run) {
      const { paymentId, amount } = event.data;
      const text = `${amount} minor units of payment ${paymentId} were refunded.`;
      return alertOperator(
        about(event, 'payment_refunded', `refunded-${paymentId}-${amount}`, text),
        deps,
        run,
      );
    },

    'payment.disputed'(event, deps, run) {
      const { paymentId } = event.data;
      const text = `Payment ${paymentId} is disputed; its buyer is flagged.`;
      return alertOperator(about(event, 'payment_disputed', `disputed-${paymentId}`, text), deps, run);
    },

    'payment.quarantined'(event, deps, run) {
      const { sessionId, reason } = event.data;
      const text = `Session ${sessionId} was paid, but its ${reason} is not what was asked for. Nothing was revealed.`;
      return alertOperator(about(event, 'payment_rejected', `quarantined-${sessionId}`, text), deps, run);
    },

    'work.parked'(event, deps, run) {
      const { outboxId, worker, error } = event.data;
      const kind = worker === 'revealer' ? 'reveal_failed' : 'work_parked';
      const text = `${worker} gave up: ${error}. Resume it on the console once the cause is fixed.`;
      return alertOperator(about(event, kind, `parked-${outboxId}-${event.id}`, text), deps, run);
    },
  },
});

type Subject = { organizationId: string | null; subject: string };

const about = (
  { organizationId, subject }: Subject,
  kind: OperatorAlert['kind'],
  key: string,
  text: string,
): OperatorAlert => ({ key, kind, organizationId, subject, text });

type CompanyEvent = { organizationId: string | null; data: { reason: string } };

const companyOf = ({ organizationId }: CompanyEvent) => organizationId ?? 'unknown';

const aboutCompany = (event: CompanyEvent, kind: OperatorAlert['kind'], key: string): OperatorAlert => ({
  key,
  kind,
  organizationId: event.organizationId,
  subject: subjects.company(companyOf(event)),
  text: event.data.reason,
});
