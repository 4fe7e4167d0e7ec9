import { type SQL, sql } from 'drizzle-orm';
import type { Considered, DistributionStatus } from '../../domain/marketplace/distribution.ts';
import type { TurnTaken } from '../../domain/matching/choose-buyers.ts';
import { walletCurrency } from '../../domain/payment/wallet.ts';
import type { EventDraft } from '../../events/envelope.ts';
import type { Change, Part } from '../commit.ts';
import { openRecharges, type RechargeWanted, type WalletLimits } from '../payment/wallet-recharge.ts';
import { endRuns, type RunEnding } from '../transport/run-ends.ts';
import { calendar, type TurnCampaign } from './distribution.ts';
import { type TurnsChange, turnsPart } from './pending.ts';

/** One lead sold to one buyer, or offered by text. The ids are new. */
export type Sale = {
  unlockId: string;
  transactionId: string;
  journalId: string;
  leadId: string;
  subscriptionId: string;
  buyerId: string;
  state: string | null;
  /** Null for a sale from the wallet. */
  offer: { phone: string; ttlMs: number } | null;
};

/** What the sales and offers of a statement do to a subscription. `turn` is null when no turn was taken. */
export type Buyer = {
  subscriptionId: string;
  buyerId: string;
  sales: number;
  offers: number;
  turn: TurnTaken | null;
};

/** How a lead stands after it was decided. */
export type Decided = {
  leadId: string;
  status: DistributionStatus;
  /** The number of this decision about it. */
  number: number;
  considered: Considered[];
  /** Until when it waits for a recharge; null unless it does. */
  waitsMs: number | null;
  /** To how many buyers it is offered by text now. */
  offers: number;
};

export type Assignments = {
  campaign: TurnCampaign;
  sales: readonly Sale[];
  /** Our number, from which offers are texted. */
  ourNumber: string;
  buyers: readonly Buyer[];
  decided: readonly Decided[];
  /** Hashes of phone and e-mail address, kept so that a buyer does not buy the person again. */
  people: readonly { leadId: string; buyerId: string; hash: string }[];
  /** What becomes of the campaign's turns; null when nothing does. */
  turns: TurnsChange | null;
  recharges: { wanted: readonly RechargeWanted[]; limits: WalletLimits };
  ends: readonly { ending: RunEnding; note: string }[];
  events: EventDraft[];
};

/**
 * Sells leads: debit, cap, turn, assignment, journal, transaction, decision, events and the ends of the runs in one
 * statement, within the transaction that holds the campaign and the leads. An offer by text takes a turn and a place of the
 * cap, and nothing of the wallet. Subscriptions are locked by their ids, then wallets by buyer; when one of them cannot pay
 * for all of its leads any more, or its cap, limits or states do not allow them, nothing is written.
 */
export function assign(assignments: Assignments): Change {
  const { campaign, sales, ourNumber, buyers, decided, people, turns, recharges, ends, events } = assignments;
  const recharge = rechargeParts(recharges, sales.length > 0);
  return {
    first: sales.length > 0 ? locks(campaign, sales, buyers) : [],
    guard: (held) => (sales.length > 0 ? allFit(held) : sql`SELECT 1 AS ok WHERE ${held}`),
    writes: [
      ...(sales.length > 0 ? sold(campaign) : []),
      ...(sales.some(({ offer }) => offer) ? offered(campaign, ourNumber) : []),
      ...(people.length > 0 ? [peoplePart(campaign, people)] : []),
      ...(turns ? [turnsPart(campaign, turns)] : []),
      ...standing(campaign, decided),
      ...recharge.parts,
      ...endRuns(ends),
    ],
    events: [...events, ...recharge.events],
    eventsOf: recharge.opened
      ? sql`SELECT unnest(${sql.param(events.map(({ subject }) => subject))}::text[]) UNION ALL ${recharge.opened}`
      : undefined,
  };
}

/** Judged by the balances that the sales of the statement leave. */
function rechargeParts({ wanted, limits }: Assignments['recharges'], sells: boolean) {
  if (wanted.length === 0) return { parts: [], events: [], opened: null };
  const balances = sql`(SELECT w.buyer_id, coalesce(d.balance_minor, w.balance_minor) AS balance_minor
    FROM wallets w LEFT JOIN debited d ON d.buyer_id = w.buyer_id)`;
  return openRecharges(wanted, sells ? { limits, balances } : { limits });
}

