import { findUnoffered, markOffered } from '../db/unlock/unlocks.ts';
import { chooseOffers } from '../domain/matching/choose.ts';
import { defineWorker, eventOnly } from '../engine/define.ts';
import { finish, skip } from '../engine/outcome.ts';
import { subjects } from '../events/subjects.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db'>;

/** Offers a lead: one `unlock.offered` per chosen buyer. */
export const distributor = defineWorker<'distributor', Deps>({
  name: 'distributor',
  about: eventOnly,
  concurrency: 20,
  timeoutMs: 10_000,
  attempts: 12,
  handle: {
    async 'lead.received'(event, { db }) {
      const candidates = await findUnoffered(db, event.data.leadId);
      const offers = chooseOffers(
        { kind: 'named' },
        candidates.map(({ id, ttlMs }) => ({ unlockId: id, ttlMs })),
      );
      if (offers.length === 0) return skip('no buyer left to offer it to');
      return finish(
        {
          guard: markOffered(offers.map((offer) => offer.unlockId)),
          events: offers.map((offer) => ({
            type: 'unlock.offered',
            organizationId: event.organizationId,
            subject: subjects.unlock(offer.unlockId),
            data: { unlockId: offer.unlockId },
            // Delays the expirer; the teaser-sender works at once.
            dueInMs: Math.max(0, offer.ttlMs),
          })),
        },
        `offered to ${offers.length}`,
      );
    },
  },
});
