import { type ReceivedLead, receivedSubject } from '../db/unlock/subject.ts';
import { markOffered } from '../db/unlock/unlocks.ts';
import { defineWorker } from '../engine/define.ts';
import { finish, type Outcome, skip } from '../engine/outcome.ts';
import type { DomainEvent } from '../events/envelope.ts';
import { subjects } from '../events/subjects.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'distribution'>;

/** Offers a lead to the buyers named for it, one `unlock.offered` each, or sells it to buyers of its campaign. */
export const distributor = defineWorker<'distributor', Deps, ReceivedLead>({
  name: 'distributor',
  about: receivedSubject,
  concurrency: 20,
  timeoutMs: 15_000,
  attempts: 12,
  handle: {
    async 'lead.received'(event, { distribution }, run) {
      const received = await run.subject();
      const { leadId, unlockIds = [] } = event.data;
      if (received?.campaign)
        return distribution.decide({ leadId, ...received.campaign, ending: run.ending });
      return offer(event, received, unlockIds);
    },

    async 'offers.requested'(event, _deps, run) {
      return offer(event, await run.subject(), event.data.unlockIds);
    },

    async 'campaign.woken'({ organizationId, data }, { distribution }, run) {
      if (organizationId === null) return skip('no organization has the campaign');
      return distribution.drain({ organizationId, ...data, ending: run.ending });
    },
  },
});

/** Buyers named by the sender were selected when their unlocks were stored, because the response lists each of them. */
function offer(
  event: DomainEvent<'lead.received' | 'offers.requested'>,
  received: ReceivedLead | null,
  unlockIds: readonly string[],
): Outcome {
  const chosen = new Set(unlockIds);
  const offers = (received?.unlocks ?? []).filter(({ id }) => chosen.has(id));
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
