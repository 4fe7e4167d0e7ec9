import type { CrmContactEvent } from '../../adapters/crm.ts';
import type { CrmName } from '../../config.ts';
import { findAccountOwner } from '../../db/crm/connections.ts';
import { findByContact, recordUpdateTime, type SyncedLead } from '../../db/crm/contact-updates.ts';
import { receiveOnce } from '../../db/transport/inbox.ts';
import { changesIn, isShared } from '../../domain/crm/contact-update.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault'>;

/**
 * Stores a webhook once, also for an account that is not connected here. Only an event that changes one of a company's
 * leads is passed on. Every write of ours comes back as an event: of those, only the id is kept.
 */
export async function receiveUpdate(
  { db, relay, vault }: Deps,
  vendor: CrmName,
  received: { event: CrmContactEvent; body: string; correlationId: string },
): Promise<void> {
  const { event, body, correlationId } = received;
  const { accountId, contactId, change } = event;
  const owner = await findAccountOwner(db, { vendor, accountId });
  const organizationId = owner?.organizationId ?? null;
  const leads =
    organizationId && contactId
      ? await findByContact(db, { vendor, accountId, contactId }, organizationId)
      : [];
  const shared = isShared(leads);
  const isChange = change === 'delete' || leads.some((lead) => differs(event, { ...lead, shared }));
  // An event about consent is never taken for an echo: older ones may still arrive.
  const isConsent = leads.length > 0 && change === 'consent';
  const isEcho = leads.length > 0 && !isChange && !isConsent;
  const id = newId();
  const entry = {
    id,
    source: vendor,
    externalId: event.id,
    kind: event.type.slice(0, 100),
    organizationId,
    body: isEcho ? null : vault.seal(body),
    intent: isEcho ? 'echo' : null,
  };
  await relay.commit(
    {
      guard: receiveOnce(entry),
      // An update that changes nothing still makes older ones outdated.
      writes: isEcho && change === 'update' ? [recordUpdateTime(leads, event.at)] : [],
      // Without an organization: it must not wait while the company's rows are held.
      events:
        leads.length > 0 && (isChange || isConsent)
          ? [
              {
                type: 'crm.notified',
                organizationId: null,
                subject: subjects.inbox(id),
                data: { inboxId: id },
              },
            ]
          : [],
    },
    { cause: { correlationId, causationId: null } },
  );
}

function differs(event: CrmContactEvent, lead: SyncedLead & { shared: boolean }): boolean {
  const { person, dnd } = changesIn(event, lead);
  return person || dnd;
}
