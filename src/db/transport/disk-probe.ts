import type { Database } from '../client.ts';
import { isDiskFull } from '../database-errors.ts';

/** Returns false when the database has no space for a megabyte. Throws when it does not answer. Leaves nothing. */
export async function hasSpace(db: Database): Promise<boolean> {
  try {
    await db.withTx((tx) =>
      tx.query(`CREATE TEMPORARY TABLE space_probe ON COMMIT DROP AS
        SELECT repeat('x', 1000) AS filling FROM generate_series(1, 1000)`),
    );
    return true;
  } catch (error) {
    if (isDiskFull(error)) return false;
    throw error;
  }
}
