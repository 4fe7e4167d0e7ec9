import { type SQL, sql } from 'drizzle-orm';
import type { DistributionStatus } from '../../domain/marketplace/distribution.ts';
import type { TurnRun } from '../../domain/matching/choose-buyers.ts';
import type { Candidate, MarketCampaign } from '../../domain/matching/market-rules.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { optedOutFor } from '../messaging/phones.ts';

/** What leads of a campaign are decided by. Prices are in cents. */
export type TurnCampaign = MarketCampaign & {
  id: string;
  organizationId: string;
  name: string;
  repeatWindowDays: number;
  /** Of the seller; days begin by it for buyers without a zone of their own. */
  timeZone: string;
};

/**
 * Locks a campaign for the rest of the transaction: its leads are decided one batch after another, whichever processes do
 * it, and each by the configuration that it is decided under. Returns null when there is no such campaign.
 */
export async function lockCampaign(tx: Queryable, campaignId: string): Promise<TurnCampaign | null> {
  const [row] = await run<TurnCampaign>(
    tx,
    sql`SELECT c.id, c.organization_id AS "organizationId", c.name, c.updated_at::text AS version, c.status = 'ACTIVE' AS active, c.distribution_logic AS logic,
      c.price_minor AS "priceMinor", c.max_sales AS "maxSales", c.repeat_window_days AS "repeatWindowDays",
      coalesce((SELECT s.time_zone FROM sellers s WHERE s.organization_id = c.organization_id), 'UTC') AS "timeZone"
    FROM campaigns c WHERE c.id = ${campaignId}::uuid FOR NO KEY UPDATE OF c`,
  );
  return row ?? null;
}

/** A lead that is to be decided. Its hashes are of phone and e-mail address. */
export type TurnLead = {
  id: string;
  status: DistributionStatus;
  /** ISO 8601 */
  receivedAt: string;
  isLate: boolean;
  expiresInMs: number;
  /** Whether it waits for a recharge: not yet, until a time that is to come, or no longer. */
  hold: 'none' | 'held' | 'over';
  state: string | null;
  hashes: string[];
  /** Times it was decided before. */
  decided: number;
  /** While it has one, it is reserved. */
  openOffers: number;
  /** It has locked values, and they were not erased. */
  hasContact: boolean;
  /** Buyers who have an unlock of it. */
  offeredTo: string[];
};

const leadColumns =
  sql.raw(`d.lead_id AS id, d.status, to_json(d.received_at) #>> '{}' AS "receivedAt", d.expires_at <= clock_timestamp() AS "isLate",
  greatest(0, extract(epoch FROM d.expires_at - now()) * 1000)::float8 AS "expiresInMs", CASE WHEN d.waited_until IS NULL THEN 'none' WHEN d.waited_until > clock_timestamp() THEN 'held' ELSE 'over' END AS hold, l.region AS state,
  d.open_offers AS "openOffers", l.contact IS NOT NULL AS "hasContact", ARRAY(SELECT u.buyer_id FROM lead_unlocks u WHERE u.lead_id = d.lead_id) AS "offeredTo",
  array_remove(ARRAY[l.phone_hash, l.email_hash], NULL) AS hashes,
  coalesce((SELECT max(x.number) FROM decisions x WHERE x.lead_id = d.lead_id), 0)::int AS decided`);

/** These leads, locked in the order of their ids. */
export async function lockLeads(tx: Queryable, leadIds: readonly string[]): Promise<TurnLead[]> {
  return run(
    tx,
    sql`SELECT ${leadColumns} FROM distributions d JOIN leads l ON l.id = d.lead_id
      WHERE d.lead_id = ANY(${sql.param([...leadIds])}::uuid[]) ORDER BY d.lead_id FOR NO KEY UPDATE OF d`,
  );
}

/** These leads wait for a recharge no longer. */
export async function endHolds(tx: Queryable, leadIds: readonly string[]): Promise<void> {
  await run(
    tx,
    sql`UPDATE distributions SET waited_until = now() WHERE lead_id = ANY(${sql.param([...leadIds])}::uuid[])`,
  );
}

/** Where the draining of waiting leads has got to: the last one tried. Null at its beginning. */
export type DrainCursor = { receivedAt: string; leadId: string } | null;

