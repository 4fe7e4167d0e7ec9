import type { Worker } from 'bullmq';
import { createGateways } from '../adapters/gateways.ts';
import { createLogger } from '../adapters/logger.ts';
import type { Config } from '../config.ts';
import { createDatabase } from '../db/client.ts';
import { queuedCounts } from '../db/transport/outbox.ts';
import { maintain } from '../db/transport/retention.ts';
import { createVault } from '../db/vault.ts';
import { createPayLinks } from '../domain/unlock/pay-link.ts';
import { rowsUnderWay } from '../usecases/crm/rate-limit.ts';
import { settledWithin } from './deadline.ts';
import type { AnyWorker } from './define.ts';
import { createEffects } from './effects.ts';
import { execute } from './execute.ts';
import { createQueues } from './queues.ts';
import { createRelay } from './relay.ts';
import type { Runtime } from './runtime.ts';
import { createSweeper } from './sweeper.ts';

export type RuntimeOptions = {
  name: string;
  namespace?: string;
  pool?: number;
  /** How long a statement may take: an ingress answers 503 rather than keep its caller waiting. */
  queryTimeoutMs?: number;
};

/** Builds what a process needs and checks what must not be wrong. `close` goes after the servers and workers. */
export async function createRuntime(
  config: Config,
  options: RuntimeOptions,
): Promise<Runtime & { close(): Promise<void> }> {
  const log = createLogger(config, options.name);
  const url = config.databaseUrl;
  if (!url) throw new Error('createRuntime needs a database URL');
  const db = createDatabase({
    url,
    // The reader sets session options, which a transaction pooler does not keep.
    replicaUrl: config.databaseReplicaUrl ?? config.databaseDirectUrl ?? undefined,
    applicationName: `leadgate-${options.name}`,
    max: options.pool ?? 20,
    // A direct URL beside it means that the other one leads through a transaction pooler.
    prepared: config.databaseDirectUrl === null,
    queryTimeoutMs: options.queryTimeoutMs,
    connectTimeoutMs: 1_500,
    onError: (error) => log.warn({ error: error.message }, 'idle database connection lost'),
  });
  await db.assertSafe();
  const queues = await createQueues({
    redisUrl: config.redisUrl,
    databaseUrl: config.databaseDirectUrl ?? url,
    namespace: options.namespace,
    log,
  });
  const vault = createVault(config.encryptionKeys);
  const gateways = createGateways(config);
  const { timings } = config;
  const relay = createRelay({ db, queues, timings, log });
  const effects = createEffects({
    db,
    vault,
    sms: gateways.sms,
    email: gateways.email,
    timings,
    log,
    statusCallbackBase: `${config.publicUrl}/webhook/twilio/status`,
  });
  const links = createPayLinks(config.encryptionKeys.at(-1)!.key, config.publicUrl);
  const { sms, email, payments, crm } = gateways;
  return {
    config,
    log,
    db,
    vault,
    links,
    sms,
    email,
    payments,
    crm,
    queues,
    relay,
    effects,
    async close() {
      await queues.close();
      gateways.close();
      await settledWithin(drainMs, db.close());
    },
  };
}

/** `stop` lets running jobs end for so long (4 s); whatever is cut off then runs again elsewhere. */
export type RunningWorkers = { stop(patienceMs?: number): Promise<void> };

/** No progress with work waiting for this long: the worker's connection is deaf, and is made anew. */
const deafAfterMs = 15_000;
const maintainEveryMs = 3_600_000;
const drainMs = 4_000;

/** Starts the given workers and a sweeper beside them. `stop` lets running jobs end. */
export function startWorkers(runtime: Runtime, workers: readonly AnyWorker[]): RunningWorkers {
  const running = new Map<AnyWorker, { worker: Worker; active: number; lastProgress: number }>();
  const start = (definition: AnyWorker) => {
    const state = { active: 0, lastProgress: Date.now() };
    const policy = { ...definition, concurrency: definition.concurrency * runtime.config.workerCount };
    const worker = runtime.queues.startWorker(definition.name, policy, async (data) => {
      state.active++;
      try {
        return await execute(definition, runtime, data);
      } finally {
        state.active--;
        state.lastProgress = Date.now();
      }
    });
    running.set(definition, Object.assign(state, { worker }));
  };
  for (const definition of workers) start(definition);
  const sweeper = createSweeper({
    db: runtime.db,
    queues: runtime.queues,
    timings: runtime.config.timings,
    log: runtime.log,
    perOrganization: { 'ghl-syncer': rowsUnderWay(runtime) },
  });
  sweeper.start();

  const keepHouse = () =>
    maintain(runtime.db, runtime.config.retention).then(
      (report) => {
        const { dropped, held, failed } = report;
        if (held.length + failed.length > 0) runtime.log.warn(report, 'maintenance left something for later');
        else if (report.removed + dropped.length > 0) runtime.log.info(report, 'maintenance');
      },
      (error: Error) => runtime.log.warn({ error: error.message }, 'maintenance failed, it comes again'),
    );
  const housekeeping = setInterval(keepHouse, maintainEveryMs);
  void keepHouse();
  const watchdog = setInterval(() => {
    for (const [definition, state] of running) {
      if (state.active > 0 || Date.now() - state.lastProgress < deafAfterMs) continue;
      state.lastProgress = Date.now();
      void restartIfDeaf(definition, state.worker);
    }
  }, 5_000);
  const restartIfDeaf = async (definition: AnyWorker, worker: Worker) => {
    try {
      const { waiting = 0 } = await runtime.queues.counts(definition.name);
      // Waiting behind the worker's own rate limit is not deafness.
      if (waiting === 0 || (definition.limiter?.duration ?? 0) >= deafAfterMs) return;
      runtime.log.warn(
        { worker: definition.name, waiting },
        'no progress with work waiting: worker restarted',
      );
      start(definition);
      await worker.close(true);
    } catch (error) {
      runtime.log.debug({ worker: definition.name, error: (error as Error).message }, 'queue not reachable');
    }
  };
  return {
    async stop(patienceMs = drainMs) {
      clearInterval(watchdog);
      clearInterval(housekeeping);
      await settledWithin(patienceMs, sweeper.stop());
      const closing = Promise.allSettled([...running.values()].map(({ worker }) => worker.close()));
      if (await settledWithin(patienceMs, closing)) return;
      const busy = [...running].filter(([, { active }]) => active > 0).map(([{ name }]) => name);
      runtime.log.warn({ busy }, 'stopped without waiting any longer');
    },
  };
}

/** For processes without a sweeper: keeps the bounded window of each queue known. */
export function watchDepths(runtime: Runtime): RunningWorkers {
  const timer = setInterval(() => {
    queuedCounts(runtime.db)
      .then((depths) => runtime.queues.setDepths(depths))
      .catch((error: Error) => runtime.log.debug({ error: error.message }, 'queue depths not known'));
  }, 1_000);
  return {
    async stop() {
      clearInterval(timer);
    },
  };
}
