import { hasRevealFailed } from '../../db/unlock/reveals.ts';
import { type Move, moveUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { decide } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, patience, skip, snooze } from '../../engine/outcome.ts';
import type { Runtime } from '../runtime.ts';

/** How long a view of the pay page waits for the text to be recorded first. */
const textGraceMs = 60_000;

/** The move of a paid unlock whose details need no delivery receipt: mailed, or read on the pay page. */
export const revealedAndDone: Move = { kind: 'move', path: ['REVEAL_DETAILS_SENT', 'DONE'] };

/** Counts the details as delivered when no message with them has failed since they were sent. */
export async function assumeDelivered(
  unlock: UnlockView,
  { db }: Pick<Runtime, 'db'>,
  run: Run,
): Promise<Outcome> {
  if (await hasRevealFailed(db, unlock.id)) return skip('the text failed; its failure is handled separately');
  return markDelivered(unlock, run, 'no failure was reported');
}

/** Counts a view of the details on the pay page as delivery. */
export function markRead(unlock: UnlockView, run: Run): Outcome {
  if (unlock.state !== 'PAID') return markDelivered(unlock, run, 'read on the pay page');
  // The text is normally seconds away; where it cannot be sent, the view of the page is the delivery.
  if (run.now.getTime() - run.since.getTime() < textGraceMs) return snooze(5_000, 'the text is on its way');
  return finish(moveUnlock(unlock, revealedAndDone), 'read on the pay page');
}

export function markDelivered(unlock: UnlockView, run: Run, because: string): Outcome {
  const decision = decide(unlock, { type: 'deliver' }, run.now);
  if (decision.kind === 'early') return snooze(patience(run, 1_000), decision.because);
  if (decision.kind !== 'move') return skip('done already');
  return finish(moveUnlock(unlock, decision), because);
}
