import { randomBytes } from 'node:crypto';
import { processEnvironment } from '../config.ts';
import { createTemporaryDatabase } from '../db/temporary-database.ts';
import { startTemporaryPostgres } from '../embedded-postgres/index.ts';
import { type System, seedDemo, startSystem } from '../system.ts';
import { runMarketStory } from './market-story.ts';
import { type Output, runStory } from './story.ts';

/** By the argument; without one, a lead is offered by text and paid. */
const stories: Readonly<Record<string, (system: System, output: Output) => Promise<string[]>>> = {
  '': async (system, output) => runStory(system, (await seedDemo(system, {})).apiKey, output),
  marketplace: runMarketStory,
};

/**
 * `npm run demo`, `npm run demo -- marketplace`: starts the whole system on free ports with temporary data, plays a story
 * through real HTTP and the real SDKs, prints every step, and verifies the result against the sandbox's ledger and the
 * database. Returns the exit code.
 */
async function main([name = '']: string[]): Promise<number> {
  const story = stories[name];
  if (!story) {
    process.stderr.write(`There is no demo ${name}. Try npm run demo, or npm run demo -- marketplace.\n`);
    return 2;
  }
  const began = Date.now();
  const clock = () => `${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s`;
  const output: Output = {
    chapter: (title) => process.stdout.write(`\n${clock()}  ${title}\n`),
    line: (text) => process.stdout.write(`${' '.repeat(9)}${text}\n`),
  };
  const env = processEnvironment();
  output.chapter('Starting: database, queue, vendor sandbox, API, workers');
  // The direct URL, because a pooler may not be configured for the database created here.
  const given = env.DATABASE_DIRECT_URL ?? env.DATABASE_URL;
  const postgres = given
    ? await createTemporaryDatabase(given, `leadgate_demo_${randomBytes(4).toString('hex')}`)
    : await startTemporaryPostgres();
  try {
    const system = await startSystem({
      // The demo uses the simulated vendors, even when real ones are configured.
      env: { REDIS_URL: env.REDIS_URL, LOG_LEVEL: env.LOG_LEVEL },
      databaseUrl: postgres.url,
      port: 0,
      sandboxPort: 0,
      logLevel: env.LOG_LEVEL ? undefined : 'silent',
      namespace: `demo-${process.pid}`,
    });
    try {
      output.line(
        `API ${system.publicUrl} · vendors ${system.sandbox!.url} · queue on ${system.runtime.queues.backend}`,
      );
      const problems = await story(system, output);
      output.chapter(problems.length === 0 ? 'All checks passed.' : 'FAILED:');
      for (const problem of problems) output.line(`✗ ${problem}`);
      return problems.length === 0 ? 0 : 1;
    } finally {
      await system.stop();
    }
  } finally {
    await postgres.stop();
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`the demo failed: ${(error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  },
);
