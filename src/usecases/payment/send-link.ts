import { startPayment } from '../../db/payment/payments.ts';
import type { PayingUnlock } from '../../db/payment/subject.ts';
import type { ClaimMove } from '../../db/transport/effects.ts';
import { moveUnlock } from '../../db/unlock/unlocks.ts';
import { renderPaymentLink } from '../../domain/messaging/templates.ts';
import { decide, isOpen, isPaid } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, patience, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { dayOf, tooLate } from '../messaging/answering.ts';
import { buyerNotice } from '../messaging/notify-buyer.ts';
import { type BuyerText, textBuyer } from '../messaging/text-buyer.ts';
import type { Runtime } from '../runtime.ts';
import { closeOffer } from '../unlock/close.ts';

type Deps = Pick<Runtime, 'effects' | 'links'>;

/** A repeated Y gets the same link again, once a day, and not so soon after the first. */
const linkRepeatMs = 60_000;

/** Answers Y with a link to the pay page. Y never charges. */
export async function answerAccepted(inboxId: string, deps: Deps, run: Run<PayingUnlock>): Promise<Outcome> {
  const unlock = await run.subject();
  if (!unlock) return skip('no such unlock');
  const decision = decide(unlock, { type: 'start_payment' }, run.now);
  if (decision.kind === 'early') return snooze(patience(run, 500), decision.because);
  if (decision.kind === 'move') {
    const token = deps.links.token(unlock.id, unlock.tokenVersion);
    const started = startPayment(unlock, decision, deps.links.hash(token));
    return sendLink({ ...unlock, state: 'CREATE_PAYMENT_LINK' }, deps, run, started);
  }
  if (unlock.state === 'CREATE_PAYMENT_LINK') return sendLink(unlock, deps, run);
  return answerRepeat(unlock, inboxId, deps, run);
}

/** `started`: the move to the unlock's state, which commits with the claim of the text. */
async function sendLink(
  unlock: PayingUnlock,
  deps: Deps,
  run: Run<PayingUnlock>,
  started?: ClaimMove['change'],
): Promise<Outcome> {
  const sent = await textLink(unlock, { key: `link-${unlock.id}`, move: started }, deps, run);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') {
    if (sent.code === 'moved') return snooze(500, 'the unlock changed during this run');
    if (sent.code === 'opted_out')
      return closeOffer(unlock, { type: 'opt_out' }, run.now, 'the number has opted out');
    if (sent.code === 'bad_number')
      return closeOffer(unlock, { type: 'undeliverable' }, run.now, 'the number cannot receive texts');
    return park(`the payment link was refused (${sent.code})`);
  }
  const decision = decide(unlock, { type: 'link_sent' }, run.now);
  if (decision.kind !== 'move') return skip('already closed or paid');
  return finish(moveUnlock(unlock, decision), 'payment link accepted by the carrier');
}

async function textLink(
  unlock: PayingUnlock,
  text: Pick<BuyerText, 'key' | 'isAnswer' | 'move'>,
  deps: Deps,
  run: Run<PayingUnlock>,
) {
  const body = renderPaymentLink(unlock.language, {
    buyerName: unlock.buyerName,
    price: { minor: unlock.priceMinor, currency: unlock.currency },
    url: deps.links.url(unlock.id, unlock.tokenVersion),
    leadId: unlock.leadPublicId,
    otherOpenOffers: unlock.otherOpen,
  });
  return textBuyer(unlock, { ...text, purpose: 'payment_link', body }, deps, run);
}

/** Answers a repeated Y with the same link, with the details once paid, or with a notice that the offer has ended. */
async function answerRepeat(
  unlock: PayingUnlock,
  inboxId: string,
  deps: Deps,
  run: Run<PayingUnlock>,
): Promise<Outcome> {
  const late = tooLate(run);
  if (late) return late;
  if (isPaid(unlock.state)) {
    // Of two concurrent Ys, one may be handled after the payment: it requested the link, not the details again.
    if (!unlock.revealedAt || run.since < unlock.revealedAt) return skip('the details are on their way');
    return finish({ events: [revealRequested(unlock, inboxId)] }, 'details requested again');
  }
  if (!isOpen(unlock.state) || run.now >= unlock.ttlExpiresAt) {
    const notice = buyerNotice(unlock, { notice: 'no_longer_available', key: `day-${dayOf(run)}` });
    return finish({ events: [notice] }, 'no longer available');
  }
  const sentAt = unlock.linkSentAt;
  if (!sentAt || run.since.getTime() - sentAt.getTime() < linkRepeatMs)
    return skip('the link was sent less than a minute ago');
  const text = { key: `link-${unlock.id}-again-${dayOf(run)}`, isAnswer: true };
  const sent = await textLink(unlock, text, deps, run);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') return skip(`the link could not be repeated (${sent.code})`);
  return finish({}, 'payment link sent again');
}

const revealRequested = (unlock: PayingUnlock, inboxId: string): EventDraft => ({
  type: 'reveal.requested',
  organizationId: unlock.organizationId,
  subject: subjects.unlock(unlock.id),
  data: { unlockId: unlock.id, inboxId },
});
