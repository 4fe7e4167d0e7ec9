import { validate as isUuid } from 'uuid';
import { findConversationOwner } from '../db/messaging/conversations.ts';
import { bookReceipt, findReceiptTarget } from '../db/messaging/receipts.ts';
import type { AlertDraft } from '../db/transport/alerts.ts';
import { findEffectKey } from '../db/transport/effects.ts';
import { findNotification } from '../db/transport/inbox.ts';
import { moveUnlock, type UnlockView } from '../db/unlock/unlocks.ts';
import * as texts from '../domain/messaging/templates.ts';
import { decide, isOpen, isPaid } from '../domain/unlock/machine.ts';
import { defineWorker, type Run } from '../engine/define.ts';
import { finish, type Outcome, park, patience, skip, snooze } from '../engine/outcome.ts';
import type { EffectResult } from '../engine/posting.ts';
import type { Runtime } from '../engine/runtime.ts';
import { alertOperator } from '../usecases/messaging/alert-operator.ts';
import { receiveReply } from '../usecases/messaging/receive-reply.ts';
import { closeOffer } from '../usecases/unlock/close.ts';
import { fallbackKey, hasEmail, mailDetails } from '../usecases/unlock/reveal.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'vault' | 'config' | 'sms' | 'relay'>;

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** Short answers to buyers, the e-mail behind a text that cannot be delivered, and what operators must know. */
export const notifier = defineWorker<'notifier', Deps>({
  name: 'notifier',
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    async 'reply.unclear'(event, deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      if (!unlock || !isOpen(unlock.state)) return skip('no offer open any more');
      const day = Math.floor(run.since.getTime() / dayMs);
      const body = texts.renderUnclear(unlock.language, {
        leadId: unlock.leadPublicId,
        contact: unlock.supportContact,
      });
      return heard(await tell(unlock, `unclear-${unlock.phoneId}-${day}`, 'help', body, deps, run));
    },

    async 'reply.help'(event, deps, run) {
      const owner = await findConversationOwner(deps.db, event.data.phoneId);
      if (!owner) return skip('nothing was ever offered to this number');
      const hour = Math.floor(run.since.getTime() / hourMs);
      const body = texts.renderHelp(owner.language, {
        organization: owner.organization,
        contact: owner.supportContact,
      });
      return heard(
        await deps.effects.sms(run.effect, {
          ...owner.line,
          key: `help-${event.data.phoneId}-${hour}`,
          purpose: 'help',
          body,
        }),
      );
    },

    async 'reply.notified'(event, deps, run) {
      return fetchBack(event.data.inboxId, deps, run, {
        correlationId: event.correlationId,
        causationId: event.id,
      });
    },

    async 'buyer.opted_out'(event, deps, run) {
      if (deps.sms.confirmsOptOut || !event.data.inboxId) return skip('the carrier confirms by itself');
      const owner = await findConversationOwner(deps.db, event.data.phoneId);
      if (!owner) return skip('nothing was ever offered to this number');
      const body = texts.renderStopConfirmed(owner.language, { organization: owner.organization });
      const key = `stop-${event.data.inboxId}`;
      return heard(
        await deps.effects.sms(run.effect, {
          ...owner.line,
          key,
          purpose: 'stop_confirmed',
          body,
          ignoreOptOut: true,
          uncapped: true,
        }),
      );
    },

    async 'crm.paused'(event, deps, run) {
      const organization = event.organizationId ?? 'unknown';
      return alertOperator(
        {
          key: `crm-paused-${organization}-${event.id}`,
          kind: 'crm_paused',
          organizationId: event.organizationId,
          subject: `company:${organization}`,
          text: event.data.reason,
        },
        deps,
        run,
      );
    },

    async 'crm.unwell'(event, deps, run) {
      const organization = event.organizationId ?? 'unknown';
      return alertOperator(
        {
          // Each process notices for itself: one alert a day is enough.
          key: `crm-unwell-${organization}-${event.occurredAt.toISOString().slice(0, 10)}`,
          kind: 'crm_unwell',
          organizationId: event.organizationId,
          subject: `company:${organization}`,
          text: event.data.reason,
        },
        deps,
        run,
      );
    },

    async 'buyer.opted_in'(event, deps, run) {
      if (deps.sms.confirmsOptOut || !event.data.inboxId) return skip('the carrier confirms by itself');
      const owner = await findConversationOwner(deps.db, event.data.phoneId);
      if (!owner) return skip('nothing was ever offered to this number');
      const body = texts.renderStartConfirmed(owner.language, { organization: owner.organization });
      return heard(
        await deps.effects.sms(run.effect, {
          ...owner.line,
          key: `start-${event.data.inboxId}`,
          purpose: 'start_confirmed',
          body,
        }),
      );
    },

    async 'buyer.notice'(event, deps, run) {
      const { unlockId, notice, key, reason } = event.data;
      const unlock = await run.unlock(unlockId);
      if (!unlock) return skip('no such unlock');
      return heard(
        await tell(
          unlock,
          `notice-${unlockId}-${notice}-${key}`,
          notice,
          noticeText(unlock, notice, reason),
          deps,
          run,
        ),
      );
    },

    async 'message.failed'(event, deps, run) {
      const { unlockId, messageId, purpose, code } = event.data;
      const unlock = unlockId ? await run.unlock(unlockId) : null;
      if (!unlock) return skip('not about an unlock');
      if (purpose === 'reveal') return deliverByMail(unlock, { messageId, code }, deps, run);
      return closeDeadNumber(unlock, code, run);
    },

    async 'payment.refunded'(event, deps, run) {
      const { paymentId, amount } = event.data;
      const key = `refunded-${paymentId}-${amount}`;
      return alertOperator(
        about(event, 'payment_refunded', key, `${amount} minor units of payment ${paymentId} went back.`),
        deps,
        run,
      );
    },

    async 'payment.disputed'(event, deps, run) {
      const text = `Payment ${event.data.paymentId} is disputed; its buyer is flagged.`;
      return alertOperator(
        about(event, 'payment_disputed', `disputed-${event.data.paymentId}`, text),
        deps,
        run,
      );
    },

    async 'payment.quarantined'(event, deps, run) {
      const { sessionId, reason } = event.data;
      const text = `Session ${sessionId} was paid but its ${reason} is not what was asked for. Nothing was revealed.`;
      return alertOperator(about(event, 'payment_rejected', `quarantined-${sessionId}`, text), deps, run);
    },

    async 'work.parked'(event, deps, run) {
      const { outboxId, worker, error } = event.data;
      const kind = worker === 'revealer' ? 'reveal_failed' : 'work_parked';
      const text = `${worker} gave up: ${error}. Resume it on the console when the cause is gone.`;
      return alertOperator({ ...about(event, kind, `parked-${outboxId}-${event.id}`, text) }, deps, run);
    },
  },
});

