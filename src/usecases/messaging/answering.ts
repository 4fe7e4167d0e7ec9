import type { Run } from '../../engine/define.ts';
import { type Outcome, skip } from '../../engine/outcome.ts';

/**
 * Texts that answer a text. The text may be a machine's, which answers ours with its next one, so three rules keep an
 * automatic answer from starting a loop:
 *
 * - its key names the phone or the unlock, what it says and the day, never the text that it answers;
 * - it uses only a part of its number's spend cap (`isAnswer`), and waits for room there;
 * - when it is an hour old, it is dropped.
 */

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The day of a text, for the key of its answer: the same answer is sent once a day. */
export const dayOf = (run: Pick<Run, 'since'>): number => Math.floor(run.since.getTime() / dayMs);

/** The outcome of an answer that comes too late to be one. Returns null while it may be sent. */
export function tooLate({ now, since }: Pick<Run, 'now' | 'since'>): Outcome | null {
  if (now.getTime() - since.getTime() <= hourMs) return null;
  return skip('not answered: the text came more than an hour ago');
}
