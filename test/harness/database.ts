import { randomBytes } from 'node:crypto';
import pg from 'pg';
import pino from 'pino';
import { inject } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { startTemporaryPostgres } from '../../src/embedded-postgres/index.ts';
import { postgresConnections } from '../../src/engine/queue-connections.ts';

/**
 * The server of this test run and a migrated template database to clone. With a pooler the product reaches the clones
 * through it, as in an installation that sets DATABASE_DIRECT_URL beside DATABASE_URL.
 */
export type TestPostgres = { serverUrl: string; template: string; poolerUrl: string | null };

declare module 'vitest' {
  interface ProvidedContext {
    postgres: TestPostgres;
    /** The folder with the compiled sources, for programs that a test starts. */
    compiled: string;
  }
}

/**
 * Starts one server per run: DATABASE_URL if set (its user must be allowed to create databases; with DATABASE_DIRECT_URL
 * it is a transaction pooler for any database name), else a temporary embedded one. The template has the queue's tables too,
 * which every system would otherwise make for itself.
 */
export async function startTestPostgres(): Promise<TestPostgres & { stop(): Promise<void> }> {
  const { DATABASE_URL, DATABASE_DIRECT_URL } = process.env;
  const given = DATABASE_DIRECT_URL ?? DATABASE_URL;
  const own = given ? null : await startTemporaryPostgres();
  const serverUrl = given ?? own!.url;
  const poolerUrl = DATABASE_URL && DATABASE_DIRECT_URL ? DATABASE_URL : null;
  const template = freshName('template');
  await atServer(serverUrl, (client) =>
    client.query(`CREATE DATABASE ${template} ENCODING 'UTF8' TEMPLATE template0`),
  );
  const url = at(serverUrl, template);
  await migrate(url);
  const queue = await postgresConnections(url, pino({ level: 'silent' }));
  await queue.close();
  return {
    serverUrl,
    template,
    poolerUrl,
    async stop() {
      if (own) await own.stop('immediate');
      else
        await atServer(serverUrl, (client) =>
          client.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`),
        );
    },
  };
}

export type TestDatabase = {
  /** The URL the product uses. */
  url: string;
  /** The URL past the pooler; equal to `url` without one. */
  directUrl: string;
  name: string;
  drop(): Promise<void>;
};

/** The value for DATABASE_DIRECT_URL. Returns null when there is no pooler. */
export const directUrlOf = ({ url, directUrl }: TestDatabase): string | null =>
  url === directUrl ? null : directUrl;

/** The options the product passes to its client for this database. */
export const clientOf = (database: TestDatabase) => ({
  url: database.url,
  replicaUrl: directUrlOf(database),
  prepared: directUrlOf(database) === null,
});

/** A new migrated database, cloned in about 50 ms. `drop` closes every connection still open to it. */
export const createTestDatabase = (source: TestPostgres = inject('postgres')): Promise<TestDatabase> =>
  createFrom(source, source.template);

/** A new database without tables, for a test that runs the migrations itself. */
export const createEmptyDatabase = (source: TestPostgres = inject('postgres')): Promise<TestDatabase> =>
  createFrom(source, `template0 ENCODING 'UTF8'`);

async function createFrom(source: TestPostgres, template: string): Promise<TestDatabase> {
  const name = freshName('test');
  await atServer(source.serverUrl, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  return {
    name,
    url: at(source.poolerUrl ?? source.serverUrl, name),
    directUrl: at(source.serverUrl, name),
    drop: () =>
      atServer(source.serverUrl, async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      }),
  };
}

/** Runs `act` on a connection of its own. */
export async function atServer<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

function at(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

const freshName = (kind: string) => `leadgate_${kind}_${randomBytes(6).toString('hex')}`;
