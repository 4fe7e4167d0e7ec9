import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { within } from '../../db/deadline.ts';
import { databaseHealthy, readerHealthy } from '../../db/health.ts';
import type { CheckName } from '../../domain/transport/checks.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { problemResponses } from '../http/problem.ts';
import { createTtlCache } from '../http/ttl-cache.ts';

/** Every check is a call to Stripe, so requests share one. */
const stripeCheckedForMs = 10_000;

const word = z.enum(['healthy', 'unhealthy']);
const health = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  checks: z.object({
    database: word,
    queue: word,
    clock: word.describe('Off by seconds: this machine’s clock or the database’s'),
    disk: word.describe('Almost full, or the database has no space'),
    queue_memory: word.describe('Redis is almost full'),
    queue_policy: word.describe('Redis evicts keys'),
    queue_disk: word.describe('Redis cannot write to its disk'),
    reader: word.describe(
      'Lists and pages read through a connection of their own, from the replica when there is one',
    ),
  }),
});
const queueHealth = z.object({
  status: word,
  backend: z.enum(['redis', 'postgres']),
  reachable: z.boolean(),
});
const bridgeHealth = z.object({ stripe_service_healthy: z.boolean(), sandbox: z.boolean() });

export function healthRoutes(
  deps: Pick<Runtime, 'db' | 'queues' | 'payments' | 'config' | 'selfCheck'>,
  access: Access,
): FastifyPluginAsyncZod {
  const { db, queues, payments, config, selfCheck } = deps;
  const checks = createTtlCache();
  return async (app) => {
    app.get(
      '/health',
      {
        schema: {
          tags: ['health'],
          summary:
            'Health of the process: leads are accepted while Postgres responds; without the queue they wait ("degraded"). A check that the installation makes of itself may degrade it too',
          response: { 200: health, 503: health },
        },
      },
      async (_request, reply) => {
        const [database, reader, queue] = await Promise.all([
          databaseHealthy(db),
          readerHealthy(db),
          withinDeadline(queues.healthy()),
        ]);
        const findings = selfCheck.findings();
        const well = queue && reader && findings.every(({ reason }) => reason === null);
        const status = !database ? 'unhealthy' : well ? 'healthy' : 'degraded';
        const found = (name: CheckName) =>
          wordOf(!findings.some(({ check, reason }) => check === name && reason !== null));
        return reply.status(database ? 200 : 503).send({
          status,
          checks: {
            database: wordOf(database),
            queue: wordOf(queue),
            clock: found('clock'),
            disk: found('disk'),
            queue_memory: found('queue_memory'),
            queue_policy: found('queue_policy'),
            queue_disk: found('queue_disk'),
            reader: wordOf(reader),
          },
        });
      },
    );

    app.get(
      '/health/redis',
      {
        schema: {
          tags: ['health'],
          summary: 'The queue backend and whether it is reachable',
          response: { 200: queueHealth, 503: queueHealth },
        },
      },
      async (_request, reply) => {
        const reachable = await withinDeadline(queues.healthy());
        return reply
          .status(reachable ? 200 : 503)
          .send({ status: wordOf(reachable), backend: queues.backend, reachable });
      },
    );

    app.get(
      '/api/stripe-service/health',
      {
        onRequest: access.bridge,
        schema: {
          tags: ['health'],
          summary: 'Whether Stripe was reachable with the configured key within the last 10 seconds',
          response: { 200: bridgeHealth, ...problemResponses(401, 429) },
        },
      },
      async () => ({
        stripe_service_healthy: await checks.get('stripe', stripeCheckedForMs, () => payments.healthy()),
        sandbox: config.sandboxed.includes('stripe'),
      }),
    );
  };
}

const wordOf = (ok: boolean) => (ok ? ('healthy' as const) : ('unhealthy' as const));

/** A queue that does not answer in time counts as down. */
const withinDeadline = (check: Promise<boolean>): Promise<boolean> =>
  within(1_500, 'no answer', check).catch(() => false);
