import type { FastifyRequest } from 'fastify';
import type { Cause } from '../../events/envelope.ts';

/** The cause of the events a request commits: all of them carry its id. */
export const causeOf = (request: Pick<FastifyRequest, 'id'>): Cause => ({
  correlationId: request.id,
  causationId: null,
});
