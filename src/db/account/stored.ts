import { sql } from 'drizzle-orm';
import type { StoredName } from '../../domain/account/quotas.ts';
import { type Batches, inBatchesByKey } from '../batches-by-key.ts';
import type { Database, Tx } from '../client.ts';
import { run } from '../commit.ts';

type Insert = () => Promise<unknown>;
const lines = new WeakMap<object, Batches<Insert, unknown>>();

/** One after another for each count: those that wait for its lock would each hold a connection. */
function inLine(db: object): Batches<Insert, unknown> {
  const known =
    lines.get(db) ?? inBatchesByKey(async (_count, [insert]) => [await insert!()], { atOnce: 1, most: 1 });
  lines.set(db, known);
  return known;
}

/**
 * Runs an insert that counts what its organization has stored. One at a time: two statements that count at the same
 * moment would both find room for the last row. The lock is a statement of its own, because a statement does not see what
 * was committed while it waited.
 */
export async function insertCounted<T>(
  db: Pick<Database, 'withTx'>,
  { name, organizationId }: { name: StoredName; organizationId: string },
  insert: (tx: Tx) => Promise<T>,
): Promise<T> {
  const counted = () =>
    db.withTx(async (tx) => {
      await lockCount(tx, name, organizationId);
      return insert(tx);
    });
  return (await inLine(db)(`${name} ${organizationId}`, counted)) as T;
}

/** Until the transaction ends, no other one counts the same. */
export async function lockCount(tx: Tx, name: StoredName, organizationId: string): Promise<void> {
  await run(tx, sql`SELECT pg_advisory_xact_lock(hashtextextended(${`${name} ${organizationId}`}::text, 0))`);
}
