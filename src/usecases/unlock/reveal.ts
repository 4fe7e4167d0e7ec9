import { findEffectKey } from '../../db/transport/effects.ts';
import { moveUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { type RevealFields, renderReveal, renderRevealEmail } from '../../domain/messaging/templates.ts';
import { decide, isPaid } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, patience, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { dayOf, tooLate } from '../messaging/answering.ts';
import { textBuyer } from '../messaging/text-buyer.ts';
import type { Runtime } from '../runtime.ts';
import { openContact } from './contact.ts';
import { revealedAndDone } from './delivery.ts';

type Deps = Pick<Runtime, 'effects' | 'vault'>;

/** Sends the details by SMS, or by e-mail where the SMS is refused. The pay page shows them in either case. */
export async function reveal(
  unlock: UnlockView,
  deps: Deps & Pick<Runtime, 'config'>,
  run: Run,
): Promise<Outcome> {
  const decision = decide(unlock, { type: 'reveal' }, run.now);
  if (decision.kind !== 'move') return skip('not waiting for a reveal');
  const sent = await textDetails(unlock, firstKey(unlock.id), deps, run);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'accepted') {
    const events = [revealed(unlock, deps.config.timings.assumeDeliveredMs)];
    return finish(moveUnlock(unlock, decision, { events }), 'details texted');
  }
  if (sent.code === 'not_paid') return skip('the payment was refunded');
  if (!hasEmail(unlock))
    return park(
      `the details cannot be texted (${sent.code}) and the buyer has no e-mail: they wait on the pay page`,
    );
  const mailed = await mailDetails(unlock, fallbackKey(unlock.id), deps, run);
  if (mailed.state === 'wait') return mailed.outcome;
  if (mailed.state === 'accepted') return finish(moveUnlock(unlock, revealedAndDone), 'details mailed');
  if (mailed.code === 'not_paid') return skip('the payment was refunded');
  return park(
    `the details can neither be texted (${sent.code}) nor mailed (${mailed.code}): they wait on the pay page`,
  );
}

/** Sends the details once more, free of charge, to a buyer who asked for them: once a day. */
export async function revealAgain(unlock: UnlockView, deps: Deps, run: Run): Promise<Outcome> {
  if (!isPaid(unlock.state)) return skip('not paid');
  const late = tooLate(run);
  if (late) return late;
  const sent = await textDetails(unlock, `reveal-${unlock.id}-again-${dayOf(run)}`, deps, run);
  if (sent.state === 'wait') return sent.outcome;
  return sent.state === 'accepted'
    ? finish({}, 'details sent again free of charge')
    : skip(`could not be repeated (${sent.code})`);
}

/**
 * Mails the details when the carrier reported that their text failed. The e-mail counts as delivery, even after the
 * text was assumed delivered. Nothing is sent once the buyer has read the details on the pay page.
 */
export async function revealByMail(
  unlock: UnlockView,
  failed: { messageId: string; code: string },
  deps: Deps & Pick<Runtime, 'db'>,
  run: Run,
): Promise<Outcome> {
  if (!isPaid(unlock.state)) return skip('not paid, or refunded');
  if (unlock.viewedAt) return skip('read on the pay page');
  const decision = decide(unlock, { type: 'deliver' }, run.now);
  if (decision.kind === 'early') return snooze(patience(run, 1_000), decision.because);
  const failedIsMail = (await findEffectKey(deps.db, failed.messageId)) === fallbackKey(unlock.id);
  if (failedIsMail)
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

const revealed = (unlock: UnlockView, dueInMs: number): EventDraft => ({
  type: 'unlock.revealed',
  organizationId: unlock.organizationId,
  subject: subjects.unlock(unlock.id),
  data: { unlockId: unlock.id },
  dueInMs,
});

/** The contact details of a paid unlock. Throws when the contact was erased. */
function fieldsOf(unlock: UnlockView, { vault }: Deps): RevealFields {
  return { ...openContact({ vault }, unlock), buyerName: unlock.buyerName, footer: unlock.footer };
}

/** Exempt from the spend cap the first time: it was paid for. */
function textDetails(unlock: UnlockView, key: string, deps: Deps, run: Run) {
  const body = renderReveal(unlock.language, fieldsOf(unlock, deps));
  const uncapped = key === firstKey(unlock.id);
  return textBuyer(unlock, { key, purpose: 'reveal', body, uncapped, isAnswer: !uncapped }, deps, run);
}

function mailDetails(unlock: UnlockView & { buyerEmail: string }, key: string, deps: Deps, run: Run) {
  const mail = renderRevealEmail(unlock.language, {
    ...fieldsOf(unlock, deps),
    leadId: unlock.leadPublicId,
  });
  return deps.effects.email(run.effect, {
    key,
    purpose: 'reveal',
    organizationId: unlock.organizationId,
    subject: subjects.unlock(unlock.id),
    recipient: { kind: 'buyer', id: unlock.buyerId },
    to: unlock.buyerEmail,
    title: mail.subject,
    text: mail.text,
  });
}

function hasEmail(unlock: UnlockView): unlock is UnlockView & { buyerEmail: string } {
  return unlock.buyerEmail !== null && unlock.buyerEmail !== '';
}

/** The text that every purchase gets. */
const firstKey = (unlockId: string) => `reveal-${unlockId}`;

/** The fallback e-mail: one per unlock, whether the text was refused at once or failed at the carrier. */
const fallbackKey = (unlockId: string) => `reveal-email-${unlockId}`;