const recordset = (rows: unknown, columns: string): SQL =>
  sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS ${sql.raw(columns)}`;

function locks(campaign: TurnCampaign, sales: readonly Sale[], buyers: readonly Buyer[]): Part[] {
  const rows = buyers.map(({ turn, ...buyer }) => ({ ...buyer, ...turn }));
  const given = sales.map(({ offer, ...sale }) => ({ ...sale, ...offer }));
  const ids = sql.param(buyers.map(({ subscriptionId }) => subscriptionId));
  const owners = sql.param(buyers.map(({ buyerId }) => buyerId));
  const price = sql`${campaign.priceMinor}::bigint`;
  return [
    {
      name: 'sales',
      statement:
        () => sql`SELECT g.*, row_number() OVER (PARTITION BY g."buyerId", g.phone IS NULL ORDER BY g."unlockId") AS place
        FROM ${recordset(given, 'g("unlockId" uuid, "transactionId" uuid, "journalId" uuid, "leadId" uuid, "subscriptionId" uuid, "buyerId" uuid, state text, phone text, "ttlMs" float8)')}`,
    },
    {
      name: 'takers',
      statement: () =>
        sql`SELECT * FROM ${recordset(rows, 't("subscriptionId" uuid, "buyerId" uuid, sales integer, offers integer, pass bigint, run bigint, "runCount" integer)')}`,
    },
    {
      name: 'orders',
      statement: () =>
        sql`SELECT * FROM subscriptions WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE`,
    },
    {
      name: 'purses',
      statement:
        () => sql`SELECT * FROM wallets WHERE buyer_id = ANY(${owners}::uuid[]) AND (SELECT count(*) FROM orders) >= 0
        ORDER BY buyer_id FOR NO KEY UPDATE`,
    },
    {
      // A counter of a day, week or month that has passed begins again. One that another transaction has begun is kept.
      name: 'fitting',
      statement:
        () => sql`SELECT t.*, s.day, s.day_count, s.daily_cap, w.balance_minor, w.week, w.week_spent, w.month, w.month_spent
        FROM takers t
        JOIN buyers b ON b.id = t."buyerId" AND b.active = 'active' AND b.flagged_at IS NULL
        CROSS JOIN LATERAL (${calendar(sql`clock_timestamp()`, sql`coalesce(b.time_zone, ${campaign.timeZone}::text)`)}) z
        JOIN LATERAL (SELECT o.status, o.states, o.daily_cap, greatest(o.day, z.day) AS day,
            CASE WHEN o.day >= z.day THEN o.day_count ELSE 0 END AS day_count
          FROM orders o WHERE o.id = t."subscriptionId" AND o.ended_at IS NULL) s ON s.status = 'ACTIVE'
        LEFT JOIN LATERAL (SELECT p.balance_minor, p.disputed_minor, greatest(p.week, z.week) AS week, greatest(p.month, z.month) AS month,
            CASE WHEN p.week >= z.week THEN p.week_spent_minor ELSE 0 END AS week_spent,
            CASE WHEN p.month >= z.month THEN p.month_spent_minor ELSE 0 END AS month_spent
          FROM purses p WHERE p.buyer_id = t."buyerId") w ON true
        WHERE (s.daily_cap IS NULL OR s.day_count + t.sales + t.offers <= s.daily_cap)
          AND coalesce(w.disputed_minor, 0) = 0 AND (t.sales = 0 OR coalesce(w.balance_minor, 0) >= t.sales * ${price})
          AND (b.weekly_spending_limit_minor IS NULL OR coalesce(w.week_spent, 0) + t.sales * ${price} <= b.weekly_spending_limit_minor)
          AND (b.monthly_spending_limit_minor IS NULL OR coalesce(w.month_spent, 0) + t.sales * ${price} <= b.monthly_spending_limit_minor)
          AND NOT EXISTS (SELECT 1 FROM sales g WHERE g."buyerId" = t."buyerId" AND g.state IS NOT NULL AND cardinality(s.states) > 0
            AND g.state <> ALL(s.states))`,
    },
  ];
}

const allFit = (held: SQL) =>
  sql`SELECT 1 AS ok WHERE (SELECT count(*) FROM fitting) = (SELECT count(*) FROM takers) AND ${held}`;

function sold({ id, organizationId, name, priceMinor }: TurnCampaign): Part[] {
  const price = sql`${priceMinor}::bigint`;
  return [
    {
      name: 'served',
      statement: (
        when,
      ) => sql`UPDATE subscriptions s SET pass = coalesce(f.pass, s.pass), run = coalesce(f.run, s.run),
          run_count = coalesce(f."runCount", s.run_count), day = f.day, day_count = f.day_count + f.sales + f.offers, last_distributed_at = now()
        FROM fitting f WHERE s.id = f."subscriptionId" AND ${when} RETURNING s.id`,
    },
    {
      name: 'debited',
      statement: (
        when,
      ) => sql`UPDATE wallets w SET balance_minor = w.balance_minor - f.sales * ${price}, week = f.week, month = f.month,
          week_spent_minor = f.week_spent + f.sales * ${price}, month_spent_minor = f.month_spent + f.sales * ${price}, updated_at = now()
        FROM fitting f WHERE w.buyer_id = f."buyerId" AND f.sales > 0 AND (SELECT count(*) FROM served) >= 0 AND ${when}
        RETURNING w.buyer_id, w.balance_minor, f.balance_minor AS before_minor`,
    },
    {
      name: 'unlocks',
      statement: (
        when,
      ) => sql`INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, campaign_id, subscription_id, status,
          price_minor, currency, ttl_expires_at, paid_at, paid_by)
        SELECT g."unlockId", g."leadId", ${organizationId}::uuid, g."buyerId", ${id}::uuid, g."subscriptionId", 'PAID', ${priceMinor}::integer,
          ${walletCurrency}, now(), now(), 'wallet' FROM sales g WHERE g.phone IS NULL AND ${when}`,
    },
    {
      name: 'books',
      statement: (when) => sql`INSERT INTO journals (id, key, organization_id)
        SELECT g."journalId", 'assignment-' || g."unlockId", ${organizationId}::uuid FROM sales g WHERE g.phone IS NULL AND ${when}`,
    },
    {
      name: 'entries',
      statement: (when) => sql`INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
        SELECT g."journalId", e.account, e.amount, ${walletCurrency} FROM sales g
        CROSS JOIN LATERAL (VALUES ('wallet:' || g."buyerId", ${price}), ('seller:' || ${organizationId}::text, -${price})) e(account, amount)
        WHERE g.phone IS NULL AND ${when}`,
    },
    {
      // The time of the statement, in which the wallet is held: transactions of a wallet follow each other.
      name: 'transactions',
      statement: (
        when,
      ) => sql`INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor,
          balance_after_minor, description, unlock_id, created_at)
        SELECT g."transactionId", ${organizationId}::uuid, g."buyerId", 'DEBIT', -${price}, d.before_minor - (g.place - 1) * ${price},
          d.before_minor - g.place * ${price}, ${`Lead purchase - Campaign: ${name}`}::text, g."unlockId", clock_timestamp()
        FROM sales g JOIN debited d ON d.buyer_id = g."buyerId" WHERE g.phone IS NULL AND ${when} ORDER BY g."unlockId"`,
    },
  ];
}

/** An unlock like that of a lead offered to a named buyer, with the subscription whose turn it was. */
const offered = ({ id, organizationId, priceMinor }: TurnCampaign, ourNumber: string): Part[] => [
  {
    name: 'conversations',
    statement: (when) => sql`INSERT INTO phones (id, our_number, number)
      SELECT gen_random_uuid(), ${ourNumber}::text, n.phone FROM (SELECT DISTINCT phone FROM sales WHERE phone IS NOT NULL) n
      WHERE ${when} AND NOT EXISTS (SELECT 1 FROM phones p WHERE p.our_number = ${ourNumber}::text AND p.number = n.phone)
      ORDER BY n.phone ON CONFLICT (our_number, number) DO NOTHING`,
  },
  {
    name: 'offers',
    statement: (
      when,
    ) => sql`INSERT INTO lead_unlocks (id, lead_id, organization_id, buyer_id, campaign_id, subscription_id, our_number, phone, status,
        price_minor, currency, ttl_expires_at, offered_at)
      SELECT g."unlockId", g."leadId", ${organizationId}::uuid, g."buyerId", ${id}::uuid, g."subscriptionId", ${ourNumber}::text, g.phone,
        'NEW_LEAD', ${priceMinor}::integer, ${walletCurrency}, now() + make_interval(secs => g."ttlMs" / 1000), now()
      FROM sales g WHERE g.phone IS NOT NULL AND ${when}`,
  },
];

const peoplePart = ({ id }: TurnCampaign, people: Assignments['people']): Part => ({
  name: 'people',
  statement: (when) => sql`INSERT INTO bought_people (campaign_id, hash, buyer_id, lead_id)
    SELECT ${id}::uuid, p.hash, p."buyerId", p."leadId" FROM ${recordset(people, 'p("leadId" uuid, "buyerId" uuid, hash text)')} WHERE ${when}
    ORDER BY p.hash, p."buyerId"
    ON CONFLICT (campaign_id, hash, buyer_id) DO UPDATE SET lead_id = excluded.lead_id, bought_at = excluded.bought_at`,
});

/** How the leads stand, and why. A decision that says the same as the one before is not repeated. */
function standing({ organizationId }: TurnCampaign, decided: readonly Decided[]): Part[] {
  return [
    {
      name: 'stated',
      statement: () =>
        sql`SELECT * FROM ${recordset(decided, 'l("leadId" uuid, status text, number integer, considered jsonb, "waitsMs" float8, offers integer)')}`,
    },
    {
      name: 'stands',
      statement: (when) => sql`UPDATE distributions d SET status = l.status,
          distributed_at = CASE WHEN l.status = 'DISTRIBUTED' THEN now() END,
          waited_until = coalesce(d.waited_until, now() + make_interval(secs => l."waitsMs" / 1000)), open_offers = d.open_offers + l.offers
        FROM stated l WHERE d.lead_id = l."leadId" AND (d.status <> l.status OR l."waitsMs" IS NOT NULL OR l.offers > 0) AND ${when}`,
    },
    {
      name: 'reasons',
      statement: (when) => sql`INSERT INTO decisions (lead_id, number, organization_id, considered)
        SELECT l."leadId", l.number, ${organizationId}::uuid, l.considered FROM stated l
        WHERE l."waitsMs" IS NULL AND ${when} AND NOT EXISTS (SELECT 1 FROM decisions b
          WHERE b.lead_id = l."leadId" AND b.number = l.number - 1 AND b.considered = l.considered AND l.status = 'PENDING')`,
    },
  ];
}