/** The next waiting leads of a campaign in the order of their arrival, locked. */
export async function lockWaiting(
  tx: Queryable,
  campaignId: string,
  after: DrainCursor,
  limit: number,
): Promise<TurnLead[]> {
  return run(
    tx,
    sql`SELECT ${leadColumns} FROM distributions d JOIN leads l ON l.id = d.lead_id
      WHERE d.campaign_id = ${campaignId}::uuid AND d.status = 'PENDING' AND d.open_offers = 0
        AND (d.received_at, d.lead_id) > (${after?.receivedAt ?? '-infinity'}::timestamptz, ${after?.leadId ?? firstId}::uuid)
      ORDER BY d.received_at, d.lead_id LIMIT ${limit}::integer FOR NO KEY UPDATE OF d`,
  );
}

/** Before every other id. */
const firstId = '00000000-0000-0000-0000-000000000000';

/** Of a buyer's time zone: the day, the first day of the ISO week and of the month at a moment. */
export const calendar = (
  moment: SQL,
  zone: SQL,
) => sql`SELECT local::date AS day, date_trunc('week', local)::date AS week,
  date_trunc('month', local)::date AS month FROM (SELECT ${moment} AT TIME ZONE ${zone} AS local) clock`;

/** Subscriptions of one campaign that take part, those first that may buy at all; the others are later in the line. */
const mostCandidates = 5_000;

export type TurnCandidate = Candidate & {
  /** Whether the balance is to be topped up below this. Null when auto-recharge is off. */
  rechargeBelowMinor: number | null;
  /** Where offers are texted to. Null when the buyer takes none. */
  phone: string | null;
  /** Until the buyer, who left several offers unanswered, is offered leads again. Null when that is not so. */
  offersPausedMs: number | null;
};

/**
 * Locks the subscriptions and then the wallets of these buyers in the campaign. What is on its way into the wallets can be
 * summed by the next statement: another one that adds to them has committed, or waits.
 */
export async function lockWalletsOf(
  tx: Queryable,
  campaignId: string,
  buyerIds: readonly string[],
): Promise<void> {
  const ids = sql.param([...buyerIds]);
  await run(
    tx,
    sql`SELECT id FROM subscriptions WHERE campaign_id = ${campaignId}::uuid AND buyer_id = ANY(${ids}::uuid[]) AND ended_at IS NULL
      ORDER BY id FOR NO KEY UPDATE`,
  );
  await run(
    tx,
    sql`SELECT buyer_id FROM wallets WHERE buyer_id = ANY(${ids}::uuid[]) ORDER BY buyer_id FOR NO KEY UPDATE`,
  );
}

/** Offers that a buyer left unanswered one after another, after which a day passes before the next one of the campaign. */
const unansweredInARow = 3;
const pause = sql.raw(`interval '1 day'`);

const lastOffers = sql`(SELECT o.is_open, o.reason, o.closed_at FROM lead_unlocks o
  WHERE o.buyer_id = b.id AND o.campaign_id = s.campaign_id AND o.phone IS NOT NULL ORDER BY o.id DESC LIMIT ${unansweredInARow}::integer) last`;
const isPausing = sql`count(*) FILTER (WHERE last.reason = 'ttl' AND last.closed_at > now() - ${pause}) = ${unansweredInARow}::bigint`;

/**
 * The phone of buyer `b`, when the organization has confirmed it, it has not opted out of our texts and can be reached. A buyer
 * has one open offer of a campaign at a time, and none for a day after leaving several unanswered.
 */
const textablePhone = (
  ourNumber: string,
) => sql`(SELECT b.phone WHERE b.phone_confirmed AND NOT EXISTS (SELECT 1 FROM phones p
    WHERE p.our_number = ${ourNumber}::text AND p.number = b.phone
      AND (p.bad_number_at IS NOT NULL OR ${sql.raw(optedOutFor('p', 'b.organization_id'))}))
  AND NOT EXISTS (SELECT 1 FROM ${lastOffers} HAVING bool_or(last.is_open) OR ${isPausing}))`;

