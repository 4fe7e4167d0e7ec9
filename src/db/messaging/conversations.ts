import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** Who last offered something to a phone: the organization that answers for it, and how to text it. */
export type ConversationOwner = {
  organization: string;
  supportContact: string;
  language: string;
  line: { organizationId: string; unlockId: string; buyerId: string; phoneId: string; to: string };
};

export async function findConversationOwner(
  db: Queryable,
  phoneId: string,
): Promise<ConversationOwner | null> {
  const [row] = await run<ConversationOwner>(
    db,
    sql`SELECT g.name AS organization, g.support_contact AS "supportContact", coalesce(b.language, g.language) AS language,
      json_build_object('organizationId', u.organization_id, 'unlockId', u.id, 'buyerId', u.buyer_id, 'phoneId', p.id, 'to', p.number) AS line
    FROM phones p JOIN lead_unlocks u ON u.our_number = p.our_number AND u.phone = p.number
    JOIN organizations g ON g.id = u.organization_id JOIN buyers b ON b.id = u.buyer_id
    WHERE p.id = ${phoneId} ORDER BY u.created_at DESC LIMIT 1`,
  );
  return row ?? null;
}
