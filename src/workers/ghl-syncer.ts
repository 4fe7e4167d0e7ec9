import { openAllowance } from '../db/crm/call-slots.ts';
import { type OpenedSync, openSync } from '../db/crm/syncs.ts';
import { defineWorker } from '../engine/define.ts';
import { applyNews } from '../usecases/crm/apply-update.ts';
import { lookAheadMs, memoryOf } from '../usecases/crm/rate-limit.ts';
import type { DoorDeps } from '../usecases/crm/session.ts';
import { type Found, mostAttempts, syncLead, workerId } from '../usecases/crm/sync-lead.ts';

/**
 * Syncs uploaded leads to their company's CRM, and applies the changes the CRM reports. Most runs only wait for their
 * turn under a location's rate limit (usecases/crm/rate-limit.ts), hence the high concurrency.
 */
export const ghlSyncer = defineWorker<'ghl-syncer', DoorDeps>({
  name: 'ghl-syncer',
  concurrency: 300,
  timeoutMs: 120_000,
  attempts: mostAttempts,
  gate: (deps) => memoryOf(deps).gate,

  /** Opens the row, reads the lead and claims a call in one statement (see openSync). */
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

/** Returns true when only a free call is missing: the allowance of its location may not have been opened yet. */
const isNew = ({ attempt, connection, heldBecause, status, dayFull }: OpenedSync): boolean =>
  attempt === null &&
  !heldBecause &&
  !dayFull &&
  status === null &&
  connection !== null &&
  !connection.pausedAt;
