import { sql } from 'drizzle-orm';
import type { RetentionRules } from '../transport/retention.ts';

export const crmRetention: RetentionRules = {
  rows: () => ({
    // Of a location that is no longer connected; not of one that is only just being connected.
    crm_call_slots: sql`location_id NOT IN (SELECT location_id FROM crm_connections) AND taken_at < now() - interval '1 day'`,
    crm_call_days: sql`day < to_char((now() AT TIME ZONE 'UTC') - interval '60 days', 'YYYY-MM-DD')`,
  }),
};
