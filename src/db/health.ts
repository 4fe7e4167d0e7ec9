import type { Database } from './client.ts';

/** Whether Postgres responds within the connect timeout. Never throws. */
export async function databaseHealthy(db: Database): Promise<boolean> {
  return db.ping().then(
    () => true,
    () => false,
  );
}

/** Whether lists and pages can be read. Never throws. */
export async function readerHealthy({ reader }: Pick<Database, 'reader'>): Promise<boolean> {
  return reader.ping().then(
    () => true,
    () => false,
  );
}
