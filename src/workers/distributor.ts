import { type UnofferedUnlock, unofferedSubject } from '../db/unlock/subject.ts';
import { markOffered } from '../db/unlock/unlocks.ts';
import { defineWorker, type Run } from '../engine/define.ts';
import { finish, type Outcome, skip } from '../engine/outcome.ts';
import type { DomainEvent } from '../events/envelope.ts';
import { subjects } from '../events/subjects.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db'>;

/** Offers a lead: one `unlock.offered` for each unlock chosen for it. */
export const distributor = defineWorker<'distributor', Deps, UnofferedUnlock[]>({
  name: 'distributor',
  about: unofferedSubject,
  concurrency: 20,
  timeoutMs: 10_000,
  attempts: 12,
  handle: {
    async 'lead.received'(event, _deps, run) {
      return offer(event, event.data.unlockIds ?? [], run);
    },

    async 'offers.requested'(event, _deps, run) {
      return offer(event, event.data.unlockIds, run);
    },
  },
});

/** Buyers named by the sender were selected when their unlocks were stored, because the response lists each of them. */
async function offer(
  event: DomainEvent<'lead.received' | 'offers.requested'>,
  unlockIds: readonly string[],
  run: Run<UnofferedUnlock[]>,
): Promise<Outcome> {
  const chosen = new Set(unlockIds);
  const offers = ((await run.subject()) ?? []).filter(({ id }) => chosen.has(id));
  if (offers.length === 0) return skip('no unlock left to offer');
  return finish(
    {
      guard: markOffered(offers.map(({ id }) => id)),
      events: offers.map(({ id, ttlMs }) => ({
        type: 'unlock.offered',
        organizationId: event.organizationId,
        subject: subjects.unlock(id),
        data: { unlockId: id },
        // Delays the expirer; the teaser-sender runs immediately.
        dueInMs: Math.max(0, ttlMs),
      })),
    },
    `offered to ${offers.length}`,
  );
}
