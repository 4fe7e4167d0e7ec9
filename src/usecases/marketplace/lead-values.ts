import { type LockedValues, noteContactsRead, type PublicValues } from '../../db/marketplace/leads.ts';
import type { Runtime } from '../runtime.ts';

type Stored = { leadId: string; public: PublicValues; contact: string | null };

/**
 * The values of a page of leads, in their order, the locked ones too unless `isOpen` says otherwise. That they were shown is
 * recorded before they are, once for the page.
 */
export async function openValues<L extends Stored>(
  { db, vault }: Pick<Runtime, 'db' | 'vault'>,
  leads: readonly L[],
  { organizationId, actor, isOpen }: { organizationId: string; actor: string; isOpen: (lead: L) => boolean },
): Promise<Record<string, unknown>[]> {
  const opened = leads.filter((lead) => lead.contact !== null && isOpen(lead));
  const ids = opened.map(({ leadId }) => leadId);
  if (ids.length > 0) await noteContactsRead(db, organizationId, ids, actor);
  const locked = new Map(
    opened.map(({ leadId, contact }) => [leadId, vault.openJson<LockedValues>(contact!)]),
  );
  return leads.map((lead) => ({ ...lead.public.data, ...locked.get(lead.leadId) }));
}
