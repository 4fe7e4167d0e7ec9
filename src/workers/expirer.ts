import { findPhone } from '../db/messaging/phones.ts';
import { endCheckout } from '../db/payment/checkout.ts';
import { closeSession, findOpenSessions } from '../db/payment/payments.ts';
import { findOpenUnlocks, subjectOf } from '../db/unlock/unlocks.ts';
import type { UnlockCommand } from '../domain/unlock/machine.ts';
import { defineWorker, type Run } from '../engine/define.ts';
import { finish, type Outcome, park, skip, snooze } from '../engine/outcome.ts';
import type { Runtime } from '../engine/runtime.ts';
import { closeOffer, closingChange, type OpenUnlock } from '../usecases/unlock/close.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'payments'>;

/** Unlocks of one phone or lead closed per round; the next round looks again. */
const roundSize = 100;
/** A session Stripe was asked for by a process that died: its URL never reached anybody. */
const creatingGraceMs = 60_000;

/** Ends offers: TTL, decline, sold out, opt-out. Then closes what is still open at Stripe. */
export const expirer = defineWorker<'expirer', Deps>({
  name: 'expirer',
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    async 'unlock.offered'(event, _deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      return unlock
        ? closeOffer(unlock, { type: 'expire' }, run.now, 'its time is up')
        : skip('no such unlock');
    },

    async 'reply.declined'(event, _deps, run) {
      const unlock = await run.unlock(event.data.unlockId);
      return unlock ? closeOffer(unlock, { type: 'decline' }, run.now, 'declined') : skip('no such unlock');
    },

    async 'lead.sold_out'(event, { db }, run) {
      return closeAll(
        () => findOpenUnlocks(db, { leadId: event.data.leadId }, roundSize),
        { type: 'sell_out' },
        run,
      );
    },

    async 'buyer.opted_out'(event, { db }, run) {
      const phone = await findPhone(db, event.data.phoneId);
      if (!phone?.optedOutAt) return skip('subscribed again meanwhile: what was offered since stands');
      return closeAll(
        () => findOpenUnlocks(db, { phoneId: event.data.phoneId }, roundSize),
        { type: 'opt_out' },
        run,
      );
    },

    async 'unlock.closed'(event, deps, run) {
      return closeCheckout(event.data.unlockId, deps, run);
    },
  },
});

/** One guarded move each, until none is open. A move that lost a race is looked at again in the next round. */
async function closeAll(
  open: () => Promise<OpenUnlock[]>,
  command: UnlockCommand,
  run: Run,
): Promise<Outcome> {
  let closed = 0;
  for (let unlocks = await open(); unlocks.length > 0; unlocks = await open()) {
    let progress = 0;
    for (const unlock of unlocks) {
      const closing = closingChange(unlock, command, run.now);
      if (closing.kind === 'change' && (await run.advance(closing.change))) progress++;
    }
    if (progress === 0) return snooze(1_000, 'the offers keep changing');
    closed += progress;
  }
  return finish({}, `${command.type}: ${closed} closed`);
}

/** An open session must not take money for an offer that ended. Paid in the last moment: the payment decides. */
async function closeCheckout(unlockId: string, deps: Deps, run: Run): Promise<Outcome> {
  const unlock = await run.unlock(unlockId);
  const [session] = await findOpenSessions(deps.db, unlockId);
  if (!unlock || !session) return finish({}, 'nothing open at Stripe');
  if (!session.id) {
    const waited = run.now.getTime() - run.since.getTime();
    return waited < creatingGraceMs
      ? snooze(2_000, 'a session is being created')
      : finish(
          { writes: [endCheckout(unlockId, session.number, 'expired')] },
          'a session nobody was sent to; it expires at Stripe by itself',
        );
  }
  const sessionId = session.id;
  const sent = await deps.effects.keyed(run.effect, {
    key: `expire-${sessionId}`,
    vendor: 'stripe',
    kind: 'expire_session',
    organizationId: unlock.organizationId,
    unlockId,
    call: async (key) => {
      const result = await deps.payments.expireCheckout(sessionId, key);
      return { vendorId: result.id, result: { status: result.status, paymentStatus: result.paymentStatus } };
    },
  });
  if (sent.state === 'wait') return sent.outcome;
  if (sent.state === 'refused') return park(`Stripe refused to close the session (${sent.code})`);
  if (sent.result.paymentStatus === 'paid') {
    return finish({
      events: [
        {
          type: 'payment.reported',
          organizationId: unlock.organizationId,
          subject: subjectOf(unlockId),
          data: { unlockId, sessionId },
        },
      ],
    });
  }
  // Its row stays open for as long as money may come of it: what looks after it must go on looking.
  if (sent.result.status === 'complete') return finish({}, 'complete, and its delayed payment is under way');
  return finish({ writes: [closeSession(sessionId, 'expired')] }, 'session expired');
}
