import { sql } from 'drizzle-orm';
import type { Recipient } from '../../domain/recipient.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** The organization that last texted a phone, and how to answer it there. */
export type ConversationOwner = {
  organization: string;
  supportContact: string;
  language: string;
  line: { organizationId: string; subject: string; recipient: Recipient; phoneId: string; to: string };
};

/**
 * Whether the last text to a phone was our own confirmation of its opt-out: then the carrier does not know of the opt-out,
 * and confirms no START.
 */
export async function weConfirmedOptOut(db: Queryable, phoneId: string): Promise<boolean> {
  const [last] = await run<{ ours: boolean }>(
    db,
    sql`SELECT purpose = 'stop_confirmed' AND status <> 'failed' AS ours FROM messages WHERE phone_id = ${phoneId}::uuid
      ORDER BY created_at DESC LIMIT 1`,
  );
  return last?.ours ?? false;
}

/**
 * Decided by the last message to the phone, or by the newest offer where its messages have passed their retention. Unless
 * it is null, `among` names the only organization that counts.
 * Returns null when there is neither.
 */
export async function findConversationOwner(
  db: Queryable,
  phoneId: string,
  among: string | null = null,
): Promise<ConversationOwner | null> {
  const counts = sql`(${among}::uuid IS NULL OR organization_id = ${among}::uuid)`;
  const [row] = await run<ConversationOwner>(
    db,
    sql`SELECT g.name AS organization, g.support_contact AS "supportContact", coalesce(b.language, g.language) AS language,
      json_build_object('organizationId', m.organization_id, 'subject', m.subject, 'phoneId', p.id, 'to', p.number,
        'recipient', json_strip_nulls(json_build_object('kind', m.recipient_kind, 'id', m.recipient_id))) AS line
    FROM phones p CROSS JOIN LATERAL (
      (SELECT 1 AS rank, organization_id, subject, recipient_kind, recipient_id FROM messages
        WHERE phone_id = p.id AND organization_id IS NOT NULL AND ${counts} ORDER BY created_at DESC LIMIT 1)
      UNION ALL
      (SELECT 2, organization_id, 'unlock:' || id, 'buyer', buyer_id FROM lead_unlocks
        WHERE our_number = p.our_number AND phone = p.number AND ${counts} ORDER BY created_at DESC LIMIT 1)
      ORDER BY rank LIMIT 1) m
    JOIN organizations g ON g.id = m.organization_id
    LEFT JOIN buyers b ON m.recipient_kind = 'buyer' AND b.id = m.recipient_id
    WHERE p.id = ${phoneId}::uuid`,
  );
  return row ?? null;
}
