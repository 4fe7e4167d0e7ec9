import { unlockSubject } from '../db/unlock/subject.ts';
import type { UnlockView } from '../db/unlock/unlocks.ts';
import { defineWorker } from '../engine/define.ts';
import { skip } from '../engine/outcome.ts';
import type { Runtime } from '../usecases/runtime.ts';
import { assumeDelivered, markDelivered, markRead } from '../usecases/unlock/delivery.ts';
import { reveal, revealAgain } from '../usecases/unlock/reveal.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'vault' | 'config'>;

/** Sends the contact details of a paid unlock, and records their delivery: PAID -> REVEAL_DETAILS_SENT -> DONE. */
export const revealer = defineWorker<'revealer', Deps, UnlockView>({
  name: 'revealer',
  about: unlockSubject,
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    async 'payment.captured'(_event, deps, run) {
      const unlock = await run.subject();
      return unlock ? reveal(unlock, deps, run) : skip('no such unlock');
    },

    async 'reveal.requested'(_event, deps, run) {
      const unlock = await run.subject();
      return unlock ? revealAgain(unlock, deps, run) : skip('no such unlock');
    },

    async 'unlock.revealed'(_event, deps, run) {
      const unlock = await run.subject();
      return unlock ? assumeDelivered(unlock, deps, run) : skip('no such unlock');
    },

    async 'reveal.viewed'(_event, _deps, run) {
      const unlock = await run.subject();
      return unlock ? markRead(unlock, run) : skip('no such unlock');
    },

    async 'message.delivered'(event, _deps, run) {
      if (event.data.purpose !== 'reveal' || !event.data.unlockId) return skip('not a reveal');
      const unlock = await run.subject();
      return unlock ? markDelivered(unlock, run, 'delivery receipt') : skip('no such unlock');
    },
  },
});
