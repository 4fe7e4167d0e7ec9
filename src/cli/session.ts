import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { createLogger, type Logger } from '../adapters/logger.ts';
import { type Config, ConfigError, loadConfig, processEnvironment } from '../config.ts';
import { createDatabase, type Database } from '../db/client.ts';

/** A mistake of the user, reported in one sentence without a stack; nothing was changed. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export type Session = {
  config: Config;
  db: Database;
  log: Logger;
  databaseUrl: string;
  /** Why the encryption keys must not be used: contacts would be encrypted with keys that are not secret. */
  keyProblems: readonly string[];
};

const running = z.object({ databaseUrl: z.string().min(1) });

/** The URL of the database that commands work on. */
async function findDatabase(env: NodeJS.ProcessEnv): Promise<string> {
  if (env.DATABASE_URL?.trim()) return env.DATABASE_URL.trim();
  const file = resolve('.leadgate/demo.json');
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null)
    throw new CommandError('DATABASE_URL is not set, and `npm start` has not run in this folder.');
  const found = running.safeParse(JSON.parse(text));
  if (!found.success)
    throw new CommandError(`${file} names no database. Set DATABASE_URL or run \`npm start\` again.`);
  return found.data.databaseUrl;
}

/** Opens the database for one command and always closes it. */
export async function withSession<T>(run: (session: Session) => Promise<T>): Promise<T> {
  const env = processEnvironment();
  const databaseUrl = await findDatabase(env);
  const { config, keyProblems } = loadCliConfig(env, databaseUrl);
  const log = createLogger({ logLevel: 'error' }, 'cli', process.stderr);
  const db = createDatabase({
    url: databaseUrl,
    // As in every process: reads that need a session bypass a transaction pooler.
    replicaUrl: config.databaseReplicaUrl ?? config.databaseDirectUrl,
    prepared: config.databaseDirectUrl === null,
    max: 2,
    applicationName: 'leadgate cli',
    connectTimeoutMs: 5_000,
  });
  try {
    return await run({ config, db, log, databaseUrl, keyProblems });
  } finally {
    await db.close();
  }
}

/** Commands need only the database, so a missing vendor key is no reason to fail. */
function loadCliConfig(env: NodeJS.ProcessEnv, databaseUrl: string): Pick<Session, 'config' | 'keyProblems'> {
  try {
    return { config: loadConfig(env, { databaseUrl }), keyProblems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { DATABASE_DIRECT_URL, DATABASE_REPLICA_URL, ENCRYPTION_KEYS, MAX_CSV_SIZE_MB, QUOTAS } = env;
    const needed = { DATABASE_DIRECT_URL, DATABASE_REPLICA_URL, ENCRYPTION_KEYS, MAX_CSV_SIZE_MB, QUOTAS };
    const keyProblems = error.problems.filter((problem) => /ENCRYPTION_KEYS|NODE_ENV/.test(problem));
    return { config: loadConfig(needed, { databaseUrl }), keyProblems };
  }
}

export const say = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};
