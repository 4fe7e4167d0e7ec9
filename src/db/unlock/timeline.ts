import { sql } from 'drizzle-orm';
import { subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import { paymentsOfUnlock } from '../payment/figures.ts';

/** The history of one unlock in chronological order: events, attempts, messages sent and received, payments. */

export type EventRow = { id: string; occurredAt: Date; type: string; data: Record<string, unknown> };
/** A run, or a call: recorded once it has an outcome, and until then read from its effect. */
export type AttemptEntry = {
  id: string;
  /** Empty for a call without an outcome. */
  worker: string;
  eventType: string;
  effectKey: string | null;
  /** Of the call: whom it was made to, and its kind. */
  vendor: string | null;
  callKind: string | null;
  startedAt: Date;
  durationMs: number | null;
  outcome: string | null;
  detail: string | null;
};
export type MessageEntry = {
  id: string;
  createdAt: Date;
  channel: string;
  purpose: string;
  status: string;
  errorCode: string | null;
  vendorId: string | null;
  updatedAt: Date;
  /** Sealed. */
  body: string | null;
};
export type ReplyEntry = { id: string; receivedAt: Date; intent: string | null; body: string | null };

const most = 300;

export async function unlockTimeline(db: Queryable, unlockId: string, leadUuid: string) {
  const about = [subjects.unlock(unlockId), subjects.lead(leadUuid)];
  const [events, attempts, messages, replies, payments] = await Promise.all([
    run<EventRow>(
      db,
      sql`SELECT id, occurred_at AS "occurredAt", type, data FROM events
        WHERE subject = ANY(${sql.param(about)}::text[]) ORDER BY occurred_at DESC, id DESC LIMIT ${most}`,
    ),
    run<AttemptEntry>(
      db,
      sql`SELECT a.id, a.worker, coalesce(e.type, '') AS "eventType", a.effect_key AS "effectKey",
        f.vendor, f.kind AS "callKind", a.started_at AS "startedAt",
        (extract(epoch FROM a.ended_at - a.started_at) * 1000)::float8 AS "durationMs", a.outcome, a.detail
        FROM attempts a LEFT JOIN events e ON e.subject = a.subject AND e.id = a.event_id
        LEFT JOIN effects f ON f.key = a.effect_key
        WHERE a.subject = ANY(${sql.param(about)}::text[])
        UNION ALL
        SELECT id, '', '', key, vendor, kind, claimed_at, NULL, NULL, NULL FROM effects
        WHERE subject = ANY(${sql.param(about)}::text[]) AND state = 'claimed'
        ORDER BY "startedAt" DESC LIMIT ${most}`,
    ),
    run<MessageEntry>(
      db,
      sql`SELECT id, created_at AS "createdAt", channel, purpose, status, error_code AS "errorCode", vendor_id AS "vendorId",
        updated_at AS "updatedAt", body FROM messages WHERE subject = ${subjects.unlock(unlockId)} ORDER BY created_at DESC LIMIT ${most}`,
    ),
    run<ReplyEntry>(
      db,
      sql`SELECT i.id, i.received_at AS "receivedAt", i.intent, i.body FROM lead_unlocks u
        JOIN phones p ON p.our_number = u.our_number AND p.number = u.phone JOIN inbox i ON i.phone_id = p.id
        WHERE u.id = ${unlockId}::uuid AND i.unlock_id = u.id ORDER BY i.received_at DESC LIMIT ${most}`,
    ),
    paymentsOfUnlock(db, unlockId, most),
  ]);
  return { events, attempts, messages, replies, payments };
}

export type Timeline = Awaited<ReturnType<typeof unlockTimeline>>;
