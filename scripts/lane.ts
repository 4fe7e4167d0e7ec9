import { spawn } from 'node:child_process';
import { startTemporaryPostgres } from '../src/embedded-postgres/index.ts';
import { startRedisCluster } from '../test/harness/cluster.ts';
import { startPgBouncer } from '../test/harness/pgbouncer.ts';

/**
 * `npm run test:cluster`, `npm run test:pgbouncer`: runs the tests on other engines, which are started here and stopped
 * afterwards. Further arguments are passed to vitest. A run of all tests also fails when they did not use the engine.
 */
type Lane = {
  projects: string[];
  env: Record<string, string>;
  /** Describes the engine's traffic. Throws when the tests did not use it. */
  verifyUse(): Promise<string>;
  stop(): Promise<void>;
};

const lanes: Record<string, () => Promise<Lane>> = {
  async cluster() {
    const cluster = await startRedisCluster();
    return {
      projects: ['integration', 'redis'],
      env: { REDIS_URL: cluster.url },
      async verifyUse() {
        const queues = await cluster.queuesPerMaster();
        if (queues.some((count) => count === 0))
          throw new Error(`a master has no queue: ${queues.join(', ')} queues on the three masters`);
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
      async verifyUse() {
        const { poolMode, poolSize, transactions, databases } = await pooler.traffic();
        const seen = `PgBouncer: ${transactions} transactions of ${databases} databases, ${poolMode} mode, pools of ${poolSize}`;
        if (poolMode !== 'transaction' || databases === 0)
          throw new Error(`the tests did not use it. ${seen}`);
        return seen;
      },
      async stop() {
        await pooler.stop();
        await postgres.stop('immediate');
      },
    };
  },
};

/** Variables of this machine that are not passed to the tests. */
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
    // A terminal sends Ctrl-C to vitest too; a supervisor signals only this process.
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function main([name = '', ...parameters]: string[]): Promise<number> {
  const start = lanes[name];
  if (!start) throw new Error(`no such lane: ${name}. Lanes: ${Object.keys(lanes).join(', ')}`);
  process.on('SIGINT', () => undefined);
  const lane = await start();
  try {
    const code = await runTests(lane, parameters);
    // Selected tests may not use every part of the engine.
    const whole = parameters.every((parameter) => parameter.startsWith('-'));
    const seen = lane.verifyUse();
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