function about(
  event: { organizationId: string | null; subject: string },
  kind: texts.AlertKind,
  key: string,
  text: string,
): AlertDraft & { kind: texts.AlertKind } {
  return { key, kind, organizationId: event.organizationId, subject: event.subject, text };
}

function tell(unlock: UnlockView, key: string, purpose: string, body: string, { effects }: Deps, run: Run) {
  return effects.sms(run.effect, {
    key,
    purpose,
    organizationId: unlock.organizationId,
    unlockId: unlock.id,
    buyerId: unlock.buyerId,
    phoneId: unlock.phoneId,
    to: unlock.phone,
    body,
  });
}

/** A courtesy text that cannot be sent is no reason to trouble anybody. */
function heard(sent: EffectResult<null>): Outcome {
  if (sent.state === 'wait') return sent.outcome;
  return sent.state === 'accepted' ? finish({}, 'told') : skip(`not told (${sent.code})`);
}

function noticeText(
  unlock: UnlockView,
  notice: 'no_longer_available' | 'sold_out' | 'refunded',
  reason: string | undefined,
): string {
  const fields = { buyerName: unlock.buyerName, leadId: unlock.leadPublicId };
  if (notice === 'refunded') {
    const price = { minor: unlock.priceMinor, currency: unlock.currency };
    return texts.renderRefunded(unlock.language, {
      ...fields,
      price,
      reason: reason === 'already_paid' ? 'duplicate' : 'unavailable',
    });
  }
  if (notice === 'sold_out')
    return texts.renderNoLongerAvailable(unlock.language, { ...fields, reason: 'sold_out' });
  const told = ({ sold_out: 'sold_out', declined: 'declined', ttl: 'expired' } as const)[unlock.reason ?? ''];
  return texts.renderNoLongerAvailable(unlock.language, { ...fields, reason: told });
}

