import { resolveParkedAlert } from '../../db/transport/alerts.ts';
import { findParked, parkedLike } from '../../db/transport/attention.ts';
import { releaseRefused } from '../../db/transport/effects.ts';
import { resumeRow } from '../../db/transport/outbox.ts';
import type { Runtime } from '../../usecases/runtime.ts';

/**
 * Resumes parked work where it stopped, with its attempts reset; the sweeper publishes it within a second. Resuming twice
 * has the effect of once. Returns false when the work was not parked.
 */
export async function resumeParked(
  { db, relay }: Pick<Runtime, 'db' | 'relay'>,
  id: number,
  actor: string,
): Promise<boolean> {
  const cause = await findParked(db, null, id);
  if (!cause) return false;
  const { worker, organizationId, subject, eventId, correlationId } = cause;
  const result = await relay.commit(
    {
      guard: () => resumeRow(id),
      writes: [releaseRefused(subject), resolveParkedAlert(id)],
      events: [{ type: 'work.resumed', organizationId, subject, data: { outboxId: id, worker, actor } }],
    },
    { cause: { correlationId, causationId: eventId } },
  );
  return result.moved;
}

/** Resumed by one click; more of one cause need another. */
export const resumedAtOnce = 500;

/** Resumes parked work and all that failed for the same cause. Returns how many were resumed. */
export async function resumeCause(
  runtime: Pick<Runtime, 'db' | 'relay'>,
  id: number,
  actor: string,
): Promise<number> {
  let resumed = 0;
  for (const each of await parkedLike(runtime.db, id, resumedAtOnce)) {
    if (await resumeParked(runtime, each, actor)) resumed += 1;
  }
  return resumed;
}
