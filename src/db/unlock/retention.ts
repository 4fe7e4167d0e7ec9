import { sql } from 'drizzle-orm';
import type { RetentionRules } from '../transport/retention.ts';

/** No more work comes of an unlock in these states. */
export const endedStates = sql.raw("'DONE', 'EXPIRED', 'OPTED_OUT'");

export const unlockRetention: RetentionRules = {
  /** What an unlock that has not ended was told and did. */
  holds({ parent, table, to }) {
    const mentions =
      parent === 'events'
        ? sql`t.subject IN ('unlock:' || u.id, 'lead:' || u.lead_id)`
        : sql`t.subject = 'unlock:' || u.id`;
    return sql`EXISTS (SELECT 1 FROM lead_unlocks u WHERE u.status NOT IN (${endedStates}) AND u.created_at < ${to}
        AND EXISTS (SELECT 1 FROM ${table} t WHERE ${mentions}))`;
  },
};
