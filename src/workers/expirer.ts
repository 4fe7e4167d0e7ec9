import { expireLead, findWaitingLead } from '../db/marketplace/pending.ts';
import { findPhone } from '../db/messaging/phones.ts';
import { unlockSubject } from '../db/unlock/subject.ts';
import type { UnlockView } from '../db/unlock/unlocks.ts';
import { findOpenUnlocks } from '../db/unlock/unlocks.ts';
import type { UnlockCommand } from '../domain/unlock/machine.ts';
import { defineWorker, type Run } from '../engine/define.ts';
import { finish, type Outcome, skip, snooze } from '../engine/outcome.ts';
import type { Runtime } from '../usecases/runtime.ts';
import { closeOffer, closingChange, type OpenUnlock } from '../usecases/unlock/close.ts';

type Deps = Pick<Runtime, 'db'>;

/** Unlocks of one phone or lead closed per round. */
const roundSize = 100;
/** An offer ends before the lead's own time, unless the work that ends it is late. */
const reservedMs = 30_000;

/** Ends offers: TTL, decline, sold out, opt-out. Expires leads that found no buyer. */
export const expirer = defineWorker<'expirer', Deps, UnlockView>({
  name: 'expirer',
  about: unlockSubject,
  concurrency: 20,
  timeoutMs: 25_000,
  attempts: 12,
  handle: {
    async 'unlock.offered'(_event, _deps, run) {
      const unlock = await run.subject();
      return unlock
        ? closeOffer(unlock, { type: 'expire' }, run.now, 'its time is up')
        : skip('no such unlock');
    },

    async 'reply.declined'(_event, _deps, run) {
      const unlock = await run.subject();
      return unlock ? closeOffer(unlock, { type: 'decline' }, run.now, 'declined') : skip('no such unlock');
    },

    async 'lead.sold_out'(event, { db }, run) {
      return closeAll(
        () => findOpenUnlocks(db, { leadId: event.data.leadId }, roundSize),
        { type: 'sell_out' },
        run,
      );
    },

    async 'lead.waiting'({ organizationId, data }, { db }) {
      const lead = await findWaitingLead(db, data.leadId);
      if (lead?.status !== 'PENDING') return skip('it waits no longer');
      if (lead.leftMs > 0) return snooze(lead.leftMs, 'its time is not over');
      if (lead.isReserved) return snooze(reservedMs, 'a buyer has an offer of it');
      return finish(expireLead({ organizationId, ...data }), 'no buyer in time');
    },

    async 'buyer.opted_out'(event, { db }, run) {
      const { phoneId, organizationId = null } = event.data;
      const phone = await findPhone(db, phoneId);
      const stands =
        phone?.optedOutAt || (organizationId !== null && phone?.optedOutOf.includes(organizationId));
      if (!stands) return skip('phone resubscribed; offers kept open');
      return closeAll(
        () => findOpenUnlocks(db, { phoneId, organizationId }, roundSize),
        { type: 'opt_out' },
        run,
      );
    },
  },
});

/** Closes unlocks one guarded move each, until none is open. A move that lost a race is retried in the next round. */
async function closeAll(
  open: () => Promise<OpenUnlock[]>,
  command: UnlockCommand,
  run: Run<UnlockView>,
): Promise<Outcome> {
  let closed = 0;
  for (let unlocks = await open(); unlocks.length > 0; unlocks = await open()) {
    let progress = 0;
    for (const unlock of unlocks) {
      const closing = closingChange(unlock, command, run.now);
      if (closing.kind === 'change' && (await run.advance(closing.change))) progress++;
    }
    if (progress === 0) return snooze(1_000, 'offers changed concurrently');
    closed += progress;
  }
  return finish({}, `${command.type}: ${closed} closed`);
}
