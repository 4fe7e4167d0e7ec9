import type { Database } from './client.ts';

/** Whether Postgres answers in time; never throws. */
export async function databaseHealthy(db: Database): Promise<boolean> {
  return db.ping().then(
    () => true,
    () => false,
  );
}
