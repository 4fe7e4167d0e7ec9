import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from '../../adapters/logger.ts';

/** What the line of a request says about its caller and its failure. */
type LogFacts = { actor?: string; organizationId?: string | null; code?: string };

const known = new WeakMap<FastifyRequest, LogFacts>();

export function addToLog(request: FastifyRequest, facts: LogFacts): void {
  known.set(request, { ...known.get(request), ...facts });
}

/** One wide line per request: the route's pattern, never its path or query, which hold tokens; ids, never names. */
export function logRequests(app: FastifyInstance, log: Logger): void {
  app.addHook('onResponse', async (request, reply) => {
    const { actor = null, organizationId = null, code = null } = known.get(request) ?? {};
    log.info(
      {
        event: 'request',
        requestId: request.id,
        method: request.method,
        route: request.is404 ? 'unknown' : request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        organizationId,
        actor,
        code,
      },
      'request',
    );
  });
}
