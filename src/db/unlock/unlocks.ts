import { type SQL, sql } from 'drizzle-orm';
import type { UnlockDecision, UnlockState } from '../../domain/unlock/machine.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import { reservationMoves } from '../marketplace/reservation.ts';
import { optedOutFor } from '../messaging/phones.ts';

/** An unlock with the columns of its lead, buyer and organization that every step needs. `contact` is sealed. */
export type UnlockView = {
  id: string;
  state: UnlockState;
  reason: string | null;
  organizationId: string;
  leadId: string;
  leadPublicId: string;
  /** Null for a lead that was offered to named buyers. */
  campaignId: string | null;
  buyerId: string;
  /** The conversation of the offer. Null for a buyer who is not texted. */
  phoneId: string | null;
  phone: string | null;
  ourNumber: string | null;
  optedOut: boolean;
  priceMinor: number;
  currency: string;
  ttlExpiresAt: Date;
  offeredAt: Date | null;
  revealClaims: number;
  revealedAt: Date | null;
  viewedAt: Date | null;
  doneAt: Date | null;
  linkSentAt: Date | null;
  tokenVersion: number;
  buyerName: string | null;
  buyerEmail: string | null;
  language: string;
  footer: string;
  supportContact: string;
  city: string | null;
  serviceType: string | null;
  preferredTimeWindow: string | null;
  budgetRange: string | null;
  contact: string | null;
  /** Of a campaign's lead: the values that are not locked, by the names of the category's fields. */
  openValues: Record<string, unknown> | null;
  maxSales: number | null;
  soldSlots: number;
};

/** Returns false for an unlock whose buyer is not texted. */
export const isTexted = (unlock: UnlockView): unlock is UnlockView & { phoneId: string; phone: string } =>
  unlock.phoneId !== null;

/** A campaign's lead has the values of its category instead of a city and a service. */
export const placeOfLead = `coalesce(l.city, l.public->'data'->>'city', l.region)`;
export const serviceOfLead = `coalesce(l.service_type, (SELECT k.name FROM categories k WHERE k.id = l.category_id))`;

/** The columns of an UnlockView; a condition on `u` follows. */
export const unlockView =
  sql.raw(`SELECT u.id, u.status AS state, u.reason, u.organization_id AS "organizationId", u.lead_id AS "leadId",
  l.public_id AS "leadPublicId", u.campaign_id AS "campaignId", u.buyer_id AS "buyerId", p.id AS "phoneId", u.phone, coalesce(${optedOutFor('p', 'u.organization_id')}, false) AS "optedOut",
  u.our_number AS "ourNumber", u.price_minor AS "priceMinor", u.currency, u.ttl_expires_at AS "ttlExpiresAt",
  u.offered_at AS "offeredAt", u.reveal_claims AS "revealClaims", u.revealed_at AS "revealedAt", u.viewed_at AS "viewedAt", u.done_at AS "doneAt", u.link_sent_at AS "linkSentAt",
  u.token_version AS "tokenVersion", b.name AS "buyerName", b.email AS "buyerEmail", coalesce(b.language, g.language) AS language,
  g.footer, g.support_contact AS "supportContact", ${placeOfLead} AS city, ${serviceOfLead} AS "serviceType",
  CASE WHEN u.campaign_id IS NOT NULL THEN l.public->'data' END AS "openValues",
  l.public->>'preferredTimeWindow' AS "preferredTimeWindow", l.public->>'budgetRange' AS "budgetRange", l.contact,
  l.max_sales AS "maxSales", (SELECT count(*)::int FROM sold_slots s WHERE s.lead_id = l.id) AS "soldSlots"
  FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id
  JOIN organizations g ON g.id = u.organization_id
  LEFT JOIN phones p ON p.our_number = u.our_number AND p.number = u.phone`);

export async function findUnlock(db: Queryable, id: string): Promise<UnlockView | null> {
  const [row] = await run<UnlockView>(db, sql`${unlockView} WHERE u.id = ${id}`);
  return row ?? null;
}

