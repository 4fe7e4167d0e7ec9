import type { Change } from '../../db/commit.ts';
import { moveUnlock, subjectOf, type UnlockView } from '../../db/unlock/unlocks.ts';
import {
  decide,
  type UnlockCommand,
  type UnlockDecision,
  type UnlockState,
} from '../../domain/unlock/machine.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';

export type OpenUnlock = Pick<UnlockView, 'id' | 'state' | 'organizationId' | 'ttlExpiresAt'>;

/** A pay page may have been opened from here on. */
const linkStates: readonly UnlockState[] = ['CREATE_PAYMENT_LINK', 'PAYMENT_LINK_SENT', 'AWAITING_PAYMENT'];

/** How an offer ends, whoever ends it: the move, and what is still open at Stripe to be closed after it. */
export function closingChange(
  unlock: OpenUnlock,
  command: UnlockCommand,
  now: Date,
): { kind: 'change'; change: Change } | Exclude<UnlockDecision, { kind: 'move' }> {
  const decision = decide(unlock, command, now);
  if (decision.kind !== 'move') return decision;
  const { organizationId } = unlock;
  const subject = subjectOf(unlock.id);
  const events: EventDraft[] = [];
  if (linkStates.includes(unlock.state)) {
    events.push({
      type: 'unlock.closed',
      organizationId,
      subject,
      data: { unlockId: unlock.id, reason: command.type },
    });
    // Whoever was about to pay is told; whoever only got a teaser is not bothered.
    if (command.type === 'sell_out') {
      events.push({
        type: 'buyer.notice',
        organizationId,
        subject,
        data: { unlockId: unlock.id, notice: 'sold_out', key: 'once' },
      });
    }
  }
  return { kind: 'change', change: moveUnlock(unlock, decision, { events }) };
}

/** The same as an outcome: finished, not yet, or nothing left to end. */
export function closeOffer(unlock: OpenUnlock, command: UnlockCommand, now: Date, note: string): Outcome {
  const closing = closingChange(unlock, command, now);
  if (closing.kind === 'change') return finish(closing.change, note);
  // By the database's clock, like everything about time; never early.
  if (closing.kind === 'early')
    return snooze(unlock.ttlExpiresAt.getTime() - now.getTime() + 1, closing.because);
  return skip('not open any more');
}
