import { openAllowance } from '../db/crm/call-slots.ts';
import { type OpenedSync, openSync } from '../db/crm/syncs.ts';
import { defineWorker } from '../engine/define.ts';
import { applyNews } from '../usecases/crm/apply-update.ts';
import { lookAheadMs, memoryOf } from '../usecases/crm/rate-limit.ts';
import type { DoorDeps } from '../usecases/crm/session.ts';
import { type Found, mostAttempts, syncLead, workerId } from '../usecases/crm/sync-lead.ts';

/**
 * Brings uploaded leads into their company's CRM, and the CRM's news back. Most of its runs only wait for their turn at
 * a location's allowance (usecases/crm/rate-limit.ts), hence so many at once.
 */
export const ghlSyncer = defineWorker<'ghl-syncer', DoorDeps>({
  name: 'ghl-syncer',
  concurrency: 300,
  timeoutMs: 120_000,
  attempts: mostAttempts,
  gate: (deps) => memoryOf(deps).gate,

  /** One statement instead of a look at the row, one at the lead and a claim: see its comment. */
  async open(fence, { db, config }) {
    const askedAt = performance.now();
    const { limits, apiKey } = config.ghl;
    const options = {
      worker: workerId,
      sharedKey: apiKey !== null,
      limits,
      aheadMs: limits ? lookAheadMs(limits) : 0,
    };
    let opened = await openSync(db, fence, options);
    if (limits && opened?.sync && isNew(opened.sync)) {
      const { locationId } = opened.sync.connection!;
      if (await openAllowance(db, locationId, limits)) opened = await openSync(db, fence, options);
    }
    return opened && { open: opened.open, found: { sync: opened.sync, askedAt } satisfies Found };
  },

  handle: {
    'lead.uploaded': (_event, deps, run) => syncLead(run.found as Found, deps, run),
    'lead.sync_requested': (_event, deps, run) => syncLead(run.found as Found, deps, run),
    'crm.notified': (event, deps, run) => applyNews(event.data.inboxId, deps, run),
  },
});

/** Nothing is in its way but that no call is free: perhaps its location has no allowance yet. */
const isNew = ({ attempt, connection, heldBecause, status, dayFull }: OpenedSync): boolean =>
  attempt === null &&
  !heldBecause &&
  !dayFull &&
  status === null &&
  connection !== null &&
  !connection.pausedAt;
