import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { processEnvironment } from '../config.ts';
import { startTemporaryPostgres } from '../embedded-postgres/index.ts';
import { seedDemo, startSystem } from '../system.ts';
import { type Teller, tellStory } from './story.ts';

/**
 * `npm run demo`: boots everything on free ports with data that goes away, plays one lead through real HTTP and the
 * real SDKs, prints what happens, and judges the end by the vendors' ledger and by our own tables.
 */
async function main(): Promise<number> {
  const began = Date.now();
  const clock = () => `${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s`;
  const teller: Teller = {
    chapter: (title) => process.stdout.write(`\n${clock()}  ${title}\n`),
    line: (text) => process.stdout.write(`${' '.repeat(9)}${text}\n`),
  };
  const env = processEnvironment();
  teller.chapter('Starting: database, queue, vendor sandbox, API, workers');
  // A pooler need not know the database that is made here.
  const given = env.DATABASE_DIRECT_URL ?? env.DATABASE_URL;
  const postgres = given ? await createThrowawayDatabase(given) : await startTemporaryPostgres();
  try {
    const system = await startSystem({
      // The demo shows the simulated vendors, whatever is configured here.
      env: { REDIS_URL: env.REDIS_URL, LOG_LEVEL: env.LOG_LEVEL },
      databaseUrl: postgres.url,
      port: 0,
      sandboxPort: 0,
      logLevel: env.LOG_LEVEL ? undefined : 'silent',
      namespace: `demo-${process.pid}`,
    });
    try {
      const { apiKey } = await seedDemo(system, {});
      teller.line(
        `API ${system.publicUrl} · vendors ${system.sandbox!.url} · queue on ${system.runtime.queues.backend}`,
      );
      const problems = await tellStory(system, apiKey, teller);
      teller.chapter(problems.length === 0 ? 'Everything ended as it must.' : 'NOT as it must:');
      for (const problem of problems) teller.line(`✗ ${problem}`);
      return problems.length === 0 ? 0 : 1;
    } finally {
      await system.stop();
    }
  } finally {
    await postgres.stop();
  }
}

/** A database of its own on a given server: the story opts phones out, and nobody's data should remember that. */
async function createThrowawayDatabase(serverUrl: string): Promise<{ url: string; stop(): Promise<void> }> {
  const name = `leadgate_demo_${randomBytes(4).toString('hex')}`;
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: serverUrl });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await run(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, stop: () => run(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`the demo failed: ${(error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  },
);
