import { sql } from 'drizzle-orm';
import { findParked } from '../../db/transport/attention.ts';
import { releaseRefused } from '../../db/transport/effects.ts';
import { resumeRow } from '../../db/transport/outbox.ts';
import type { UnlockDetail } from '../../db/unlock/list.ts';
import type { Runtime } from '../../engine/runtime.ts';

/**
 * Puts parked work back where it stopped, with its attempts counted anew; the sweeper hands it out within a second.
 * Resuming twice resumes once. False: it was not parked (any more).
 */
export async function resumeParked(
  { db, relay }: Pick<Runtime, 'db' | 'relay'>,
  id: number,
  actor: string,
): Promise<boolean> {
  const cause = await findParked(db, id);
  if (!cause) return false;
  const { worker, organizationId, subject, eventId, correlationId } = cause;
  const result = await relay.commit(
    {
      guard: () => resumeRow(id),
      writes: [
        ...(subject.startsWith('unlock:') ? [releaseRefused(subject.slice('unlock:'.length))] : []),
        {
          name: 'alert',
          statement: (when) => sql`UPDATE alerts SET resolved_at = now()
            WHERE resolved_at IS NULL AND key LIKE ${`parked-${id}-%`} AND ${when}`,
        },
      ],
      events: [{ type: 'work.resumed', organizationId, subject, data: { outboxId: id, worker, actor } }],
    },
    { cause: { correlationId, causationId: eventId } },
  );
  return result.moved;
}

/** The audit trail of the locked contact: who read it, and when. */
export async function recordContactRead(
  { relay }: Pick<Runtime, 'relay'>,
  unlock: UnlockDetail,
  actor: string,
): Promise<void> {
  const { leadUuid, organizationId } = unlock;
  await relay.commit({
    events: [
      {
        type: 'lead.contact_read',
        organizationId,
        subject: `lead:${leadUuid}`,
        data: { leadId: leadUuid, actor },
      },
    ],
  });
}
