import { defineWorker } from '../engine/define.ts';
import { applyNews } from '../usecases/crm/apply-update.ts';
import { memoryOf, rowsUnderWay } from '../usecases/crm/rate-limit.ts';
import type { DoorDeps } from '../usecases/crm/session.ts';
import { type LeadToSync, leadToSync, mostAttempts, syncLead } from '../usecases/crm/sync-lead.ts';

/**
 * Syncs uploaded leads to their company's CRM, and applies the changes the CRM reports. Most runs only wait for their
 * turn under a location's rate limit (usecases/crm/rate-limit.ts), hence the high concurrency.
 */
export const ghlSyncer = defineWorker<'ghl-syncer', DoorDeps, LeadToSync>({
  name: 'ghl-syncer',
  about: leadToSync,
  concurrency: 300,
  timeoutMs: 120_000,
  attempts: mostAttempts,
  perOrganization: rowsUnderWay,
  gate: (deps) => memoryOf(deps).gate,
  handle: {
    'lead.uploaded': (_event, deps, run) => syncLead(deps, run),
    'lead.sync_requested': (_event, deps, run) => syncLead(deps, run),
    'crm.notified': (event, deps, run) => applyNews(event.data.inboxId, deps, run),
  },
});
