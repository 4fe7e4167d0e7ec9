import { endCheckout } from '../../db/payment/checkout.ts';
import { closeSession, findOpenSessions } from '../../db/payment/sessions.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, park, snooze } from '../../engine/outcome.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { paymentReported } from './reconcile.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'payments'>;

/** How long a session without an id may still be in creation; after that its process has died and its URL is unknown. */
const creatingGraceMs = 60_000;

/**
 * Closes the open session of an offer that ended, so that it takes no money. When it was paid in the meantime, the
 * payment is reported instead.
 */
export async function closeOpenSession(unlockId: string, deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  const unlock = await run.subject();
  const [open] = await findOpenSessions(deps.db, unlockId);
  if (!unlock || !open) return finish({}, 'nothing open at Stripe');
  const sessionId = open.id;
  if (!sessionId) {
    if (run.now.getTime() - run.since.getTime() < creatingGraceMs)
      return snooze(2_000, 'a session is being created');
    return finish(
      { writes: [endCheckout(unlockId, open.number, 'expired')] },
      'the session URL was never issued; it expires at Stripe',
    );
  }
  const sent = await deps.effects.keyed(run.effect, {
    key: `expire-${sessionId}`,
    vendor: 'stripe',
    kind: 'expire_session',
    organizationId: unlock.organizationId,
    subject: subjects.unlock(unlockId),
    call: async (key) => {
      const { id, status, paymentStatus } = await deps.payments.expireCheckout(sessionId, key);
      return { vendorId: id, result: { status, paymentStatus } };
    },
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') return park(`Stripe refused to close the session (${sent.code})`);
  if (sent.result.paymentStatus === 'paid')
    return finish({ events: [paymentReported(unlockId, sessionId, unlock.organizationId)] });
  // Its row stays open while a payment may still arrive, so that reconciliation goes on polling it.
  if (sent.result.status === 'complete') return finish({}, 'complete, with a delayed payment pending');
  return finish({ writes: [closeSession(sessionId, 'expired')] }, 'session expired');
}
