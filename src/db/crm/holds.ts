import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';
import { type CrmConnection, crmWorker } from './connections.ts';

/** Holds the organization's rows in the outbox for `ms`, or until it is connected again when null. */
export function holdPart(organizationId: string, ms: number | null, reason: string): Part {
  return {
    name: 'hold',
    statement: (when) => sql`INSERT INTO worker_holds AS h (worker, organization_id, until, reason)
      SELECT ${crmWorker}, ${organizationId}::uuid,
        CASE WHEN ${ms}::float8 IS NULL THEN 'infinity'::timestamptz ELSE now() + make_interval(secs => ${ms}::float8 / 1000) END, ${reason}
      WHERE ${when}
      ON CONFLICT (worker, organization_id) DO UPDATE SET until = excluded.until, reason = excluded.reason WHERE h.until < excluded.until`,
  };
}

export async function hold(db: Queryable, organizationId: string, ms: number, reason: string): Promise<void> {
  await run(db, holdPart(organizationId, ms, reason).statement(sql`true`));
}

/** Holds the rows only while the connection has these credentials, or none: see `saveCredentials`. */
export async function holdWhile(
  db: Queryable,
  { id, organizationId, version }: CrmConnection,
  ms: number,
  reason: string,
): Promise<void> {
  const part = holdPart(organizationId, ms, reason).statement(sql`EXISTS (SELECT 1 FROM still)`);
  await run(
    db,
    sql`WITH still AS (SELECT 1 FROM crm_connections
        WHERE id = ${id}::uuid AND credentials_version = ${version} FOR SHARE) ${part}`,
  );
}

export async function releaseHold(db: Queryable, organizationId: string): Promise<void> {
  await run(
    db,
    sql`DELETE FROM worker_holds WHERE worker = ${crmWorker} AND organization_id = ${organizationId}::uuid`,
  );
}
