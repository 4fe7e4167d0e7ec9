import { v7 as uuidv7 } from 'uuid';
import type { CheckoutSession, Payment } from '../adapters/payments.ts';
import { hasRevealFailed } from '../db/messaging/receipts.ts';
import { bookPayment, closeSession, findPayment, slotTaken, takeSlot } from '../db/payment/payments.ts';
import { moveUnlock, subjectOf, type UnlockView } from '../db/unlock/unlocks.ts';
import { decide, isPaid } from '../domain/unlock/machine.ts';
import { defineWorker, type Run } from '../engine/define.ts';
import { finish, type Outcome, park, patience, skip, snooze } from '../engine/outcome.ts';
import type { Runtime } from '../engine/runtime.ts';
import { fallbackKey, firstKey, hasEmail, mailDetails, textDetails } from '../usecases/unlock/reveal.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'payments' | 'vault' | 'config'>;

/** Details asked for again go out at most once in this time. */
const repeatMs = 60_000;
/** How long a reader of the pay page waits for the text to be booked first. */
const textGraceMs = 60_000;

/** Stripe says paid -> verified and booked -> PAID -> the contact is revealed -> DONE. */
export const revealer = defineWorker<'revealer', Deps>({
  name: 'revealer',
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    async 'payment.reported'(event, deps, run) {
      return capture(event.data.unlockId, event.data.sessionId, deps, run);
    },

    async 'payment.captured'(event, deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      if (!unlock) return skip('no such unlock');
      const decision = decide(unlock, { type: 'reveal' }, run.now);
      if (decision.kind !== 'move') return skip('not waiting for a reveal');
      return reveal(unlock, deps, run);
    },

    async 'unlock.revealed'(event, deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      if (!unlock) return skip('no such unlock');
      if (await hasRevealFailed(deps.db, unlock.id))
        return skip('its text failed, which is looked after by itself');
      return deliver(unlock, run, 'no failure was heard of');
    },

    async 'message.delivered'(event, _deps, run) {
      if (event.data.purpose !== 'reveal' || !event.data.unlockId) return skip('not a reveal');
      const unlock = await run.unlock(event.data.unlockId);
      if (!unlock) return skip('no such unlock');
      return deliver(unlock, run, 'delivery receipt');
    },

    async 'reveal.viewed'(event, _deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      if (!unlock) return skip('no such unlock');
      if (unlock.state !== 'PAID') return deliver(unlock, run, 'read on the pay page');
      // The text is normally seconds away; where it cannot be sent, having read the page is the delivery.
      if (run.now.getTime() - run.since.getTime() < textGraceMs)
        return snooze(5_000, 'the text is on its way');
      return finish(
        moveUnlock(unlock, { kind: 'move', path: ['REVEAL_DETAILS_SENT', 'DONE'] }),
        'read on the pay page',
      );
    },

    async 'reveal.requested'(event, deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      if (!unlock || !isPaid(unlock.state)) return skip('not paid');
      const minute = Math.floor(run.since.getTime() / repeatMs);
      const sent = await textDetails(unlock, `reveal-${unlock.id}-again-${minute}`, deps, run);
      if (sent.state === 'wait') return sent.outcome;
      return sent.state === 'accepted'
        ? finish({}, 'details sent again, free')
        : skip(`could not be repeated (${sent.code})`);
    },
  },
});

/** Fetches what Stripe says now, checks it against what was asked for, and takes the lead or returns the money. */
async function capture(unlockId: string, sessionId: string, deps: Deps, run: Run): Promise<Outcome> {
  const session = await deps.payments.retrieveCheckout(sessionId);
  const unlock = await run.unlock(unlockId);
  if (!unlock) return skip('no such unlock');
  if (session.paymentStatus !== 'paid')
    return skip(`Stripe says ${session.paymentStatus}: waiting for its next word`);
  if (!session.paymentIntent) return snooze(2_000, 'the session has no payment yet');
  if (await findPayment(deps.db, { paymentIntent: session.paymentIntent })) return skip('already booked');

  const payment = await deps.payments.retrievePayment(session.paymentIntent);
  const mismatch = findMismatch(
    unlock,
    session,
    payment,
    /^(?:sk|rk)_live_/.test(deps.config.stripe.secretKey),
  );
  if (mismatch) {
    return finish(
      {
        events: [
          {
            type: 'payment.quarantined',
            organizationId: unlock.organizationId,
            subject: subjectOf(unlock.id),
            data: { unlockId: unlock.id, sessionId, reason: mismatch },
          },
        ],
      },
      `quarantined: ${mismatch}`,
    );
  }
  return keepOrReturn(unlock, session, payment, run);
}

