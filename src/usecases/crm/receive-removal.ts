import type { CrmAccountEvent, CrmVendor } from '../../adapters/crm.ts';
import { findAccountOwner } from '../../db/crm/connections.ts';
import { pauseParts } from '../../db/crm/credentials.ts';
import { receiveOnce } from '../../db/transport/inbox.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault'>;

/**
 * An account removed the installation's app: its connection is paused, however it was connected, and an operator is
 * alerted. The company's leads wait. Once per event; an account that is not connected here is ignored.
 */
export async function receiveRemoval(
  { db, relay, vault }: Deps,
  { name, label, hints }: CrmVendor,
  received: { event: CrmAccountEvent; body: string; correlationId: string },
): Promise<void> {
  const { event, body, correlationId } = received;
  const owner = event.accountId && (await findAccountOwner(db, { vendor: name, accountId: event.accountId }));
  if (!owner) return;
  const { organizationId } = owner;
  const reason = `${label} reports that the ${hints.account} removed this app. Install it there again and reconnect.`;
  const entry = { id: newId(), source: name, externalId: event.id, kind: event.type.slice(0, 100) };
  await relay.commit(
    {
      guard: receiveOnce({ ...entry, organizationId, body: vault.seal(body), intent: 'removed' }),
      writes: pauseParts(owner, reason),
      events: [
        { type: 'crm.paused', organizationId, subject: subjects.company(organizationId), data: { reason } },
      ],
    },
    { cause: { correlationId, causationId: null } },
  );
}
