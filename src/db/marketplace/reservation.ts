import { type SQL, sql } from 'drizzle-orm';
import { walletCurrency } from '../../domain/payment/wallet.ts';
import { isOpen, isPaid, type UnlockState } from '../../domain/unlock/machine.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Part } from '../commit.ts';
import { paidList } from '../unlock/states.ts';
import { calendar } from './distribution.ts';
import { wakeCampaigns, wakeForNew } from './pending.ts';

/**
 * A lead of a campaign that was offered by text is reserved while the offer is open. What its unlock's move means for the
 * lead is written with that move: paid, the lead is sold; closed, it waits for the next buyer, and what the offer took of
 * the cap is given back.
 */
export type Reserving = {
  id: string;
  state: UnlockState;
  organizationId: string;
  leadId: string;
  campaignId: string;
};

type Consequence = { first?: Part[]; also?: SQL; writes: Part[]; events: EventDraft[] };

const after = (part: string): SQL => sql`(SELECT count(*) FROM ${sql.raw(part)}) >= 0`;

const none: Consequence = { writes: [], events: [] };

export function reservationMoves(unlock: Reserving, to: UnlockState): Consequence {
  const wasOpen = isOpen(unlock.state);
  if (isPaid(to) && !isPaid(unlock.state)) return wasOpen ? sold(unlock) : soldLate(unlock);
  if (isOpen(to) || isPaid(to)) return none;
  if (wasOpen) return released(unlock);
  return isPaid(unlock.state) ? returned(unlock) : none;
}

/** The buyer's calendar of an unlock `u`, as `z`. */
const ofBuyer = sql`FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id LEFT JOIN sellers g ON g.organization_id = u.organization_id
    CROSS JOIN LATERAL (${calendar(sql`clock_timestamp()`, sql`coalesce(b.time_zone, g.time_zone, 'UTC')`)}) z`;

/** What is paid by card counts for the limits of the week and the month, as what the wallet pays. */
const spent = ({ id }: Reserving, behind: string): Part => ({
  name: 'spent',
  statement: (
    when,
  ) => sql`INSERT INTO wallets AS w (buyer_id, organization_id, currency, week, week_spent_minor, month, month_spent_minor)
    SELECT u.buyer_id, u.organization_id, ${walletCurrency}, z.week, u.price_minor, z.month, u.price_minor ${ofBuyer}
    WHERE u.id = ${id}::uuid AND ${after(behind)} AND ${when}
    ON CONFLICT (buyer_id) DO UPDATE SET week = greatest(w.week, excluded.week), month = greatest(w.month, excluded.month),
      week_spent_minor = excluded.week_spent_minor + CASE WHEN w.week >= excluded.week THEN w.week_spent_minor ELSE 0 END,
      month_spent_minor = excluded.month_spent_minor + CASE WHEN w.month >= excluded.month THEN w.month_spent_minor ELSE 0 END
    RETURNING w.buyer_id`,
});

/** What is refunded before the details are shown counts no longer, in the week and the month in which it was paid. */
const unspent = ({ id }: Reserving, behind: string): Part => ({
  name: 'unspent',
  statement: (
    when,
  ) => sql`UPDATE wallets w SET week_spent_minor = greatest(0, w.week_spent_minor - CASE WHEN w.week = p.week THEN p.price_minor ELSE 0 END),
      month_spent_minor = greatest(0, w.month_spent_minor - CASE WHEN w.month = p.month THEN p.price_minor ELSE 0 END)
    FROM (SELECT u.buyer_id, u.price_minor, z.week, z.month FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id
        LEFT JOIN sellers g ON g.organization_id = u.organization_id
        CROSS JOIN LATERAL (${calendar(sql`u.paid_at`, sql`coalesce(b.time_zone, g.time_zone, 'UTC')`)}) z
      WHERE u.id = ${id}::uuid AND u.paid_at IS NOT NULL) p
    WHERE w.buyer_id = p.buyer_id AND ${after(behind)} AND ${when} RETURNING w.buyer_id`,
});

/** Wakes the campaign that the part `lead` returned, after the part `behind`. */
const woken = (lead: string, behind: string): Part => ({
  name: 'woken',
  statement: (when) =>
    wakeCampaigns(sql`SELECT campaign_id FROM ${sql.raw(lead)} WHERE ${after(behind)} AND ${when}`),
});

