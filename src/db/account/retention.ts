import { sql } from 'drizzle-orm';
import { olderThan, type RetentionRules } from '../transport/retention.ts';

/** Ids ascend with time, and the primary key finds the oldest ones: a table of millions is not read to find none. */
const oldestAudited = (days: number) => sql`id = ANY(ARRAY(
  SELECT id FROM (SELECT id, at FROM audit_log ORDER BY id LIMIT 5000) oldest WHERE ${olderThan('at', days)}))`;

export const accountRetention: RetentionRules = {
  rows: ({ auditDays, invitationsDays }) => ({
    sessions: olderThan('expires_at', 30),
    verifications: olderThan('expires_at', 30),
    account_links: olderThan('expires_at', 30),
    invitations: olderThan('coalesce(accepted_at, revoked_at, expires_at)', invitationsDays),
    audit_log: oldestAudited(auditDays),
  }),
};
