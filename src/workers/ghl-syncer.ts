import { defineWorker } from '../engine/define.ts';
import { applyUpdate } from '../usecases/crm/apply-update.ts';
import { memoryOf } from '../usecases/crm/memory.ts';
import { rowsUnderWay } from '../usecases/crm/rate-limit.ts';
import type { SessionDeps } from '../usecases/crm/session.ts';
import { type LeadToSync, leadToSync, maxAttempts, syncLead } from '../usecases/crm/sync-lead.ts';

/**
 * Syncs uploaded leads to their company's CRM, and applies the changes the CRM reports. It serves every CRM; it is named
 * after the first one, and the Procfile and the queue board depend on the name. Most runs only wait for an account's
 * rate limit (usecases/crm/rate-limit.ts), hence the high concurrency.
 */
export const ghlSyncer = defineWorker<'ghl-syncer', SessionDeps, LeadToSync>({
  name: 'ghl-syncer',
  about: leadToSync,
  concurrency: 300,
  timeoutMs: 120_000,
  attempts: maxAttempts,
  perOrganization: rowsUnderWay,
  gate: (deps) => memoryOf(deps).gate,
  handle: {
    'lead.uploaded': (_event, deps, run) => syncLead(deps, run),
    'lead.sync_requested': (_event, deps, run) => syncLead(deps, run),
    'crm.notified': (event, deps, run) => applyUpdate(event.data.inboxId, deps, run),
  },
});
