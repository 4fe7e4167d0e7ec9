import { type SQL, sql } from 'drizzle-orm';

/** Who changes something: the id of a user or an API key, or `cli`. */
export type Actor = string;

/**
 * The body of a CTE that records a change in the audit log, in the statement that makes it. `rows`: what follows FROM, with
 * the row before and after as jsonb: null before for what was created, null after for what was removed.
 */
export function auditPart(
  { organizationId, actor, action }: { organizationId: SQL | string; actor: Actor; action: string },
  { subject, before, after, rows }: { subject: SQL; before: SQL; after: SQL; rows: SQL },
): SQL {
  const organization = typeof organizationId === 'string' ? sql`${organizationId}::uuid` : organizationId;
  return sql`INSERT INTO audit_log (organization_id, actor, action, subject, before, after)
    SELECT ${organization}, ${actor}::text, ${action}::text, ${subject}, ${before}, ${after} FROM ${rows}`;
}
