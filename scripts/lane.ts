import { spawn } from 'node:child_process';
import { startTemporaryPostgres } from '../src/embedded-postgres/index.ts';
import { startRedisCluster } from '../test/harness/cluster.ts';
import { startPgBouncer } from '../test/harness/pgbouncer.ts';

/**
 * `npm run test:cluster`, `npm run test:pgbouncer`: the same tests on other engines, which are started here and stopped
 * afterwards. What follows goes to vitest. All tests together fail the lane also when they went past the engine.
 */
type Lane = {
  projects: string[];
  env: Record<string, string>;
  /** What the engine saw; throws when that cannot have been these tests. */
  witness(): Promise<string>;
  stop(): Promise<void>;
};

const lanes: Record<string, () => Promise<Lane>> = {
  async cluster() {
    const cluster = await startRedisCluster();
    return {
      projects: ['integration', 'redis'],
      env: { REDIS_URL: cluster.url },
      async witness() {
        const queues = await cluster.queuesPerMaster();
        if (queues.some((count) => count === 0))
          throw new Error(`a master without a queue: ${queues.join(', ')} queues on the three`);
        return `Redis Cluster: ${queues.join(' + ')} queues on its three masters`;
      },
      stop: cluster.stop,
    };
  },

  async pgbouncer() {
    const postgres = await startTemporaryPostgres();
    const pooler = await startPgBouncer(postgres.url).catch(async (error: unknown) => {
      await postgres.stop('immediate');
      throw error;
    });
    return {
      projects: ['integration'],
      env: { DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: pooler.directUrl },
      async witness() {
        const { poolMode, poolSize, transactions, databases } = await pooler.traffic();
        const seen = `PgBouncer: ${transactions} transactions of ${databases} databases, ${poolMode} mode, pools of ${poolSize}`;
        if (poolMode !== 'transaction' || databases === 0) throw new Error(`the tests went past it. ${seen}`);
        return seen;
      },
      async stop() {
        await pooler.stop();
        await postgres.stop('immediate');
      },
    };
  },
};

/** Nothing of what this machine has configured reaches the tests. */
const cleared = ['DATABASE_URL', 'DATABASE_REPLICA_URL', 'DATABASE_DIRECT_URL', 'REDIS_URL'];

function runTests(lane: Lane, parameters: string[]): Promise<number> {
  const inherited = Object.entries(process.env).filter(([name]) => !cleared.includes(name));
  const projects = lane.projects.flatMap((name) => ['--project', name]);
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', ...projects, ...parameters],
      {
        env: { ...Object.fromEntries(inherited), ...lane.env },
        stdio: 'inherit',
      },
    );
    // The terminal tells vitest itself of a Ctrl-C; a supervisor tells only us.
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function main([name = '', ...parameters]: string[]): Promise<number> {
  const start = lanes[name];
  if (!start) throw new Error(`no such lane: ${name}. There are: ${Object.keys(lanes).join(', ')}`);
  process.on('SIGINT', () => undefined);
  const lane = await start();
  try {
    const code = await runTests(lane, parameters);
    // A few chosen tests need not touch every part of the engine.
    const whole = parameters.every((parameter) => parameter.startsWith('-'));
    const seen = lane.witness();
    process.stdout.write(`${await (whole ? seen : seen.catch((error: Error) => error.message))}\n`);
    return code;
  } finally {
    await lane.stop();
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  },
);
