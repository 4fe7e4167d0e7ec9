import { sql } from 'drizzle-orm';
import {
  bookDispute,
  bookRefund,
  closeSession,
  findPayment,
  findReveal,
  findSession,
  flagBuyer,
  type PaymentRow,
  undoSale,
} from '../db/payment/payments.ts';
import { countOtherOpen, findUnlock, moveUnlock, subjectOf, type UnlockView } from '../db/unlock/unlocks.ts';
import { TransientError } from '../domain/errors.ts';
import { renderPaymentLink } from '../domain/messaging/templates.ts';
import { decide, isOpen, isPaid } from '../domain/unlock/machine.ts';
import { defineWorker, type Run } from '../engine/define.ts';
import { finish, type Outcome, park, patience, skip, snooze } from '../engine/outcome.ts';
import type { Runtime } from '../engine/runtime.ts';
import { closeOffer } from '../usecases/unlock/close.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'links' | 'payments' | 'config'>;

/** A repeated Y gets the same link again, at most once in this time. */
const linkRepeatMs = 60_000;
/** How long a refund or dispute may precede our own booking of its payment. */
const bookingGraceMs = 10 * 60_000;

/**
 * reply.accepted -> a link to the pay page (Y never charges); what became of open sessions; money that goes back.
 */
export const paymentLinker = defineWorker<'payment-linker', Deps>({
  name: 'payment-linker',
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    async 'reply.accepted'(event, deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      if (!unlock) return skip('no such unlock');
      const decision = decide(unlock, { type: 'start_payment' }, run.now);
      if (decision.kind === 'early') return snooze(patience(run, 500), decision.because);
      if (decision.kind === 'move') {
        const token = deps.links.token(unlock.id, unlock.tokenVersion);
        const started = await run.advance(
          moveUnlock(unlock, decision, {
            set: [sql`token_hash = ${deps.links.hash(token)}`],
            also: sql`NOT EXISTS (SELECT 1 FROM payments p WHERE p.unlock_id = lead_unlocks.id AND p.kept)`,
          }),
        );
        if (!started) return snooze(500, 'the unlock changed meanwhile');
        return sendLink({ ...unlock, state: 'CREATE_PAYMENT_LINK' }, deps, run);
      }
      if (unlock.state === 'CREATE_PAYMENT_LINK') return sendLink(unlock, deps, run);
      return answerRepeat(unlock, event.data.inboxId, deps, run);
    },

    async 'checkout.opened'(event, deps, run) {
      return reconcile(event.data.unlockId, event.data.sessionId, deps, run);
    },

    async 'checkout.ended'(event, { db, payments }) {
      const known = await findSession(db, event.data.sessionId);
      if (!known || known.state === 'complete' || known.state === 'expired') return skip('already booked');
      const session = await payments.retrieveCheckout(event.data.sessionId);
      if (session.status === 'open') return skip('still open at Stripe');
      if (session.paymentStatus === 'paid')
        return finish({ events: [reported(event.data.unlockId, session.id, event.organizationId)] });
      // Complete and unpaid: its delayed payment failed. No money can come of it any more, and the buyer may pay anew.
      return finish(
        { writes: [closeSession(session.id, 'expired')] },
        session.status === 'expired' ? 'session expired' : 'its delayed payment failed',
      );
    },

    async 'payment.unwanted'(event, deps, run) {
      return refund(event.data.paymentId, event.data.reason, deps, run);
    },

    async 'payment.changed'(event, deps, run) {
      return bookChange(event.data.paymentIntent, deps, run);
    },
  },
});

async function sendLink(unlock: UnlockView, deps: Deps, run: Run): Promise<Outcome> {
  const sent = await textLink(unlock, `link-${unlock.id}`, deps, run);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') {
    if (sent.code === 'opted_out')
      return closeOffer(unlock, { type: 'opt_out' }, run.now, 'opted out meanwhile');
    if (sent.code === 'bad_number')
      return closeOffer(unlock, { type: 'undeliverable' }, run.now, 'the number cannot receive texts');
    return park(`the payment link was refused (${sent.code})`);
  }
  const decision = decide(unlock, { type: 'link_sent' }, run.now);
  if (decision.kind !== 'move') return skip('closed or paid meanwhile');
  return finish(moveUnlock(unlock, decision), 'payment link accepted by the carrier');
}

