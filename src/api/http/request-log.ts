import type { FastifyInstance } from 'fastify';
import type { Logger } from '../../adapters/logger.ts';
import { type Principal, principalDecorator } from '../auth/api-key.ts';

/**
 * One wide line per request: the route's pattern, never its path or query, which hold tokens; ids, never people.
 */
export function logRequests(app: FastifyInstance, log: Logger): void {
  app.decorateRequest('problem', null);
  app.addHook('onResponse', async (request, reply) => {
    const principal = request.getDecorator<Principal | null>(principalDecorator);
    log.info(
      {
        event: 'request',
        requestId: request.id,
        method: request.method,
        route: request.is404 ? 'unknown' : request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        organizationId: principal?.organizationId ?? null,
        actor: principal?.actor ?? null,
        code: request.getDecorator<string | null>('problem'),
      },
      'request',
    );
  });
}
