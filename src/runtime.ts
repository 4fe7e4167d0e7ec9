import { createGateways } from './adapters/gateways.ts';
import { createLogger } from './adapters/logger.ts';
import { createRedisCounters } from './adapters/redis-counters.ts';
import { type Config, ConfigError } from './config.ts';
import { createPostgresCounters } from './db/account/counters.ts';
import { findQuotaLimits } from './db/account/quotas.ts';
import { createDatabase } from './db/client.ts';
import { settledWithin } from './db/deadline.ts';
import { createVault } from './db/vault.ts';
import { isQuotaName, quotaNames, readQuotaLimits } from './domain/account/quotas.ts';
import { createPayLinks } from './domain/unlock/pay-link.ts';
import { readDepths } from './engine/depths.ts';
import { createEffects } from './engine/effects.ts';
import { createQueues } from './engine/queues.ts';
import { createRelay } from './engine/relay.ts';
import { createCounters } from './usecases/account/counters.ts';
import { createQuotas } from './usecases/account/quotas.ts';
import { createDistribution } from './usecases/marketplace/distribute.ts';
import { createTexting } from './usecases/messaging/texting.ts';
import type { Runtime } from './usecases/runtime.ts';
import { createSelfCheck, type SelfCheckOptions } from './usecases/transport/self-check.ts';

const closePatienceMs = 4_000;

/**
 * Connections of a process that runs workers only. More would make single deals no faster (the database's CPUs are the
 * limit) and would leave less of those CPUs to the API processes, whose callers wait.
 */
export const workerConnections = 10;

export type RuntimeOptions = {
  name: string;
  namespace?: string;
  pool?: number;
  /** How long a statement may take: an ingress answers 503 rather than keep its caller waiting. */
  queryTimeoutMs?: number;
  /** How long the shared counters may take to answer before this process counts alone. */
  countersPatienceMs?: number;
  selfCheck?: SelfCheckOptions;
};

/** Builds what a process needs and checks what must not be wrong. `close` goes after the servers and workers. */
export async function createRuntime(
  config: Config,
  options: RuntimeOptions,
): Promise<Runtime & { close(): Promise<void> }> {
  const log = createLogger(config, options.name);
  assertQuotaNames(config);
  for (const note of config.notes) log.warn(note);
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
  // Before the first job: its turn would be before those of all jobs that wait already.
  await readDepths({ db, queues, log });
  const vault = createVault(config.encryptionKeys);
  const gateways = createGateways(config);
  const { timings } = config;
  const relay = createRelay({ db, queues, timings, log });
  const effects = createEffects({ db, timings, log });
  const { sms, email, payments, crms } = gateways;
  const texting = createTexting({
    db,
    vault,
    sms,
    email,
    effects,
    statusCallbackBase: `${config.publicUrl}/webhook/twilio/status`,
  });
  const counters = createCounters({
    store: queues.redis
      ? createRedisCounters(queues.redis, options.namespace ?? 'leadgate')
      : createPostgresCounters(db),
    secret: config.sessionSecret,
    log,
    patienceMs: options.countersPatienceMs,
  });
  const selfCheck = createSelfCheck({ db, queues, relay, log }, options.selfCheck);
  // Before the first request: signatures are judged by the database's clock.
  await selfCheck.start();
  const links = createPayLinks(config.encryptionKeys.at(-1)!.key, config.publicUrl);
  return {
    config,
    log,
    db,
    vault,
    links,
    sms,
    email,
    payments,
    crms,
    queues,
    relay,
    effects: { ...effects, ...texting },
    counters,
    quotas: createQuotas({
      counters,
      defaults: readQuotaLimits(config.quotas),
      loadLimits: () => findQuotaLimits(db),
      log,
    }),
    selfCheck,
    distribution: createDistribution({
      db,
      relay,
      ourNumber: sms.ourNumber,
      rechargeWaitMs: timings.rechargeWaitMs,
      limits: config.wallet,
    }),
    async close() {
      counters.close();
      await settledWithin(closePatienceMs, selfCheck.stop());
      await queues.close();
      gateways.close();
      await settledWithin(closePatienceMs, db.close());
    },
  };
}

function assertQuotaNames({ quotas }: Config): void {
  const unknown = Object.keys(quotas).filter((name) => !isQuotaName(name));
  if (unknown.length > 0)
    throw new ConfigError(
      unknown.map(
        (name) => `QUOTAS names "${name}", which is no quota. There are: ${quotaNames.join(', ')}.`,
      ),
    );
}