async function textLink(unlock: UnlockView, key: string, { db, effects, links }: Deps, run: Run) {
  return effects.sms(run.effect, {
    key,
    purpose: 'payment_link',
    organizationId: unlock.organizationId,
    unlockId: unlock.id,
    buyerId: unlock.buyerId,
    phoneId: unlock.phoneId,
    to: unlock.phone,
    body: renderPaymentLink(unlock.language, {
      buyerName: unlock.buyerName,
      price: { minor: unlock.priceMinor, currency: unlock.currency },
      url: links.url(unlock.id, unlock.tokenVersion),
      leadId: unlock.leadPublicId,
      otherOpenOffers: await countOtherOpen(db, unlock),
    }),
  });
}

/** Y once more: the same link, the details, or a plain no. */
async function answerRepeat(unlock: UnlockView, inboxId: string, deps: Deps, run: Run): Promise<Outcome> {
  if (isPaid(unlock.state)) {
    // One of two Ys at once may be handled after the other was paid for: it asked for the link, not for a repetition.
    if (!unlock.revealedAt || run.since < unlock.revealedAt) return skip('the details are on their way');
    return finish(
      {
        events: [
          {
            type: 'reveal.requested',
            organizationId: unlock.organizationId,
            subject: subjectOf(unlock.id),
            data: { unlockId: unlock.id, inboxId },
          },
        ],
      },
      'asked for the details again',
    );
  }
  if (!isOpen(unlock.state) || run.now >= unlock.ttlExpiresAt) {
    return finish({ events: [notice(unlock, 'no_longer_available', inboxId)] }, 'no longer available');
  }
  // Named by the minute the reply came in: however often this runs, and however many Ys a minute has, one text.
  const minute = Math.floor(run.since.getTime() / linkRepeatMs);
  const sentAt = unlock.linkSentAt;
  if (!sentAt || run.since.getTime() - sentAt.getTime() < linkRepeatMs)
    return skip('the link went out a moment ago');
  const sent = await textLink(unlock, `link-${unlock.id}-again-${minute}`, deps, run);
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') return skip(`the link could not be repeated (${sent.code})`);
  return finish({}, 'the same link again');
}

/** The webhook may never come: as long as a session can be paid, Stripe is asked about it. */
async function reconcile(unlockId: string, sessionId: string, deps: Deps, run: Run): Promise<Outcome> {
  const known = await findSession(deps.db, sessionId);
  if (!known || known.state === 'complete' || known.state === 'expired') return skip('its end is booked');
  const session = await deps.payments.retrieveCheckout(sessionId).catch((error: unknown) => {
    // A vendor that is away for an hour must not use up the attempts of a look that repeats for a day.
    if (error instanceof TransientError) return null;
    throw error;
  });
  if (!session) return snooze(deps.config.timings.reconcileEveryMs, 'Stripe did not answer');
  const organizationId = (await run.unlock(unlockId))?.organizationId ?? null;
  if (session.paymentStatus === 'paid') {
    return finish(
      { events: [reported(unlockId, sessionId, organizationId)] },
      'paid, and its webhook has not come',
    );
  }
  if (session.status === 'expired')
    return finish({ writes: [closeSession(sessionId, 'expired')] }, 'session expired');
  const again = deps.config.timings.reconcileEveryMs;
  return snooze(
    again,
    run.now > session.expiresAt ? 'a delayed payment is under way' : 'still open at Stripe',
  );
}