function findMismatch(
  unlock: UnlockView,
  session: CheckoutSession,
  payment: Payment,
  live: boolean,
): string | null {
  // Both carry it from the day the session was made: changed on one of them, it could buy another lead.
  for (const { kind, unlock_id: named } of [session.metadata, payment.metadata]) {
    if (kind !== 'unlock' || named !== unlock.id) return 'metadata';
  }
  if (session.amount !== unlock.priceMinor || payment.amountReceived !== unlock.priceMinor) return 'amount';
  if (session.currency !== unlock.currency || payment.currency !== unlock.currency) return 'currency';
  if (session.livemode !== live || payment.livemode !== live) return 'livemode';
  return null;
}

function keepOrReturn(unlock: UnlockView, session: CheckoutSession, payment: Payment, run: Run): Outcome {
  const money = {
    paymentIntent: payment.paymentIntent,
    sessionId: session.id,
    amountMinor: payment.amountReceived,
    currency: payment.currency,
  };
  const paymentId = uuidv7();
  const subject = subjectOf(unlock.id);
  const { organizationId } = unlock;
  const closing = closeSession(session.id, 'complete');
  const data = { unlockId: unlock.id, paymentId };
  const refundedAlready = payment.amountRefunded >= payment.amountReceived;
  const limited = unlock.maxSales !== null;
  const sellable = unlock.contact !== null && (!limited || unlock.soldSlots < unlock.maxSales!);
  const decision = decide(unlock, { type: 'capture', sellable }, run.now);

  if (decision.kind === 'early' || decision.kind === 'nothing') return snooze(2_000, decision.because);
  if (decision.kind === 'refund' || refundedAlready) {
    const reason = decision.kind === 'refund' ? decision.because : 'refunded at Stripe before it was booked';
    return finish(
      {
        writes: [...bookPayment(unlock, money, paymentId, false), closing],
        events: [{ type: 'payment.unwanted', organizationId, subject, data: { ...data, reason } }],
      },
      `money goes back: ${reason}`,
    );
  }
  const lastSlot = limited && unlock.soldSlots + 1 >= unlock.maxSales!;
  return finish(
    moveUnlock(unlock, decision, {
      first: limited ? [takeSlot(unlock)] : [],
      also: limited ? slotTaken : undefined,
      writes: [...bookPayment(unlock, money, paymentId, true), closing],
      events: [
        { type: 'payment.captured', organizationId, subject, data },
        ...(lastSlot
          ? [
              {
                type: 'lead.sold_out' as const,
                organizationId,
                subject: `lead:${unlock.leadId}`,
                data: { leadId: unlock.leadId },
              },
            ]
          : []),
      ],
    }),
    'payment captured',
  );
}

/** SMS first; e-mail where the SMS cannot be delivered; the pay page shows the details either way. */
async function reveal(unlock: UnlockView, deps: Deps, run: Run): Promise<Outcome> {
  const revealed = {
    type: 'unlock.revealed' as const,
    organizationId: unlock.organizationId,
    subject: subjectOf(unlock.id),
    data: { unlockId: unlock.id },
    dueInMs: deps.config.timings.assumeDeliveredMs,
  };
  const sent = await textDetails(unlock, firstKey(unlock.id), deps, run);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused' && sent.code === 'not_paid') return skip('the money went back meanwhile');
  if (sent.state === 'accepted') {
    return finish(
      moveUnlock(unlock, { kind: 'move', path: ['REVEAL_DETAILS_SENT'] }, { events: [revealed] }),
      'details texted',
    );
  }
  if (!hasEmail(unlock))
    return park(
      `the details cannot be texted (${sent.code}) and the buyer has no e-mail: they wait on the pay page`,
    );
  const mailed = await mailDetails(unlock, fallbackKey(unlock.id), deps, run);
  if (mailed.state === 'wait') return mailed.outcome;
  if (mailed.state === 'refused' && mailed.code === 'not_paid') return skip('the money went back meanwhile');
  if (mailed.state === 'refused') {
    return park(
      `the details can neither be texted (${sent.code}) nor mailed (${mailed.code}): they wait on the pay page`,
    );
  }
  return finish(
    moveUnlock(unlock, { kind: 'move', path: ['REVEAL_DETAILS_SENT', 'DONE'] }),
    'details mailed',
  );
}

function deliver(unlock: UnlockView, run: Run, because: string): Outcome {
  const decision = decide(unlock, { type: 'deliver' }, run.now);
  if (decision.kind === 'early') return snooze(patience(run, 1_000), decision.because);
  if (decision.kind !== 'move') return skip('done already');
  return finish(moveUnlock(unlock, decision), because);
}
