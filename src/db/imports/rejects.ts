import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';
import type { Vault } from '../vault.ts';

/** A rejected row: its cells as uploaded, and a list of reasons per field. */
export type RejectedRow = { row: number; cells: string[]; errors: Record<string, string[]> };

/** Rows after `afterRow`, in the order of the file. */
export async function listRejects(
  deps: { db: Queryable; vault: Pick<Vault, 'openJson'> },
  importId: string,
  page: { afterRow: number; limit: number },
): Promise<RejectedRow[]> {
  const rows = await run<{ row: number; cells: string; errors: Record<string, string[]> }>(
    deps.db,
    sql`SELECT "row", cells, errors FROM import_rejects WHERE import_id = ${importId}::uuid AND "row" > ${page.afterRow}::integer
      ORDER BY "row" LIMIT ${page.limit}::integer`,
  );
  return rows.map(({ row, cells, errors }) => ({ row, errors, cells: deps.vault.openJson<string[]>(cells) }));
}

/** Yields all rejects page by page, so that memory does not grow with their number. */
export async function* readRejects(
  deps: Parameters<typeof listRejects>[0],
  importId: string,
): AsyncGenerator<RejectedRow> {
  const limit = 100;
  for (let afterRow = 0; ; ) {
    const rows = await listRejects(deps, importId, { afterRow, limit });
    yield* rows;
    if (rows.length < limit) return;
    afterRow = rows.at(-1)!.row;
  }
}

/** The number of stored rejects of an organization, counted up to `most`. */
export async function countRejects(db: Queryable, organizationId: string, most: number): Promise<number> {
  const [row] = await run<{ n: number }>(
    db,
    sql`SELECT count(*)::int AS n FROM (SELECT 1 FROM imports i JOIN import_rejects r ON r.import_id = i.id
      WHERE i.organization_id = ${organizationId}::uuid AND i.rejects_kept > 0 LIMIT ${most}::integer) kept`,
  );
  return row!.n;
}
