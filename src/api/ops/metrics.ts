import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { hasOpenAlert } from '../../db/transport/alerts.ts';
import { effectCounts, unlockCounts } from '../../db/transport/metrics.ts';
import { outboxFigures } from '../../db/transport/outbox.ts';
import { unlockStates } from '../../domain/unlock/machine.ts';
import { workerNames } from '../../events/routes.ts';
import { ledgerAlert } from '../../usecases/payment/wallet-check.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { payerOf } from '../auth/caller.ts';
import type { Limiter } from '../http/limits.ts';
import { createTtlCache } from '../http/ttl-cache.ts';

type Deps = Pick<Runtime, 'db' | 'queues' | 'counters' | 'selfCheck'>;

/** Scrapes closer together than this get the same figures, so that monitoring does not become load. */
const figuresMs = 5_000;
const countsMs = 30_000;

/**
 * /metrics for Prometheus: with an operator's key (`leadgate key create --operator --name <name>`), and outside production
 * also without one from this machine. The histogram covers what this process served; the gauges are read from the database
 * and the same in every process.
 */
export function metricsRoute(runtime: Deps, access: Access, limiter: Limiter): FastifyPluginAsync {
  const plugin: FastifyPluginAsync = async (app) => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry, prefix: 'leadgate_' });
    const latency = new Histogram({
      name: 'leadgate_http_request_seconds',
      help: 'Time from the request to the end of its answer, by route.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
    quotaMetrics(registry, runtime);
    const refresh = databaseGauges(registry, runtime);
    checkGauges(registry, runtime);

    app.addHook('onResponse', async (request, reply) => {
      // The duration of an event stream is no latency.
      if (reply.getHeader('content-type')?.toString().startsWith('text/event-stream')) return;
      const route = request.routeOptions.url ?? 'unmatched';
      latency.observe(
        { method: request.method, route, status: String(reply.statusCode) },
        reply.elapsedTime / 1000,
      );
    });
    const onRequest = [
      access.monitoring,
      // Apart from the documentation, which strangers may ask for from the address of the same proxy.
      (request: FastifyRequest, reply: FastifyReply) =>
        limiter.take('document', `metrics ${payerOf(request).name}`, reply),
    ];
    const options = { schema: { hide: true }, onRequest };
    app.get('/metrics', options, async (_request, reply) => {
      await refresh();
      return reply
        .header('cache-control', 'no-store')
        .type(registry.contentType)
        .send(await registry.metrics());
    });
  };
  // Not encapsulated, so that the latency of every route is measured and not of this one alone.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

/** By quota alone: organizations as labels would be without bound. The log names the organization that was refused. */
function quotaMetrics(registry: Registry, { counters }: Pick<Deps, 'counters'>): void {
  new Gauge({
    name: 'leadgate_quota_used',
    help: 'Highest share of a limit that one organization, key or address uses, by quota: 1 is all of it.',
    labelNames: ['quota'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [quota, { used }] of counters.figures()) this.set({ quota }, used);
    },
  });
  new Counter({
    name: 'leadgate_quota_refused',
    help: 'Requests that this process refused, by quota.',
    labelNames: ['quota'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [quota, { refused }] of counters.figures()) this.inc({ quota }, refused);
    },
  });
}

/** What this process found in its last check of the installation. */
function checkGauges(registry: Registry, { selfCheck }: Pick<Deps, 'selfCheck'>): void {
  const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void) =>
    new Gauge({
      name: `leadgate_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  gauge('check_ok', 'Whether a check of the installation found no trouble.', ['check'], (found) => {
    for (const { check, reason } of selfCheck.findings()) found.set({ check }, reason === null ? 1 : 0);
  });
  gauge('clock_skew_seconds', 'The clock of the database minus that of this process.', [], (found) => {
    const { clock } = selfCheck.measured();
    if (clock) found.set(clock.skewMs / 1000);
  });
  gauge('disk_free_bytes', 'Free space for data on this machine, by folder.', ['path'], (found) => {
    for (const { path, freeBytes } of selfCheck.measured().volumes) found.set({ path }, freeBytes);
  });
  gauge('redis_memory_bytes', 'Memory that Redis uses, by server.', ['server'], (found) => {
    for (const { server, usedBytes } of selfCheck.measured().servers ?? []) found.set({ server }, usedBytes);
  });
  gauge('redis_memory_limit_bytes', 'maxmemory of Redis, by server.', ['server'], (found) => {
    for (const { server, limitBytes } of selfCheck.measured().servers ?? [])
      if (limitBytes !== null) found.set({ server }, limitBytes);
  });
}

function databaseGauges(registry: Registry, { db, queues }: Deps): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `leadgate_${name}`, help, labelNames, registers: [registry] });
  const depth = gauge('outbox_rows', 'Outbox rows by worker and state.', ['worker', 'state']);
  const age = gauge(
    'outbox_lag_seconds',
    'Age of the oldest due outbox row that is not on hold, by worker.',
    ['worker'],
  );
  const jobs = gauge('queue_jobs', 'Jobs in the queue by worker and state.', ['worker', 'state']);
  const effects = gauge('effects', 'Vendor calls in the last 24 hours, by vendor, kind and outcome.', [
    'vendor',
    'kind',
    'outcome',
  ]);
  const unlocks = gauge('unlocks', 'Unlocks by state.', ['state']);
  const ledger = gauge('ledger_ok', 'Whether the last check of the ledger found that all agrees.');
  const up = gauge('queue_up', 'Whether the queue answers.');
  const cache = createTtlCache();

  const outboxNow = async () => {
    const rows = await outboxFigures(db.reader);
    for (const worker of workerNames) {
      const row = rows.find((r) => r.worker === worker);
      depth.set({ worker, state: 'queued' }, row?.queued ?? 0);
      depth.set({ worker, state: 'waiting' }, row?.waiting ?? 0);
      depth.set({ worker, state: 'held' }, row?.held ?? 0);
      depth.set({ worker, state: 'paused' }, row?.paused ?? 0);
      depth.set({ worker, state: 'parked' }, row?.parked ?? 0);
      age.set({ worker }, row?.lagSeconds ?? 0);
    }
  };
  const queuesNow = async () => {
    const healthy = await queues.healthy();
    up.set(healthy ? 1 : 0);
    jobs.reset();
    if (!healthy) return;
    for (const worker of workerNames) {
      const counts = await queues.counts(worker);
      for (const [state, count] of Object.entries(counts)) jobs.set({ worker, state }, count);
    }
  };
  const effectsNow = async () => {
    effects.reset();
    for (const { vendor, kind, outcome, count } of await effectCounts(db.reader))
      effects.set({ vendor, kind, outcome }, count);
  };
  const unlocksNow = async () => {
    const rows = await unlockCounts(db.reader);
    for (const state of unlockStates) unlocks.set({ state }, rows.find((r) => r.state === state)?.count ?? 0);
  };
  const ledgerNow = async () => ledger.set((await hasOpenAlert(db, ledgerAlert)) ? 0 : 1);
  return async () => {
    await Promise.all([
      cache.get('ledger', figuresMs, ledgerNow),
      cache.get('outbox', figuresMs, outboxNow),
      cache.get('queues', figuresMs, queuesNow),
      cache.get('effects', countsMs, effectsNow),
      cache.get('unlocks', countsMs, unlocksNow),
    ]);
  };
}
