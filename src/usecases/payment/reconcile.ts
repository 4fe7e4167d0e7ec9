import { closeSession, findSession, type SessionRow } from '../../db/payment/sessions.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import { TransientError } from '../../domain/errors.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'payments' | 'config'>;

/** Polls an open session until it has ended: its webhook may never arrive. */
export async function reconcileSession(
  unlockId: string,
  sessionId: string,
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  if (isEnded(await findSession(deps.db, sessionId))) return skip('session end already booked');
  const every = deps.config.timings.reconcileEveryMs;
  const session = await deps.payments.retrieveCheckout(sessionId).catch((error: unknown) => {
    // An outage of an hour must not use up the attempts of a poll that goes on for a day.
    if (error instanceof TransientError) return null;
    throw error;
  });
  if (!session) return snooze(every, 'Stripe did not answer');
  if (session.paymentStatus === 'paid') {
    const organizationId = (await run.subject())?.organizationId ?? null;
    const event = paymentReported(unlockId, sessionId, organizationId);
    return finish({ events: [event] }, 'paid; the webhook has not arrived');
  }
  if (session.status === 'expired')
    return finish({ writes: [closeSession(sessionId, 'expired')] }, 'session expired');
  return snooze(every, run.now > session.expiresAt ? 'a delayed payment is pending' : 'still open at Stripe');
}

/** Fetches a session that Stripe reported as ended unpaid, and books its end. */
export async function bookSessionEnd(
  unlockId: string,
  sessionId: string,
  organizationId: string | null,
  { db, payments }: Pick<Deps, 'db' | 'payments'>,
): Promise<Outcome> {
  if (isEnded(await findSession(db, sessionId))) return skip('already booked');
  const session = await payments.retrieveCheckout(sessionId);
  if (session.status === 'open') return skip('still open at Stripe');
  if (session.paymentStatus === 'paid')
    return finish({ events: [paymentReported(unlockId, session.id, organizationId)] });
  // Complete and unpaid: its delayed payment failed and can no longer succeed, so the buyer may pay in a new session.
  return finish(
    { writes: [closeSession(session.id, 'expired')] },
    session.status === 'expired' ? 'session expired' : 'its delayed payment failed',
  );
}

/** An unknown session counts as ended. */
const isEnded = (session: SessionRow | null) =>
  !session || session.state === 'complete' || session.state === 'expired';

export const paymentReported = (
  unlockId: string,
  sessionId: string,
  organizationId: string | null,
): EventDraft => ({
  type: 'payment.reported',
  organizationId,
  subject: subjects.unlock(unlockId),
  data: { unlockId, sessionId },
});