/** Locks nothing: what may have changed since is judged again on locked rows by the statement that sells. */
export async function readCandidates(
  tx: Queryable,
  campaign: TurnCampaign,
  ourNumber: string,
): Promise<TurnCandidate[]> {
  const rows = await run<Omit<TurnCandidate, 'takesOffers'>>(
    tx,
    sql`SELECT s.id AS "subscriptionId", s.buyer_id AS "buyerId", s.status = 'ACTIVE' AS active, b.active = 'active' AS "buyerActive",
      b.flagged_at IS NOT NULL AS "buyerFlagged", s.states, s.daily_cap AS "dailyCap",
      CASE WHEN s.day >= z.day THEN s.day_count ELSE 0 END AS "soldToday", b.weekly_spending_limit_minor AS "weeklyLimitMinor",
      CASE WHEN w.week >= z.week THEN w.week_spent_minor ELSE 0 END AS "spentThisWeekMinor",
      b.monthly_spending_limit_minor AS "monthlyLimitMinor",
      CASE WHEN w.month >= z.month THEN w.month_spent_minor ELSE 0 END AS "spentThisMonthMinor",
      coalesce(w.balance_minor, 0) AS "balanceMinor", coalesce(w.disputed_minor, 0) > 0 AS "walletBlocked",
      ${rechargeState} AS recharge, coalesce(b.auto_recharge_amount_minor, 0)::float8 AS "rechargeMinor",
      CASE WHEN b.auto_recharge_enabled THEN b.auto_recharge_threshold_minor END AS "rechargeBelowMinor",
      b.priority, s.waterfall_priority AS "waterfallPriority", s.pass, s.run, s.run_count AS "runCount",
      CASE WHEN s.on_short_wallet = 'offer' THEN ${textablePhone(ourNumber)} END AS phone,
      CASE WHEN s.on_short_wallet = 'offer' THEN (SELECT (extract(epoch FROM min(last.closed_at) + ${pause} - now()) * 1000)::float8
        FROM ${lastOffers} HAVING ${isPausing}) END AS "offersPausedMs"
    FROM (SELECT clock_timestamp() AS moment) at, subscriptions s JOIN buyers b ON b.id = s.buyer_id LEFT JOIN wallets w ON w.buyer_id = b.id
      CROSS JOIN LATERAL (${calendar(sql`at.moment`, sql`coalesce(b.time_zone, ${campaign.timeZone}::text)`)}) z
    WHERE s.campaign_id = ${campaign.id}::uuid AND s.ended_at IS NULL
    ORDER BY s.status = 'ACTIVE' AND b.active = 'active' AND b.flagged_at IS NULL DESC, ${
      campaign.logic === 'WATERFALL' ? sql`s.waterfall_priority NULLS LAST, ` : sql``
    }s.pass, s.id LIMIT ${mostCandidates}::integer`,
  );
  return rows.map((row) => ({ ...row, takesOffers: row.phone !== null }));
}

/** Only a charge that is under way now is waited for, not one that is declined and repeated in days. */
const rechargeState =
  sql.raw(`CASE WHEN NOT b.auto_recharge_enabled OR w.recharge_stopped_at IS NOT NULL OR w.disputed_minor > 0
    OR b.auto_recharge_amount_minor IS NULL
    OR NOT EXISTS (SELECT 1 FROM payment_methods m WHERE m.buyer_id = b.id AND m.is_primary AND m.removed_at IS NULL) THEN 'off'
  ELSE coalesce((SELECT CASE WHEN t.state = 'open' THEN 'open' ELSE 'off' END FROM top_ups t
    WHERE t.buyer_id = b.id AND t.kind = 'recharge' AND t.ended_at IS NULL), 'armed') END`);

/** The current run of weighted turns of a campaign. */
export async function readTurnRun(tx: Queryable, campaignId: string): Promise<TurnRun> {
  const [row] = await run<TurnRun>(
    tx,
    sql`SELECT run AS number, eligible FROM campaign_turns WHERE campaign_id = ${campaignId}::uuid`,
  );
  return row ?? { number: 0, eligible: '' };
}

/** Which buyers bought the people with these hashes in the campaign, within its window. */
export async function readBoughtPeople(
  tx: Queryable,
  { id, repeatWindowDays }: TurnCampaign,
  hashes: readonly string[],
): Promise<Map<string, Set<string>>> {
  const bought = new Map<string, Set<string>>();
  if (hashes.length === 0 || repeatWindowDays === 0) return bought;
  const rows = await run<{ hash: string; buyerId: string }>(
    tx,
    sql`SELECT hash, buyer_id AS "buyerId" FROM bought_people WHERE campaign_id = ${id}::uuid AND hash = ANY(${sql.param([...hashes])}::text[])
      AND bought_at > now() - make_interval(days => ${repeatWindowDays}::integer)`,
  );
  for (const { hash, buyerId } of rows) bought.set(hash, (bought.get(hash) ?? new Set()).add(buyerId));
  return bought;
}
