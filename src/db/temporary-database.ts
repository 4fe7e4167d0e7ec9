import pg from 'pg';
import { withDatabase } from '../config.ts';
import { pgSettings } from './server.ts';

export type TemporaryDatabase = { url: string; stop(): Promise<void> };

/**
 * Creates a database on an existing server, which `stop` drops. The role needs CREATEDB. `name` becomes part of the
 * statement unquoted and must be a plain identifier. Used by the demo, whose opt-outs must not reach real data.
 */
export async function createTemporaryDatabase(serverUrl: string, name: string): Promise<TemporaryDatabase> {
  const run = async (statement: string) => {
    const client = new pg.Client(pgSettings(serverUrl));
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await run(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  return {
    url: withDatabase(serverUrl, name),
    stop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}