export function markOffered(unlockIds: string[]): (held: SQL) => SQL {
  return (held) => sql`UPDATE lead_unlocks SET offered_at = now(), updated_at = now()
    WHERE id = ANY(${sql.param(unlockIds)}::uuid[]) AND offered_at IS NULL AND ${held} RETURNING id`;
}

/**
 * Open unlocks of one lead, or of one conversation and, unless it is null, one organization: at most `limit`; the caller
 * repeats the query for more.
 */
export async function findOpenUnlocks(
  db: Queryable,
  where: { phoneId: string; organizationId: string | null } | { leadId: string },
  limit: number,
): Promise<(Movable & { ttlExpiresAt: Date })[]> {
  const condition =
    'phoneId' in where
      ? sql`(our_number, phone) = (SELECT our_number, number FROM phones WHERE id = ${where.phoneId})
        AND (${where.organizationId}::uuid IS NULL OR organization_id = ${where.organizationId}::uuid)`
      : sql`lead_id = ${where.leadId}`;
  return run(
    db,
    sql`SELECT id, status AS state, organization_id AS "organizationId", lead_id AS "leadId", campaign_id AS "campaignId",
      ttl_expires_at AS "ttlExpiresAt" FROM lead_unlocks
    WHERE ${condition} AND is_open ORDER BY id LIMIT ${limit}`,
  );
}

const momentOf: Partial<Record<UnlockState, string>> = {
  TEASER_SENT: 'teased_at',
  CREATE_PAYMENT_LINK: 'confirmed_at',
  PAYMENT_LINK_SENT: 'link_sent_at',
  PAID: 'paid_at',
  REVEAL_DETAILS_SENT: 'revealed_at',
  DONE: 'done_at',
  EXPIRED: 'closed_at',
  OPTED_OUT: 'closed_at',
};

export type Movable = Pick<UnlockView, 'id' | 'state' | 'organizationId' | 'leadId' | 'campaignId'>;
export type Move = Extract<UnlockDecision, { kind: 'move' }>;

/**
 * The guarded UPDATE of a decided move, with one `unlock.moved` event per step: it matches the row only while it is
 * in the state the decision was based on. `set` adds columns; `also` adds a condition. A lead of a campaign is sold or
 * released with it.
 */
export function moveUnlock(
  unlock: Movable,
  decision: Move,
  more: { set?: SQL[]; also?: SQL; first?: Part[]; writes?: Part[]; events?: EventDraft[] } = {},
): Change {
  const last = decision.path.at(-1)!;
  const sets: SQL[] = [sql`status = ${last}`, sql`updated_at = now()`, ...(more.set ?? [])];
  for (const state of decision.path) {
    const column = momentOf[state];
    if (column) sets.push(sql`${sql.raw(column)} = now()`);
  }
  if (decision.paidBy) sets.push(sql`paid_by = ${decision.paidBy}`);
  if (decision.reason === 'paid_late') sets.push(sql`paid_late = true`);
  else if (decision.reason) sets.push(sql`reason = ${decision.reason}`);
  const { campaignId } = unlock;
  const lead = campaignId === null ? null : reservationMoves({ ...unlock, campaignId }, last);
  const also = [more.also, lead?.also].flatMap((condition) => (condition ? [sql` AND ${condition}`] : []));
  return {
    first: [...(lead?.first ?? []), ...(more.first ?? [])],
    guard: (held) => sql`UPDATE lead_unlocks SET ${sql.join(sets, sql`, `)}
      WHERE id = ${unlock.id} AND status = ${unlock.state} AND ${held} ${sql.join(also)} RETURNING id`,
    writes: [...(lead?.writes ?? []), ...(more.writes ?? [])],
    events: [...movedEvents(unlock, decision), ...(lead?.events ?? []), ...(more.events ?? [])],
  };
}

/** One history event per step of a path. */
export function movedEvents(unlock: Movable, decision: Move): EventDraft[] {
  let from = unlock.state;
  return decision.path.map((to) => {
    const event: EventDraft = {
      type: 'unlock.moved',
      organizationId: unlock.organizationId,
      subject: subjects.unlock(unlock.id),
      data: { unlockId: unlock.id, from, to, ...(decision.reason ? { reason: decision.reason } : {}) },
    };
    from = to;
    return event;
  });
}
