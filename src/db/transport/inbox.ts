import { type SQL, sql } from 'drizzle-orm';
import type { CrmName } from '../../config.ts';
import type { Offer } from '../../domain/messaging/conversation.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { type Phone, phoneColumns } from '../messaging/phones.ts';

/** The source of an inbound message or webhook; together with the sender's id it identifies one inbox row. */
export type InboxSource = 'twilio' | 'textmagic' | 'gateway' | 'stripe' | 'textmagic-callback' | CrmName;

export type InboxEntry = {
  id: string;
  source: InboxSource;
  externalId: string;
  kind: string;
  organizationId?: string | null;
  unlockId?: string | null;
  phoneId?: string | null;
  /** Sealed. */
  sender?: string | null;
  body?: string | null;
  intent?: string | null;
  needsOperator?: boolean;
};

/** Guard of the entry's effects: a duplicate matches no row, so nothing else is written. */
export function receiveOnce(entry: InboxEntry): (held: SQL) => SQL {
  return (
    held,
  ) => sql`INSERT INTO inbox (id, source, external_id, kind, organization_id, unlock_id, phone_id, sender, body, intent, needs_operator)
    SELECT ${entry.id}::uuid, ${entry.source}::text, ${entry.externalId}::text, ${entry.kind}::text, ${entry.organizationId ?? null}::uuid,
      ${entry.unlockId ?? null}::uuid, ${entry.phoneId ?? null}::uuid, ${entry.sender ?? null}::text, ${entry.body ?? null}::text,
      ${entry.intent ?? null}::text, ${entry.needsOperator ?? false}::boolean WHERE ${held}
    ON CONFLICT (source, external_id) DO NOTHING RETURNING id`;
}

export type StoredReply = {
  id: string;
  intent: string | null;
  unlockId: string | null;
  leadId: string | null;
};

/** The stored result of a text that was already received. */
export async function findReply(
  db: Queryable,
  source: InboxSource,
  externalId: string,
): Promise<StoredReply | null> {
  const [row] = await run<StoredReply>(
    db,
    sql`SELECT i.id, i.intent, i.unlock_id AS "unlockId", l.public_id AS "leadId" FROM inbox i
      LEFT JOIN lead_unlocks u ON u.id = i.unlock_id LEFT JOIN leads l ON l.id = u.lead_id
      WHERE i.source = ${source} AND i.external_id = ${externalId}`,
  );
  return row ?? null;
}

/**
 * The newest offers of a conversation, and those of the leads named in the text. `organizationId` limits them to one
 * tenant, for texts submitted with that tenant's API key.
 */
export function findOffers(
  db: Queryable,
  ourNumber: string,
  number: string,
  leadIds: readonly string[],
  organizationId: string | null,
): Promise<Offer[]> {
  return run(db, offersOf(ourNumber, number, leadIds, organizationId));
}

/** A known conversation with its offers of all organizations, as `findOffers` gives them. Returns null for an unknown one. */
export async function findConversation(
  db: Queryable,
  ourNumber: string,
  number: string,
  leadIds: readonly string[],
): Promise<{ phone: Phone; offers: Offer[] } | null> {
  const rows = await run<Phone & { [K in keyof Offer]: Offer[K] | null }>(
    db,
    sql`SELECT ${phoneColumns}, offers.* FROM phones LEFT JOIN (${offersOf(ourNumber, number, leadIds, null)}) offers ON true
      WHERE phones.our_number = ${ourNumber} AND phones.number = ${number} ORDER BY offers."createdAt" DESC`,
  );
  const [phone] = rows;
  return phone ? { phone, offers: rows.filter((row): row is Phone & Offer => row.unlockId !== null) } : null;
}

function offersOf(
  ourNumber: string,
  number: string,
  leadIds: readonly string[],
  organizationId: string | null,
): SQL {
  const columns = sql`u.id AS "unlockId", u.organization_id AS "organizationId", l.public_id AS "leadId", u.status,
    u.teased_at AS "teasedAt", u.created_at AS "createdAt", coalesce(u.closed_at, u.done_at, u.paid_at) AS "endedAt"`;
  const mine = sql`u.our_number = ${ourNumber} AND u.phone = ${number}
    AND (${organizationId}::uuid IS NULL OR u.organization_id = ${organizationId}::uuid)`;
  const newest = sql`SELECT ${columns} FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE ${mine} ORDER BY u.created_at DESC LIMIT 50`;
  if (leadIds.length === 0) return newest;
  return sql`(${newest})
    UNION (SELECT ${columns} FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE ${mine}
      AND lower(l.public_id) = ANY(${sql.param(leadIds)}::text[]) ORDER BY u.created_at DESC LIMIT 50)
    ORDER BY "createdAt" DESC`;
}

/** The message an unsigned callback refers to: the vendor's id, and whether it is a text or a delivery receipt. */
export async function findNotification(
  db: Queryable,
  inboxId: string,
): Promise<{ kind: 'reply' | 'receipt'; vendorId: string } | null> {
  const [row] = await run<{ kind: 'reply' | 'receipt'; externalId: string }>(
    db,
    sql`SELECT kind, external_id AS "externalId" FROM inbox WHERE id = ${inboxId}::uuid AND source = 'textmagic-callback'`,
  );
  // `reply:<id>` or `receipt:<id>:<status>`, see the callback's route.
  return row ? { kind: row.kind, vendorId: row.externalId.split(':')[1] ?? '' } : null;
}

export type ReceivedEntry = {
  source: InboxSource;
  organizationId: string | null;
  /** Sealed; null when not stored. */
  body: string | null;
  receivedAt: Date;
};

/** Returns null when the entry was deleted. */
export async function findReceived(db: Queryable, inboxId: string): Promise<ReceivedEntry | null> {
  const [row] = await run<ReceivedEntry>(
    db,
    sql`SELECT source, organization_id AS "organizationId", body, received_at AS "receivedAt" FROM inbox
      WHERE id = ${inboxId}::uuid`,
  );
  return row ?? null;
}

/** The organization of this unlock. Returns null when it is unknown. */
export async function findUnlockOwner(db: Queryable, unlockId: string): Promise<string | null> {
  const [row] = await run<{ organizationId: string }>(
    db,
    sql`SELECT organization_id AS "organizationId" FROM lead_unlocks WHERE id = ${unlockId}::uuid`,
  );
  return row?.organizationId ?? null;
}