/** Gives the place of the cap back. Only of the day that it was counted in: a new day has begun its count again. */
const uncounted = ({ id }: Reserving, behind: string): Part => ({
  name: 'uncounted',
  statement: (when) => sql`UPDATE subscriptions s SET day_count = s.day_count - 1
    FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id LEFT JOIN sellers g ON g.organization_id = u.organization_id
    WHERE u.id = ${id}::uuid AND s.id = u.subscription_id AND s.day_count > 0
      AND s.day = (coalesce(CASE WHEN u.paid_late THEN u.paid_at END, u.created_at) AT TIME ZONE coalesce(b.time_zone, g.time_zone, 'UTC'))::date
      AND ${after(behind)} AND ${when} RETURNING s.id`,
});

/** The buyer may buy the person by another lead. */
const unsold = ({ id }: Reserving): Part => ({
  name: 'unsold',
  statement: (when) => sql`DELETE FROM bought_people p USING lead_unlocks u
    WHERE u.id = ${id}::uuid AND p.lead_id = u.lead_id AND p.buyer_id = u.buyer_id AND ${when}`,
});

/** A refund before the details were shown undoes the sale: the lead waits for another buyer, unless it was sold to one. */
const returned = (unlock: Reserving): Consequence => ({
  writes: [
    {
      name: 'lead_waits',
      statement: (when) => sql`UPDATE distributions d SET status = 'PENDING', distributed_at = NULL
        WHERE d.lead_id = ${unlock.leadId}::uuid AND d.status = 'DISTRIBUTED' AND d.expires_at > clock_timestamp()
          AND NOT EXISTS (SELECT 1 FROM lead_unlocks o WHERE o.lead_id = d.lead_id AND o.id <> ${unlock.id}::uuid
            AND o.status IN (${paidList})) AND ${when} RETURNING d.campaign_id`,
    },
    uncounted(unlock, 'lead_waits'),
    unspent(unlock, 'uncounted'),
    unsold(unlock),
    {
      // Other leads may wait for the place of the cap, the limits or the person that it gives back.
      name: 'woken',
      statement: (when) =>
        wakeForNew(sql`SELECT ${unlock.campaignId}::uuid AS campaign_id WHERE ${after('unspent')} AND ${when}
          AND (EXISTS (SELECT 1 FROM lead_waits) OR EXISTS (SELECT 1 FROM distributions d
            WHERE d.campaign_id = ${unlock.campaignId}::uuid AND d.status = 'PENDING'))`),
    },
  ],
  events: [],
});

const assigned = ({ id, leadId, campaignId, organizationId }: Reserving): EventDraft => ({
  type: 'lead.assigned',
  organizationId,
  subject: subjects.unlock(id),
  data: { leadId, campaignId, unlockId: id },
});

const sold = (unlock: Reserving): Consequence => ({
  writes: [
    {
      name: 'reserved',
      statement: (
        when,
      ) => sql`UPDATE distributions SET status = 'DISTRIBUTED', distributed_at = coalesce(distributed_at, now()),
        open_offers = open_offers - 1 WHERE lead_id = ${unlock.leadId}::uuid AND ${when} RETURNING campaign_id`,
    },
    spent(unlock, 'reserved'),
    // The next waiting lead may be offered to the buyer now.
    woken('reserved', 'spent'),
  ],
  events: [assigned(unlock)],
});

/**
 * The subscription of an unlock, while its cap and the buyer's limits have room and the buyer has not bought the person by
 * another lead. `unlockId` is SQL.
 */
