import type { Cause } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

/** Records in the audit trail who reads a locked contact. Committed before the contact is shown. */
export async function recordContactRead(
  { relay }: Pick<Runtime, 'relay'>,
  { leadId, organizationId }: { leadId: string; organizationId: string },
  actor: string,
  cause: Cause | null = null,
): Promise<void> {
  const subject = subjects.lead(leadId);
  await relay.commit(
    { events: [{ type: 'lead.contact_read', organizationId, subject, data: { leadId, actor } }] },
    { cause },
  );
}
