import { sql } from 'drizzle-orm';
import { idInSubject } from '../../events/subjects.ts';
import { run } from '../commit.ts';
import { openRuns, type Subject } from '../transport/outbox.ts';
import { findUnlock, type UnlockView, unlockView } from './unlocks.ts';

/** Joins event `e` with its `unlock`, or with nulls. */
export const joinUnlock = sql`LEFT JOIN LATERAL (${unlockView}
  WHERE u.id = CASE WHEN e.subject ~ '^unlock:[0-9a-f-]{36}$' THEN substr(e.subject, 8)::uuid END) unlock ON true`;

const openUnlocks = openRuns<UnlockView>({
  columns: sql`unlock.*`,
  join: joinUnlock,
  read: (columns) => (isUnlock(columns) ? columns : null),
});

/** The subject of unlock events: the unlock with its lead, buyer and organization. */
export const unlockSubject: Subject<UnlockView> = {
  open: (fence, { db }) => openUnlocks(db, fence),
  async look(event, _fence, { db }) {
    const id = idInSubject('unlock', event.subject);
    return id === null ? null : findUnlock(db, id);
  },
};

/** The columns of the outer join are all null when there is no such unlock. */
export const isUnlock = (columns: Record<string, unknown>): columns is UnlockView => columns.id !== null;

/** An unlock of a lead that is stored and not yet offered. */
export type UnofferedUnlock = { id: string; ttlMs: number };

const unoffered = sql.raw(`SELECT coalesce(json_agg(json_build_object('id', u.id,
    'ttlMs', (extract(epoch FROM u.ttl_expires_at - now()) * 1000)::float8) ORDER BY u.id), '[]') AS unlocks
  FROM lead_unlocks u WHERE u.offered_at IS NULL AND u.status = 'NEW_LEAD' AND u.lead_id`);

/** A lead that is to be offered, or to be sold through its campaign: how, and all its unlocks that are not offered yet. */
export type ReceivedLead = {
  campaign: { organizationId: string; campaignId: string } | null;
  unlocks: UnofferedUnlock[];
};

const leadOfEvent = sql`CASE WHEN e.subject ~ '^lead:[0-9a-f-]{36}$' THEN substr(e.subject, 6)::uuid END`;

const openReceived = openRuns<ReceivedLead>({
  columns: sql`unoffered.unlocks, CASE WHEN sold.lead_id IS NOT NULL
    THEN json_build_object('organizationId', sold.organization_id, 'campaignId', sold.campaign_id) END AS campaign`,
  join: sql`LEFT JOIN LATERAL (${unoffered} = ${leadOfEvent}) unoffered ON true
    LEFT JOIN distributions sold ON sold.lead_id = ${leadOfEvent}`,
  read: ({ unlocks, campaign }) => ({ unlocks, campaign }) as ReceivedLead,
});

/** The subject of the distributor's events. */
export const receivedSubject: Subject<ReceivedLead> = {
  open: (fence, { db }) => openReceived(db, fence),
  async look({ subject }, _fence, { db }) {
    const leadId = idInSubject('lead', subject);
    const [found] = await run<{ unlocks: UnofferedUnlock[] }>(db, sql`${unoffered} = ${leadId}::uuid`);
    return { ...found!, campaign: null };
  },
};
