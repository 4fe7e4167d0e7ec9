import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Longest time a request may take to arrive. File uploads are limited by inactivity instead (file-bodies.ts). */
const patienceMs = 60_000;

const waiting = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/**
 * Closes connections whose body takes too long. Node's own limit applies to all routes alike, and a large file on a slow
 * connection may take longer.
 */
export function cutSlowBodies(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
    if ((length === undefined || length === '0') && encoding === undefined) return done();
    const patience = setTimeout(() => {
      if (!raw.complete) raw.destroy();
    }, patienceMs);
    patience.unref();
    waiting.set(raw, patience);
    raw.once('close', () => clearTimeout(patience));
    done();
  });
}

/** Lifts the limit for a route that accepts files. */
export function allowSlowBody({ raw }: FastifyRequest): void {
  clearTimeout(waiting.get(raw));
}
