import { once } from 'node:events';
import { createLogger } from '../src/adapters/logger.ts';
import { createDatabase, type Database } from '../src/db/client.ts';
import { migrate } from '../src/db/migrate.ts';
import { createQueues, type Queues } from '../src/engine/queues.ts';
import type { CountedOptions, Runs } from './counted-workers.ts';
import { Machine } from './machine.ts';
import type { Backend } from './row.ts';

/** The servers for measurements of queues and outbox, without vendors and API. */
export type QueueMachine = {
  machine: Machine;
  backend: Backend;
  databaseUrl: string;
  redisUrl: string | null;
  db: Database;
  /** The product's queues, for observing them. */
  queues: Queues;
};

/** Returns null when there is no Redis. */
export async function onQueueMachine<T>(
  backend: Backend,
  use: (parts: QueueMachine) => Promise<T>,
): Promise<T | null> {
  const machine = new Machine();
  const closers: (() => Promise<void>)[] = [];
  try {
    const redisUrl = backend === 'redis' ? await machine.redis() : null;
    if (backend === 'redis' && !redisUrl) return null;
    const databaseUrl = await machine.postgres();
    await migrate(databaseUrl);
    const db = createDatabase({ url: databaseUrl, max: 2 });
    closers.push(() => db.close());
    const queues = await createQueues({
      databaseUrl,
      redisUrl,
      log: createLogger({ logLevel: 'silent' }, 'bench'),
    });
    closers.push(() => queues.close());
    return await use({ machine, backend, redisUrl, databaseUrl, db, queues });
  } finally {
    for (const close of closers.reverse()) await close();
    await machine.stop();
  }
}

export type Counted = {
  runs(): Promise<{ total: number; by: Runs }>;
  stop(): Promise<void>;
};

/** Starts worker processes that count their runs (counted-workers.ts). */
export async function startCounted(
  { machine, databaseUrl, redisUrl }: QueueMachine,
  processes: number,
  what: Pick<CountedOptions, 'workers' | 'limiter'>,
): Promise<Counted> {
  // No vendor is called, because the ids in the rows do not exist.
  const options: CountedOptions = { ...what, databaseUrl, redisUrl, sandboxUrl: 'http://127.0.0.1:1' };
  const children = Array.from({ length: processes }, (_, n) =>
    machine.node('bench/counted-workers.ts', [JSON.stringify(options)], {
      ipc: true,
      role: `worker ${n + 1}`,
    }),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  return {
    async runs() {
      const by: Runs = {};
      for (const child of children) {
        const answer = once(child, 'message');
        child.send('runs');
        const [runs] = (await answer) as [Runs];
        for (const [report, n] of Object.entries(runs)) by[report] = (by[report] ?? 0) + n;
      }
      return { total: Object.values(by).reduce((sum, n) => sum + n, 0), by };
    },
    async stop() {
      const ends = children.map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(ends);
    },
  };
}

export async function openRows(db: Database): Promise<number> {
  const [row] = await db.query<{ n: number }>('SELECT count(*)::int AS n FROM outbox');
  return row!.n;
}

/** Polls four times a second. */
export async function until(done: () => Promise<boolean>, timeoutMs = 300_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error('the measurement timed out');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
