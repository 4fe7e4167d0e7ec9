import { sql } from 'drizzle-orm';
import type { Considered, DistributionStatus } from '../../domain/marketplace/distribution.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** What was decided about a lead, for the answer to the one who sent it. */
export type Decided = {
  leadId: string;
  status: DistributionStatus;
  /** How many buyers bought it. */
  assigned: number;
  /** The last decision about a test; null for any other lead. */
  considered: Considered[] | null;
};

/** Of these leads, those that were decided at least once. One lookup of indexes for each. */
export async function findDecided(db: Queryable, leadIds: readonly string[]): Promise<Decided[]> {
  return run<Decided>(
    db,
    sql`SELECT d.lead_id AS "leadId", d.status,
      (SELECT count(*)::int FROM lead_unlocks u WHERE u.lead_id = d.lead_id AND u.paid_at IS NOT NULL) AS assigned,
      CASE WHEN d.status = 'TEST' THEN c.considered END AS considered
    FROM unnest(${sql.param([...leadIds])}::uuid[]) AS w(id) JOIN distributions d ON d.lead_id = w.id
    LEFT JOIN LATERAL (SELECT considered FROM decisions WHERE lead_id = w.id ORDER BY number DESC LIMIT 1) c ON true
    WHERE c.considered IS NOT NULL OR d.status NOT IN ('PENDING', 'TEST')`,
  );
}

/** What was found about one buyer, each time that a lead was decided. */
export type LeadDecision = Considered & { at: Date; buyerName: string | null };

const mostDecisions = 1_000;

/**
 * Why each considered buyer was or was not given a lead, the last decision first, and in it those who got the lead first.
 * `buyerId`: of this buyer alone. Returns null when the organization has no such lead, or this buyer was never considered.
 */
export async function findDecisions(
  db: Queryable,
  { organizationId, buyerId }: { organizationId: string; buyerId: string | null },
  publicId: string,
): Promise<LeadDecision[] | null> {
  const rows = await run<{ decision: LeadDecision | null }>(
    db,
    sql`SELECT d.decision FROM leads l LEFT JOIN LATERAL (
        SELECT json_build_object('buyerId', c."buyerId", 'subscriptionId', c."subscriptionId", 'rule', c.rule, 'seen', c.seen, 'at', x.at,
          'buyerName', coalesce(b.company_name, b.name)) AS decision, x.number, c.rule
        FROM decisions x CROSS JOIN LATERAL jsonb_to_recordset(x.considered) AS c("buyerId" uuid, "subscriptionId" uuid, rule text, seen jsonb)
        LEFT JOIN buyers b ON b.organization_id = l.organization_id AND b.id = c."buyerId"
        WHERE x.lead_id = l.id AND (${buyerId}::uuid IS NULL OR c."buyerId" = ${buyerId}::uuid)
        ORDER BY x.number DESC, c.rule IS NOT NULL, c.rule <> 'offered' LIMIT ${mostDecisions}::integer) d ON true
      WHERE l.organization_id = ${organizationId}::uuid AND l.public_id = ${publicId}::text AND l.channel = 'marketplace'
      ORDER BY d.number DESC, d.rule IS NOT NULL, d.rule <> 'offered'`,
  );
  if (rows.length === 0) return null;
  const found = rows.flatMap(({ decision }) => decision ?? []);
  return found.length === 0 && buyerId !== null ? null : found;
}

/** Until when a lead is reserved for buyers who were offered it by text. Returns null when no offer of it is open. */
export async function findReservation(
  db: Queryable,
  organizationId: string,
  publicId: string,
): Promise<Date | null> {
  const [row] = await run<{ until: Date | null }>(
    db,
    sql`SELECT max(u.ttl_expires_at) AS until FROM leads l JOIN distributions d ON d.lead_id = l.id AND d.open_offers > 0
      JOIN lead_unlocks u ON u.lead_id = l.id AND u.is_open
      WHERE l.organization_id = ${organizationId}::uuid AND l.public_id = ${publicId}::text AND l.channel = 'marketplace'`,
  );
  return row!.until;
}

/** How the leads of a campaign stand now. */
export type CampaignStanding = {
  /** Leads that wait for a buyer, counted up to `mostWaiting`. */
  pending: number;
  /** Of the one that waits for the longest time. */
  oldestPendingAt: Date | null;
  /** Of the subscriptions that have not ended. */
  lastSoldAt: Date | null;
};
export const mostWaiting = 10_000;

export async function campaignStanding(db: Queryable, campaignId: string): Promise<CampaignStanding> {
  const [row] = await run<CampaignStanding>(
    db,
    sql`SELECT (SELECT count(*)::int FROM (SELECT 1 FROM distributions WHERE campaign_id = ${campaignId}::uuid AND status = 'PENDING'
        LIMIT ${mostWaiting}::integer) counted) AS pending,
      (SELECT received_at FROM distributions WHERE campaign_id = ${campaignId}::uuid AND status = 'PENDING'
        ORDER BY received_at, lead_id LIMIT 1) AS "oldestPendingAt",
      (SELECT max(last_distributed_at) FROM subscriptions WHERE campaign_id = ${campaignId}::uuid AND ended_at IS NULL) AS "lastSoldAt"`,
  );
  return row!;
}

/** Returns a version that changes when a lead of a campaign is received, decided or sold, and when who can buy changes. */
export async function campaignPulse(db: Queryable, campaignId: string): Promise<string> {
  const [row] = await run<Record<string, unknown>>(
    db,
    sql`SELECT (SELECT updated_at FROM campaigns WHERE id = ${campaignId}::uuid) AS campaign,
      (SELECT lead_id FROM distributions WHERE campaign_id = ${campaignId}::uuid AND status = 'PENDING'
        ORDER BY received_at DESC, lead_id DESC LIMIT 1) AS newest,
      (SELECT lead_id FROM distributions WHERE campaign_id = ${campaignId}::uuid AND status = 'PENDING'
        ORDER BY received_at, lead_id LIMIT 1) AS oldest,
      (SELECT json_build_array(count(*), sum(s.day_count), max(s.last_distributed_at), max(s.updated_at), sum(w.balance_minor), max(b.updated_at))
        FROM subscriptions s JOIN buyers b ON b.id = s.buyer_id LEFT JOIN wallets w ON w.buyer_id = s.buyer_id
        WHERE s.campaign_id = ${campaignId}::uuid AND s.ended_at IS NULL) AS buyers`,
  );
  return JSON.stringify(row);
}
