import { sql } from 'drizzle-orm';
import type { RetentionRules } from '../transport/retention.ts';

/** Terminal states: an unlock in one of them causes no further work. */
export const endedStates = sql.raw("'DONE', 'EXPIRED', 'OPTED_OUT'");

export const unlockRetention: RetentionRules = {
  /** Events and messages of an unlock that has not ended are kept. */
  holds({ parent, table, to }) {
    const mentions =
      parent === 'events'
        ? sql`t.subject IN ('unlock:' || u.id, 'lead:' || u.lead_id)`
        : sql`t.subject = 'unlock:' || u.id`;
    return sql`EXISTS (SELECT 1 FROM lead_unlocks u WHERE u.status NOT IN (${endedStates}) AND u.created_at < ${to}
        AND EXISTS (SELECT 1 FROM ${table} t WHERE ${mentions}))`;
  },
};
