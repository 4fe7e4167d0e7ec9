import { sql } from 'drizzle-orm';
import { olderThan, type RetentionRules } from '../transport/retention.ts';
import { endedStates } from '../unlock/retention.ts';

export const messagingRetention: RetentionRules = {
  rows: ({ inboxDays }) => ({
    sms_counters: sql`day < to_char((now() AT TIME ZONE 'UTC') - interval '7 days', 'YYYY-MM-DD')`,
    // Keeps messages that await review, belong to an open sale, or are referenced by open work.
    inbox: sql`${olderThan('received_at', inboxDays)} AND NOT (needs_operator AND handled_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM lead_unlocks u WHERE u.id = inbox.unlock_id AND u.status NOT IN (${endedStates}))
      AND inbox.id::text NOT IN (SELECT e.data->>'inboxId' FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
        WHERE o.event_at < now() - make_interval(days => ${inboxDays}::integer - 1) AND e.data ? 'inboxId')`,
  }),
};
