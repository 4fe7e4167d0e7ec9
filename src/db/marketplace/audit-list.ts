import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

export type AuditEntry = {
  id: number | string;
  at: Date;
  /** As recorded: the id of a user or a key, or `cli`. */
  actor: string;
  /** Null when there is no such user or key. */
  userName: string | null;
  keyName: string | null;
  action: string;
  subject: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
};

/** Entries of a list are counted up to this number. */
export const mostCounted = 10_000;

/** Newest first. `subject` is whole, such as `campaign:<id>`; null for all. */
export async function listAudit(
  db: Queryable,
  organizationId: string,
  { subject, limit, offset }: { subject: string | null; limit: number; offset: number },
): Promise<{ entries: AuditEntry[]; total: number }> {
  const of = subject === null ? sql`` : sql` AND a.subject = ${subject}::text`;
  const where = sql`a.organization_id = ${organizationId}::uuid${of}`;
  const [counted] = await run<{ total: number }>(
    db,
    sql`SELECT count(*)::int AS total FROM (SELECT 1 FROM audit_log a WHERE ${where} LIMIT ${mostCounted}::integer) counted`,
  );
  const entries = await run<AuditEntry>(
    db,
    sql`SELECT a.id, a.at, a.actor, u.name AS "userName", k.name AS "keyName", a.action, a.subject, a.before, a.after
      FROM (SELECT a.*, CASE WHEN a.actor ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN a.actor::uuid END AS actor_id
        FROM audit_log a WHERE ${where} ORDER BY a.id DESC LIMIT ${limit}::integer OFFSET ${offset}::bigint) a
        LEFT JOIN users u ON u.id = a.actor_id
        LEFT JOIN api_keys k ON k.id = a.actor_id AND k.organization_id = a.organization_id
      ORDER BY a.id DESC`,
  );
  return { entries, total: counted!.total };
}