/**
 * The details failed at the carrier: the same details by e-mail, which then counts as delivery, also when silence had
 * counted as delivery before. Nothing to do once the buyer has read them on the pay page.
 */
async function deliverByMail(
  unlock: UnlockView,
  failed: { messageId: string; code: string },
  deps: Deps,
  run: Run,
): Promise<Outcome> {
  if (!isPaid(unlock.state)) return skip('not paid, or not any more');
  if (unlock.viewedAt) return skip('read on the pay page');
  const decision = decide(unlock, { type: 'deliver' }, run.now);
  if (decision.kind === 'early') return snooze(patience(run, 1_000), decision.because);
  const mailed = (await findEffectKey(deps.db, failed.messageId)) === fallbackKey(unlock.id);
  if (mailed)
    return park(`the e-mail with the details came back (${failed.code}): they wait on the pay page`);
  if (!hasEmail(unlock)) {
    return park(
      `the details could not be texted (${failed.code}) and the buyer has no e-mail: they wait on the pay page`,
    );
  }
  const sent = await mailDetails(unlock, fallbackKey(unlock.id), deps, run);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused')
    return park(`the details could neither be texted (${failed.code}) nor mailed (${sent.code})`);
  return finish(decision.kind === 'move' ? moveUnlock(unlock, decision) : {}, 'details mailed');
}

/** A landline or dead number ends the offer; a handset that is merely off does not. */
function closeDeadNumber(unlock: UnlockView, code: string, run: Run): Outcome {
  if (code !== 'bad_number') return skip(`not delivered (${code}); the offer stands until its time is up`);
  return closeOffer(unlock, { type: 'undeliverable' }, run.now, 'the number cannot receive texts');
}

/** An unsigned callback is a hint: what counts is what the vendor says when asked by id. */
async function fetchBack(
  inboxId: string,
  deps: Deps,
  run: Run,
  cause: { correlationId: string; causationId: string },
): Promise<Outcome> {
  const hint = await findNotification(deps.db, inboxId);
  if (!hint?.vendorId || !deps.sms.fetchInbound) return skip('nothing to fetch');
  if (hint.kind === 'reply') {
    const text = await deps.sms.fetchInbound(hint.vendorId);
    if (!text) return skip('the vendor knows no such text');
    const reply = {
      source: 'textmagic' as const,
      externalId: text.vendorId,
      ourNumber: deps.sms.ourNumber,
      from: text.from,
    };
    const { action } = await receiveReply(deps, { ...reply, body: text.body, now: run.now, cause });
    return finish({}, `fetched back: ${action}`);
  }
  const said = await deps.sms.status(hint.vendorId);
  const receipt = {
    vendor: deps.sms.vendor,
    effectId: said.reference && isUuid(said.reference) ? said.reference : null,
    vendorId: said.vendorId,
    status: said.status,
    code: said.failure ?? null,
    vendorCode: said.vendorCode ?? null,
  };
  const message = await findReceiptTarget(deps.db, receipt);
  if (!message) return skip('not a message of ours');
  await deps.relay.commit(bookReceipt(message, receipt), { cause });
  return finish({}, `receipt: ${said.status}`);
}
