import type { Change } from '../../db/commit.ts';
import { type Movable, moveUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { decide, isPayable, type UnlockCommand, type UnlockDecision } from '../../domain/unlock/machine.ts';
import { finish, type Outcome, skip, snooze } from '../../engine/outcome.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { buyerNotice } from '../messaging/notify-buyer.ts';

export type OpenUnlock = Movable & Pick<UnlockView, 'ttlExpiresAt'>;

/** The change that ends an offer: its move, and the event that closes what is still open at Stripe. */
export function closingChange(
  unlock: OpenUnlock,
  command: UnlockCommand,
  now: Date,
): { kind: 'change'; change: Change } | Exclude<UnlockDecision, { kind: 'move' }> {
  const decision = decide(unlock, command, now);
  if (decision.kind !== 'move') return decision;
  const { organizationId } = unlock;
  const events: EventDraft[] = [];
  if (isPayable(unlock.state)) {
    events.push({
      type: 'unlock.closed',
      organizationId,
      subject: subjects.unlock(unlock.id),
      data: { unlockId: unlock.id, reason: command.type },
    });
    // A buyer who was about to pay is notified; one who only got a teaser is not.
    if (command.type === 'sell_out') {
      events.push(buyerNotice(unlock, { notice: 'sold_out', key: 'once' }));
    }
  }
  return { kind: 'change', change: moveUnlock(unlock, decision, { events }) };
}

/** Ends an offer: finished, snoozed until its TTL when it is too early, or skipped when it is not open. */
export function closeOffer(unlock: OpenUnlock, command: UnlockCommand, now: Date, note: string): Outcome {
  const closing = closingChange(unlock, command, now);
  if (closing.kind === 'change') return finish(closing.change, note);
  // Compared with the database's clock, so that no offer ends early.
  if (closing.kind === 'early')
    return snooze(unlock.ttlExpiresAt.getTime() - now.getTime() + 1, closing.because);
  return skip('no longer open');
}

/** Ends an offer whose text failed at a landline or invalid number. An unreachable handset does not end it. */
export function closeUndelivered(unlock: OpenUnlock, code: string, now: Date): Outcome {
  if (code !== 'bad_number') return skip(`not delivered (${code}); the offer stands until its TTL`);
  return closeOffer(unlock, { type: 'undeliverable' }, now, 'the number cannot receive texts');
}