async function refund(paymentId: string, reason: string, deps: Deps, run: Run): Promise<Outcome> {
  const payment = await findPayment(deps.db, { id: paymentId });
  if (!payment) return skip('no such payment');
  const unlock = await run.unlock(payment.unlockId);
  if (!unlock) return skip('no such unlock');
  const told = notice(unlock, 'refunded', payment.id, reason);
  if (payment.refundedMinor >= payment.amountMinor) return finish({ events: [told] }, 'already refunded');

  const sent = await deps.effects.keyed(run.effect, {
    key: `refund-${payment.paymentIntent}`,
    vendor: 'stripe',
    kind: 'refund',
    organizationId: payment.organizationId,
    unlockId: payment.unlockId,
    call: async (key) => {
      const result = await deps.payments.refund({
        paymentIntent: payment.paymentIntent,
        idempotencyKey: key,
        reason,
      });
      return { vendorId: result.id, result: { amount: result.amount } };
    },
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused')
    return park(`Stripe refused the refund (${sent.code}); the buyer must get the money back by hand`);
  return finish(
    { ...bookRefund(payment, payment.amountMinor), events: [refunded(payment, payment.amountMinor), told] },
    'refunded in full',
  );
}

/** Books what Stripe says of a payment now: refunds made elsewhere, disputes. */
async function bookChange(paymentIntent: string, deps: Deps, run: Run): Promise<Outcome> {
  let payment = await findPayment(deps.db, { paymentIntent });
  if (!payment) {
    const waited = run.now.getTime() - run.since.getTime();
    return waited < bookingGraceMs
      ? snooze(3_000, 'its payment is not booked yet')
      : skip('not a payment of ours');
  }
  const actual = await deps.payments.retrievePayment(paymentIntent);
  if (actual.disputed && !payment.disputedAt) {
    const event = {
      type: 'payment.disputed' as const,
      organizationId: payment.organizationId,
      subject: subjectOf(payment.unlockId),
      data: { unlockId: payment.unlockId, paymentId: payment.id },
    };
    if (!(await run.advance({ ...bookDispute(payment), events: [event] })))
      return snooze(500, 'the payment changed meanwhile');
    payment = { ...payment, disputedAt: run.now };
  }
  if (actual.amountRefunded <= payment.refundedMinor) return finish({}, 'nothing new');
  return bookRefundOf(payment, actual.amountRefunded, deps, run);
}

async function bookRefundOf(payment: PaymentRow, amount: number, { db }: Deps, run: Run): Promise<Outcome> {
  // Asked anew: what the run began with may be older than the booking of this payment.
  const unlock = await findUnlock(db, payment.unlockId);
  const events = [refunded(payment, amount)];
  const decision = unlock && decide(unlock, { type: 'refund_before_reveal' }, run.now);
  const reveal = unlock ? await findReveal(db, unlock.id) : 'none';
  if (unlock && decision?.kind === 'move' && payment.kept && amount >= payment.amountMinor) {
    const waited = run.now.getTime() - run.since.getTime();
    if (reveal === 'unclear' && waited < bookingGraceMs)
      return snooze(5_000, 'the details may be on their way');
    // Given back before anything was shown: nothing will be.
    if (reveal === 'none') {
      const undone = undoSale(unlock, payment);
      return finish(
        moveUnlock(unlock, decision, { ...undone, events }),
        'full refund booked, nothing was shown',
      );
    }
  }
  // The details cannot be un-shown: an operator looks at who got them for nothing.
  const shown =
    payment.kept && (unlock?.revealedAt || reveal !== 'none') ? [flagBuyer(payment.unlockId)] : [];
  const { guard, writes } = bookRefund(payment, amount);
  return finish({ guard, writes: [...writes, ...shown], events }, 'refund booked');
}

const reported = (unlockId: string, sessionId: string, organizationId: string | null) => ({
  type: 'payment.reported' as const,
  organizationId,
  subject: subjectOf(unlockId),
  data: { unlockId, sessionId },
});

const refunded = (payment: PaymentRow, amount: number) => ({
  type: 'payment.refunded' as const,
  organizationId: payment.organizationId,
  subject: subjectOf(payment.unlockId),
  data: { unlockId: payment.unlockId, paymentId: payment.id, amount },
});

const notice = (
  unlock: UnlockView,
  kind: 'no_longer_available' | 'sold_out' | 'refunded',
  key: string,
  reason?: string,
) => ({
  type: 'buyer.notice' as const,
  organizationId: unlock.organizationId,
  subject: subjectOf(unlock.id),
  data: { unlockId: unlock.id, notice: kind, key, ...(reason ? { reason } : {}) },
});
