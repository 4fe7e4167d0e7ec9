import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Longest a request may take to arrive; files are cut off for silence instead (import-body.ts). */
const patienceMs = 60_000;

const waiting = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/**
 * Node's own limit counts for every route alike, and a large file on a slow line takes longer than any other request
 * may.
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

/** For the routes that take files. */
export function letItTakeItsTime({ raw }: FastifyRequest): void {
  clearTimeout(waiting.get(raw));
}
