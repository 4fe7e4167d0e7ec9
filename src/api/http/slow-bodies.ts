import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** How long the rest of a body is read and discarded: some clients read the response only after sending everything. */
const drainMs = 10_000;

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
    if (!hasBody(raw)) return done();
    const patience = setTimeout(() => {
      if (!raw.complete) raw.destroy();
    }, patienceMs);
    patience.unref();
    waiting.set(raw, patience);
    raw.once('close', () => clearTimeout(patience));
    done();
  });
}

/**
 * Reads and discards what an answered request has left of its body: the server reads the next request of a connection only
 * after the end of this one. A client that goes on sending loses its connection.
 */
export function readBodiesToEnd(app: FastifyInstance): void {
  app.addHook('onResponse', ({ raw }, _reply, done) => {
    if (hasBody(raw)) readToEnd(raw);
    done();
  });
}

function readToEnd(raw: IncomingMessage): void {
  if (raw.readableEnded || raw.destroyed) return;
  raw.resume();
  if (raw.complete) return;
  const patience = setTimeout(() => raw.destroy(), drainMs);
  patience.unref();
  raw.once('close', () => clearTimeout(patience));
  raw.once('end', () => clearTimeout(patience));
}

const hasBody = ({ headers: { 'content-length': length, 'transfer-encoding': encoding } }: IncomingMessage) =>
  encoding !== undefined || (length !== undefined && length !== '0');

/** Lifts the limit for a route that accepts files. */
export function allowSlowBody({ raw }: FastifyRequest): void {
  clearTimeout(waiting.get(raw));
}
