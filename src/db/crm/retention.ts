import { sql } from 'drizzle-orm';
import type { RetentionRules } from '../transport/retention.ts';

export const crmRetention: RetentionRules = {
  rows: () => ({
    // Slots of accounts that are no longer connected, except one that is being connected now.
    crm_call_slots: sql`(vendor, account_id) NOT IN (SELECT vendor, account_id FROM crm_connections) AND taken_at < now() - interval '1 day'`,
    crm_call_days: sql`day < to_char((now() AT TIME ZONE 'UTC') - interval '60 days', 'YYYY-MM-DD')`,
  }),
};
