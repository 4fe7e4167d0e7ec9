import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { createLogger, type Logger } from '../adapters/logger.ts';
import { type Config, ConfigError, loadConfig, processEnvironment } from '../config.ts';
import { createDatabase, type Database } from '../db/client.ts';

/** Something the caller got wrong, said in one sentence; nothing was changed. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export type Session = { config: Config; db: Database; log: Logger; databaseUrl: string };

const running = z.object({ databaseUrl: z.string().min(1) });

/** The database commands work on. */
async function findDatabase(env: NodeJS.ProcessEnv): Promise<string> {
  if (env.DATABASE_URL?.trim()) return env.DATABASE_URL.trim();
  const file = resolve('.leadgate/demo.json');
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null)
    throw new CommandError('DATABASE_URL is not set, and no `npm start` has run in this folder.');
  const found = running.safeParse(JSON.parse(text));
  if (!found.success)
    throw new CommandError(`${file} names no database. Set DATABASE_URL, or run \`npm start\` once more.`);
  return found.data.databaseUrl;
}

/** Opens the database for one command and closes it whatever happens. */
export async function withSession<T>(run: (session: Session) => Promise<T>): Promise<T> {
  const env = processEnvironment();
  const databaseUrl = await findDatabase(env);
  const config = loadCliConfig(env, databaseUrl);
  const log = createLogger({ logLevel: 'error' }, 'cli', process.stderr);
  const db = createDatabase({
    url: databaseUrl,
    // As every other process: what needs a session of its own does not go through a transaction pooler.
    replicaUrl: config.databaseReplicaUrl ?? config.databaseDirectUrl,
    prepared: config.databaseDirectUrl === null,
    max: 2,
    applicationName: 'leadgate cli',
    connectTimeoutMs: 5_000,
  });
  try {
    return await run({ config, db, log, databaseUrl });
  } finally {
    await db.close();
  }
}

/** Commands need the database alone: a vendor key that only the server has must not keep them from running. */
function loadCliConfig(env: NodeJS.ProcessEnv, databaseUrl: string): Config {
  try {
    return loadConfig(env, { databaseUrl });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { DATABASE_DIRECT_URL, DATABASE_REPLICA_URL, ENCRYPTION_KEYS, MAX_CSV_SIZE_MB } = env;
    const needed = { DATABASE_DIRECT_URL, DATABASE_REPLICA_URL, ENCRYPTION_KEYS, MAX_CSV_SIZE_MB };
    return loadConfig(needed, { databaseUrl });
  }
}

export const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};