const room = (unlockId: SQL): SQL => sql`SELECT s.id, counted.day, counted.n ${ofBuyer}
    JOIN subscriptions s ON s.id = u.subscription_id
    JOIN campaigns c ON c.id = u.campaign_id
    JOIN leads l ON l.id = u.lead_id
    LEFT JOIN wallets w ON w.buyer_id = u.buyer_id
    CROSS JOIN LATERAL (SELECT greatest(s.day, z.day) AS day, CASE WHEN s.day >= z.day THEN s.day_count ELSE 0 END AS n) counted
  WHERE u.id = ${unlockId} AND (s.daily_cap IS NULL OR counted.n < s.daily_cap)
    AND (b.weekly_spending_limit_minor IS NULL
      OR u.price_minor + CASE WHEN w.week >= z.week THEN w.week_spent_minor ELSE 0 END <= b.weekly_spending_limit_minor)
    AND (b.monthly_spending_limit_minor IS NULL
      OR u.price_minor + CASE WHEN w.month >= z.month THEN w.month_spent_minor ELSE 0 END <= b.monthly_spending_limit_minor)
    AND NOT EXISTS (SELECT 1 FROM bought_people k WHERE k.campaign_id = u.campaign_id AND k.buyer_id = u.buyer_id
      AND k.hash = ANY(ARRAY[l.phone_hash, l.email_hash]) AND k.lead_id <> u.lead_id
      AND k.bought_at > now() - make_interval(days => c.repeat_window_days))`;

const waitsUnreserved = sql.raw(
  `d.status = 'PENDING' AND d.open_offers = 0 AND d.expires_at > clock_timestamp()`,
);

/** SQL: whether a payment that comes after the offer of the unlock `unlockId`, of the lead `leadId`, may still buy it. */
export const isFreeFor = (unlockId: string, leadId: string): SQL =>
  sql`EXISTS (SELECT 1 FROM distributions d WHERE d.lead_id = ${sql.raw(leadId)} AND ${waitsUnreserved}) AND EXISTS (${room(sql.raw(unlockId))})`;

/**
 * A payment that came after the offer was closed buys the lead only while it waits, no other buyer has an offer of it, and the
 * buyer may buy it (see `room`).
 */
const soldLate = (unlock: Reserving): Consequence => ({
  first: [
    {
      name: 'free',
      statement: (held) => sql`SELECT d.lead_id
      FROM (SELECT lead_id FROM lead_unlocks WHERE id = ${unlock.id}::uuid AND status = ${unlock.state} AND ${held} FOR UPDATE) u
        JOIN distributions d ON d.lead_id = u.lead_id
      WHERE ${waitsUnreserved} FOR NO KEY UPDATE OF d`,
    },
    {
      name: 'room',
      statement: () => sql`${room(sql`${unlock.id}::uuid`)} AND ${after('free')} FOR NO KEY UPDATE OF s`,
    },
  ],
  also: sql`EXISTS (SELECT 1 FROM free) AND EXISTS (SELECT 1 FROM room)`,
  writes: [
    {
      name: 'counted',
      statement: (when) => sql`UPDATE subscriptions s SET day = room.day, day_count = room.n + 1
        FROM room WHERE s.id = room.id AND ${when} RETURNING s.id`,
    },
    spent(unlock, 'counted'),
    {
      name: 'reserved',
      statement: (when) => sql`UPDATE distributions SET status = 'DISTRIBUTED', distributed_at = now()
        WHERE lead_id = ${unlock.leadId}::uuid AND ${when}`,
    },
    {
      name: 'people',
      statement: (when) => sql`INSERT INTO bought_people (campaign_id, hash, buyer_id, lead_id)
        SELECT c.id, h.hash, u.buyer_id, l.id FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id
          JOIN campaigns c ON c.id = u.campaign_id AND c.repeat_window_days > 0,
          LATERAL (SELECT DISTINCT hash FROM unnest(ARRAY[l.phone_hash, l.email_hash]) hash WHERE hash IS NOT NULL) h
        WHERE u.id = ${unlock.id}::uuid AND ${when} ORDER BY h.hash
        ON CONFLICT (campaign_id, hash, buyer_id) DO UPDATE SET lead_id = excluded.lead_id, bought_at = excluded.bought_at`,
    },
  ],
  events: [assigned(unlock)],
});

/** In the order of locks: the lead, its subscription, the campaign's turns. */
const released = (unlock: Reserving): Consequence => ({
  writes: [
    {
      name: 'lead_released',
      statement: (when) => sql`UPDATE distributions SET open_offers = open_offers - 1
        WHERE lead_id = ${unlock.leadId}::uuid AND ${when} RETURNING campaign_id`,
    },
    uncounted(unlock, 'lead_released'),
    unsold(unlock),
    woken('lead_released', 'uncounted'),
  ],
  events: [],
});
