import type { Database } from './client.ts';

/** Whether Postgres responds within the connect timeout. Never throws. */
export async function databaseHealthy(db: Database): Promise<boolean> {
  return db.ping().then(
    () => true,
    () => false,
  );
}
