import type { FastifyPluginAsync } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { findKey } from '../../db/account/api-keys.ts';
import { effectCounts, unlockCounts } from '../../db/transport/metrics.ts';
import { outboxFigures } from '../../db/transport/outbox.ts';
import { RefusedError } from '../../domain/errors.ts';
import { unlockStates } from '../../domain/unlock/machine.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { workerNames } from '../../events/routes.ts';
import { createShelf } from '../http/cache.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'queues'>;

/** Scrapes closer together than this get the same figures: watching must not become load. */
const figuresMs = 5_000;
const countsMs = 30_000;

/**
 * /metrics for Prometheus: from this machine, or with an operator's key (`leadgate key create --operator`). The
 * histogram covers what this process served; the gauges are read from the database, so every process tells the same.
 */
export function metricsPlugin(runtime: Deps): FastifyPluginAsync {
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
    const refresh = databaseGauges(registry, runtime);

    app.addHook('onResponse', async (request, reply) => {
      // A stream lasts as long as somebody looks; its duration is no latency.
      if (reply.getHeader('content-type')?.toString().startsWith('text/event-stream')) return;
      const route = request.routeOptions.url ?? 'unmatched';
      latency.observe(
        { method: request.method, route, status: String(reply.statusCode) },
        reply.elapsedTime / 1000,
      );
    });
    app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
      await admit(runtime, request);
      await refresh();
      return reply
        .header('cache-control', 'no-store')
        .type(registry.contentType)
        .send(await registry.metrics());
    });
  };
  // Not encapsulated: the latency of every route is measured, not of this one alone.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

type Incoming = {
  headers: Record<string, string | string[] | undefined>;
  socket: { remoteAddress?: string };
};

/** Behind a proxy on this machine everybody is local: what a proxy passed on needs the key. */
async function admit({ db }: Deps, { headers, socket }: Incoming): Promise<void> {
  const given = /^Bearer +(\S+)$/i.exec(String(headers.authorization ?? ''))?.[1] ?? headers['x-api-key'];
  if (typeof given === 'string') {
    const key = await findKey(db, given);
    if (!key) throw new RefusedError(401, 'key_invalid', 'This API key is not valid.');
    if (key.owner !== 'operator') throw new RefusedError(403, 'forbidden', 'This needs an operator key.');
    return;
  }
  const local = /^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '');
  const proxied = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some(
    (name) => headers[name] !== undefined,
  );
  if (!local || proxied) throw new RefusedError(401, 'key_required', 'This needs an operator key.');
}

function databaseGauges(registry: Registry, { db, queues }: Deps): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `leadgate_${name}`, help, labelNames, registers: [registry] });
  const depth = gauge('outbox_rows', 'Outbox rows by worker and state.', ['worker', 'state']);
  const age = gauge('outbox_lag_seconds', 'Age of the oldest due outbox row, by worker.', ['worker']);
  const jobs = gauge('queue_jobs', 'Jobs in the queue by worker and state.', ['worker', 'state']);
  const effects = gauge(
    'effects',
    'Calls to the outside in the last 24 hours, by vendor, kind and outcome.',
    ['vendor', 'kind', 'outcome'],
  );
  const unlocks = gauge('unlocks', 'Unlocks by state.', ['state']);
  const up = gauge('queue_up', 'Whether the queue answers.');
  const shelf = createShelf();

  const outboxNow = async () => {
    const rows = await outboxFigures(db.reader);
    for (const worker of workerNames) {
      const row = rows.find((r) => r.worker === worker);
      depth.set({ worker, state: 'queued' }, row?.queued ?? 0);
      depth.set({ worker, state: 'waiting' }, row?.waiting ?? 0);
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
  return async () => {
    await Promise.all([
      ...[shelf.get('outbox', figuresMs, outboxNow), shelf.get('queues', figuresMs, queuesNow)],
      ...[shelf.get('effects', countsMs, effectsNow), shelf.get('unlocks', countsMs, unlocksNow)],
    ]);
  };
}
