import { type SQL, sql } from 'drizzle-orm';
import type { DistributionStatus } from '../../domain/marketplace/distribution.ts';
import type { TurnRun } from '../../domain/matching/choose-buyers.ts';
import { subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import type { DrainCursor, TurnCampaign } from './distribution.ts';

/*
 * Leads that no buyer could buy wait, and are tried again when something they wait for has changed. What changes it marks
 * the campaign as due, in its own statement. A round of the processes with workers turns marks into `campaign.woken`: one for
 * a campaign, however many marks it has, and no second one while its leads are being tried. A mark made during that time
 * stays for later.
 */

/** A mark is made only where leads wait: those that are not decided yet count, so that none is missed. */
const marked = (campaigns: SQL, when: SQL) => sql`INSERT INTO campaign_turns (campaign_id, due_at)
  SELECT c.campaign_id, now() FROM (SELECT DISTINCT campaign_id FROM (${campaigns}) named ORDER BY campaign_id) c
  WHERE ${when} AND EXISTS (SELECT 1 FROM distributions d WHERE d.campaign_id = c.campaign_id AND d.status = 'PENDING')
  ON CONFLICT (campaign_id) DO UPDATE SET due_at = least(campaign_turns.due_at, excluded.due_at)`;

/** The body of a CTE that wakes the campaigns that `campaigns` selects as `campaign_id`. */
export const wakeCampaigns = (campaigns: SQL): SQL => marked(campaigns, sql`true`);

/** The same for campaigns with a lead that begins to wait in the same statement, which does not see it waiting yet. */
export const wakeForNew = (campaigns: SQL): SQL => sql`INSERT INTO campaign_turns (campaign_id, due_at)
  SELECT campaign_id, now() FROM (${campaigns}) named
  ON CONFLICT (campaign_id) DO UPDATE SET due_at = least(campaign_turns.due_at, excluded.due_at)`;

/** Wakes the campaigns that a buyer subscribes to. `after`: the part that locks its wallet, which goes first. */
export const wakeCampaignsOf = (buyerId: string, { after }: { after: string }): Part[] => [
  {
    name: 'woken',
    statement: (when) =>
      marked(
        sql`SELECT campaign_id FROM subscriptions WHERE buyer_id = ${buyerId}::uuid AND ended_at IS NULL`,
        sql`(SELECT count(*) FROM ${sql.raw(after)}) >= 0 AND ${when}`,
      ),
  },
];

/**
 * Wakes the campaigns whose leads may be offered to this phone again, of one organization or of all when it is null. To be
 * beside `markOptedIn`, which locks the phone first.
 */
export const wakeOffersOf = (phoneId: string, organizationId: string | null): Part => ({
  name: 'woken',
  statement: (when) =>
    marked(
      sql`SELECT s.campaign_id FROM phones p JOIN buyers b ON b.phone = p.number AND b.phone_confirmed
        JOIN subscriptions s ON s.buyer_id = b.id AND s.on_short_wallet = 'offer' AND s.ended_at IS NULL
        WHERE p.id = ${phoneId}::uuid AND (${organizationId}::uuid IS NULL OR b.organization_id = ${organizationId}::uuid)`,
      sql`(SELECT count(*) FROM opted_in) >= 0 AND ${when}`,
    ),
});

/** Campaigns woken by one statement. The next round takes the others. */
const wokenTogether = 100;

/**
 * Whether the drain of turns `t` may begin: none has begun, or the work of the last one is parked or gone. Without the
 * second, a campaign would sleep until an operator resumes its parked work. Two drains that go on at once do no harm: they
 * follow each other by the campaign's lock, and share the cursor.
 */
const mayBegin = sql.raw(`(NOT t.draining OR NOT EXISTS (
    SELECT 1 FROM (SELECT e.id FROM events e WHERE e.subject = 'campaign:' || t.campaign_id AND e.type = 'campaign.woken'
      ORDER BY e.occurred_at DESC LIMIT 1) last
    JOIN outbox o ON o.event_id = last.id AND o.worker = 'distributor' AND o.parked_at IS NULL))`);

type DueCampaign = { campaignId: string; organizationId: string };

/** Campaigns whose waiting leads are due to be tried. */
export async function findDueCampaigns(db: Queryable): Promise<DueCampaign[]> {
  return run(
    db,
    sql`SELECT t.campaign_id AS "campaignId", c.organization_id AS "organizationId" FROM campaign_turns t JOIN campaigns c ON c.id = t.campaign_id
      WHERE t.due_at <= now() AND ${mayBegin} ORDER BY t.due_at LIMIT ${wokenTogether}::integer`,
  );
}

/** Begins to try the waiting leads of these campaigns, from the first one. Those that another process has begun are left out. */
export function beginDrains(due: readonly DueCampaign[]): Change {
  const ids = sql.param(due.map(({ campaignId }) => campaignId));
  return {
    guard: (
      held,
    ) => sql`UPDATE campaign_turns t SET due_at = NULL, draining = true, last_received_at = NULL, last_lead_id = NULL
      FROM (SELECT t.campaign_id FROM campaign_turns t WHERE t.campaign_id = ANY(${ids}::uuid[]) AND t.due_at <= now() AND ${mayBegin}
        ORDER BY t.campaign_id FOR UPDATE SKIP LOCKED) d
      WHERE t.campaign_id = d.campaign_id AND ${held} RETURNING t.campaign_id`,
    events: due.map(({ campaignId, organizationId }) => ({
      type: 'campaign.woken',
      organizationId,
      subject: subjects.campaign(campaignId),
      data: { campaignId },
    })),
    eventsOf: sql`SELECT 'campaign:' || campaign_id FROM moved`,
  };
}

/** Where the drain of a campaign stands. Returns null when it is not being drained. */
export async function readDrain(tx: Queryable, campaignId: string): Promise<{ after: DrainCursor } | null> {
  const [row] = await run<{ receivedAt: string | null; leadId: string | null }>(
    tx,
    sql`SELECT to_json(last_received_at) #>> '{}' AS "receivedAt", last_lead_id AS "leadId" FROM campaign_turns
      WHERE campaign_id = ${campaignId}::uuid AND draining`,
  );
  if (!row) return null;
  const { receivedAt, leadId } = row;
  return { after: receivedAt === null || leadId === null ? null : { receivedAt, leadId } };
}

export type TurnsChange = {
  /** The run of weighted turns; null when it is the same. */
  run: TurnRun | null;
  /** Buyers whose cap or limit stood in the way: their next day wakes the campaign. */
  nextDayOf: readonly string[];
  /** Wakes the campaign after a time. */
  wakeInMs: number | null;
  /** The last waiting lead that was tried; `ended` when the drain is over, null when no lead was tried. */
  drain: DrainCursor | 'ended';
};

export const unchangedTurns: TurnsChange = { run: null, nextDayOf: [], wakeInMs: null, drain: null };

export const turnsPart = (
  { id, timeZone }: TurnCampaign,
  { run, nextDayOf, wakeInMs, drain }: TurnsChange,
): Part => {
  const cursor = drain === 'ended' ? null : drain;
  return {
    name: 'turns',
    statement: (when) => sql`INSERT INTO campaign_turns AS t (campaign_id, run, eligible, due_at)
      SELECT ${id}::uuid, ${run?.number ?? 0}::bigint, ${run?.eligible ?? ''}::text,
        least(now() + make_interval(secs => ${wakeInMs}::float8 / 1000), (
          SELECT min((date_trunc('day', now() AT TIME ZONE zone) + interval '1 day') AT TIME ZONE zone)
          FROM (SELECT coalesce(b.time_zone, ${timeZone}::text) AS zone FROM buyers b WHERE b.id = ANY(${sql.param([...nextDayOf])}::uuid[])) zones))
      WHERE ${when}
      ON CONFLICT (campaign_id) DO UPDATE SET run = coalesce(${run?.number ?? null}::bigint, t.run),
        eligible = coalesce(${run?.eligible ?? null}::text, t.eligible), due_at = least(t.due_at, excluded.due_at),
        draining = t.draining AND ${drain !== 'ended'}::boolean,
        last_received_at = coalesce(${cursor?.receivedAt ?? null}::timestamptz, t.last_received_at),
        last_lead_id = coalesce(${cursor?.leadId ?? null}::uuid, t.last_lead_id)`,
  };
};

export type WaitingLead = {
  status: DistributionStatus;
  /** Until it expires; below zero from then on. */
  leftMs: number;
  /** It is reserved for a buyer who was offered it, until that offer ends. */
  isReserved: boolean;
};

/** Returns null when there is no such lead. */
export async function findWaitingLead(db: Queryable, leadId: string): Promise<WaitingLead | null> {
  const [row] = await run<WaitingLead>(
    db,
    sql`SELECT status, (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "leftMs", open_offers > 0 AS "isReserved" FROM distributions WHERE lead_id = ${leadId}::uuid`,
  );
  return row ?? null;
}

type ExpiringLead = { organizationId: string | null; campaignId: string; leadId: string };

/** Expires a lead that still waits although its time is over. */
export function expireLead({ organizationId, campaignId, leadId }: ExpiringLead): Change {
  return {
    guard: (held) => sql`UPDATE distributions SET status = 'EXPIRED'
      WHERE lead_id = ${leadId}::uuid AND status = 'PENDING' AND open_offers = 0 AND expires_at <= now() AND ${held} RETURNING lead_id`,
    events: [
      {
        type: 'lead.expired',
        organizationId,
        subject: subjects.lead(leadId),
        data: { leadId, campaignId },
      },
    ],
  };
}
