import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { hasErrorCode } from '../domain/errors.ts';
import { pgSettings } from './server.ts';

export type MigrateOptions = {
  log?: (line: string) => void;
  /** Folder of *.sql files; defaults to drizzle/ at the package's root. */
  folder?: string;
};

type Migration = { name: string; sql: string; hash: string };

/** Works from src/db/ and dist/db/ alike. */
const packaged = fileURLToPath(new URL('../../drizzle/', import.meta.url));

/** Arbitrary, but equal in every leadgate process. */
const lockKey = 5_323_446_771;

/**
 * Applies the missing migrations, one transaction per file, in one process at a time. Returns the names of the applied
 * ones. Throws when a file changed after it was applied: migrations are append-only. Needs a direct connection, because
 * the advisory lock is held by the session.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  const { folder = packaged, log = () => undefined } = options;
  const migrations = await readMigrations(folder);
  const client = new pg.Client({ ...pgSettings(url), connectionTimeoutMillis: 10_000 });
  // A lost connection also rejects the pending statement; without a listener the event would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey]);
    return await applyMissing(client, migrations, log);
  } finally {
    // Ending the session releases the lock as well.
    await client.end();
  }
}

async function applyMissing(
  client: pg.Client,
  migrations: Migration[],
  log: (line: string) => void,
): Promise<string[]> {
  await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  const { rows } = await client.query<{ name: string; hash: string }>(
    'SELECT name, hash FROM schema_migrations',
  );
  const applied = new Map(rows.map(({ name, hash }) => [name, hash]));
  const changed = migrations.filter(({ name, hash }) => applied.has(name) && applied.get(name) !== hash);
  if (changed.length > 0) {
    throw new Error(
      `migrations changed after they were applied: ${changed.map(({ name }) => name).join(', ')}. Restore them and write a new one.`,
    );
  }
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const migration of missing) {
    await apply(client, migration);
    log(`migrated ${migration.name}`);
  }
  return missing.map(({ name }) => name);
}

async function apply(client: pg.Client, { name, sql, hash }: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    // Without parameters the server runs the whole file at once; drizzle's breakpoints are SQL comments.
    await client.query(sql);
    await client.query('INSERT INTO schema_migrations (name, hash) VALUES ($1, $2)', [name, hash]);
    await client.query('COMMIT');
  } catch (cause) {
    // migrate() closes the session on this error, which rolls the transaction back.
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`migration ${name} failed and was rolled back: ${detail}`, { cause });
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await orderOf(folder)) ?? (await sqlFiles(folder));
  return Promise.all(
    names.map(async (name) => {
      // A checkout on Windows may have converted the line endings.
      const sql = (await readFile(join(folder, `${name}.sql`), 'utf8')).replaceAll('\r\n', '\n');
      return { name, sql, hash: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function sqlFiles(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql'));
  return files.map((file) => file.slice(0, -'.sql'.length)).sort();
}

/**
 * Returns the order of drizzle-kit's journal, or null without a journal. Throws when a file is not listed, because it
 * would never run.
 */
async function orderOf(folder: string): Promise<string[] | null> {
  try {
    const text = await readFile(join(folder, 'meta', '_journal.json'), 'utf8');
    const { entries } = JSON.parse(text) as { entries: { idx: number; tag: string }[] };
    const listed = entries.toSorted((a, b) => a.idx - b.idx).map(({ tag }) => tag);
    const stray = (await sqlFiles(folder)).filter((name) => !listed.includes(name));
    if (stray.length > 0)
      throw new Error(`not in ${join(folder, 'meta', '_journal.json')}: ${stray.join(', ')}`);
    return listed;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}
