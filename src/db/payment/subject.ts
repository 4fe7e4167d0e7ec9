import { sql } from 'drizzle-orm';
import { idInSubject } from '../../events/subjects.ts';
import { run } from '../commit.ts';
import { isFreeFor } from '../marketplace/reservation.ts';
import { openRuns, type Subject } from '../transport/outbox.ts';
import { isUnlock, joinUnlock } from '../unlock/subject.ts';
import { type UnlockView, unlockView } from '../unlock/unlocks.ts';

/** An unlock as the steps of its payment need it. */
export type PayingUnlock = UnlockView & {
  /** Other open offers in the same conversation. Read for a reply. */
  otherOpen: number;
  /** The payment of the reported session is booked, whether it was kept or not. Read for a report. */
  isBooked: boolean;
  /** A campaign's lead waits, no buyer has an offer of it, and the buyer's cap has room. Read for a report. */
  isFree: boolean;
};

/** On event `e` and its `unlock`. */
const columns = sql`unlock.*, CASE WHEN e.type = 'reply.accepted' THEN (
    SELECT count(*)::int FROM lead_unlocks o WHERE o.our_number = unlock."ourNumber" AND o.phone = unlock.phone
      AND o.id <> unlock.id AND o.is_open) ELSE 0 END AS "otherOpen",
  e.type = 'payment.reported' AND EXISTS (
    SELECT 1 FROM payments y WHERE y.unlock_id = unlock.id AND y.session_id = e.data->>'sessionId') AS "isBooked",
  e.type = 'payment.reported' AND unlock."campaignId" IS NOT NULL AND ${isFreeFor('unlock.id', 'unlock."leadId"')} AS "isFree"`;

const openPaying = openRuns<PayingUnlock>({
  columns,
  join: joinUnlock,
  read: (found) => (isUnlock(found) ? (found as PayingUnlock) : null),
});

/** The subject of payment events: the unlock, with what its reply or its payment report needs. */
export const payingSubject: Subject<PayingUnlock> = {
  open: (fence, { db }) => openPaying(db, fence),
  async look({ type, subject, data }, _fence, { db }) {
    const id = idInSubject('unlock', subject);
    if (id === null) return null;
    const [found] = await run<PayingUnlock>(
      db,
      sql`SELECT ${columns} FROM (SELECT ${type}::text AS type, ${JSON.stringify(data)}::jsonb AS data) e,
        LATERAL (${unlockView} WHERE u.id = ${id}::uuid) unlock`,
    );
    return found ?? null;
  },
};
