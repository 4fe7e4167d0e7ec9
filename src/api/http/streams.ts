import type { Server } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';

/** Options of a route that streams events. It has no HEAD, whose response would be a stream without events and without an end. */
export const eventStream = { sse: 'only', exposeHeadRoute: false } as const;

/** How many streams a process and one owner may have open, and how long. */
export type StreamLimits = { most: number; mostEach: number; longestMs: number; lingerMs: number };

const streamLimits: StreamLimits = {
  most: 1_000,
  mostEach: 50,
  /** After this the client reconnects and authenticates again, so that a revoked key loses access. */
  longestMs: 15 * 60_000,
  lingerMs: 10_000,
};

type StreamEvent = { event: string; data: unknown; retry?: number };
export type Stream = {
  /** Sends the newest event when the client reads slowly, so that events do not pile up in memory. */
  send(event: StreamEvent): void;
  onClose(act: () => void): void;
};

/** The open streams of a server and their owners: one count for the dashboard, the console and the API. */
const openStreams = new WeakMap<Server, Map<FastifyReply, string>>();

/** Server-sent events of one plugin; all end when the app closes. */
export function createStreams(
  app: FastifyInstance,
  limits: StreamLimits = streamLimits,
): { open(reply: FastifyReply, owner: string): Stream } {
  const open = openStreams.get(app.server) ?? new Map<FastifyReply, string>();
  openStreams.set(app.server, open);
  const own = new Set<FastifyReply>();
  /** A client that does not read would keep the socket open, so the socket is destroyed after a while. */
  const close = (reply: FastifyReply) => {
    reply.sse.close();
    const linger = setTimeout(() => !reply.raw.writableFinished && reply.raw.destroy(), limits.lingerMs);
    reply.raw.once('close', () => clearTimeout(linger));
  };
  app.addHook('preClose', async () => {
    for (const reply of own) close(reply);
  });
  const forget = (reply: FastifyReply) => {
    open.delete(reply);
    own.delete(reply);
  };
  const countOf = (owner: string) => {
    let count = 0;
    for (const each of open.values()) if (each === owner) count += 1;
    return count;
  };
  return {
    /** Throws RefusedError 429 or 503 when too many are open. */
    open(reply, owner) {
      const full = open.size >= limits.most;
      if (full || countOf(owner) >= limits.mostEach)
        throw new RefusedError(
          full ? 503 : 429,
          'too_many_streams',
          'Too many live connections. Close a tab or retry in a minute.',
          { retryAfterSeconds: 60 },
        );
      const ends: (() => void)[] = [];
      let over = false;
      const aged = setTimeout(() => close(reply), limits.longestMs);
      aged.unref();
      const end = () => {
        over = true;
        clearTimeout(aged);
        for (const act of ends.splice(0)) act();
      };
      reply.sse.keepAlive();
      open.set(reply, owner);
      own.add(reply);
      reply.sse.onClose(end);
      reply.raw.once('close', () => {
        forget(reply);
        end();
      });
      // The client disconnected while the request was handled: no close event follows.
      if (!reply.sse.isConnected || reply.raw.destroyed || reply.raw.closed) {
        forget(reply);
        end();
      }
      let newest: StreamEvent | null = null;
      let sending = false;
      const flush = async () => {
        sending = true;
        while (newest !== null && !over) {
          const event: StreamEvent = newest;
          newest = null;
          // A broken stream is closed by its socket.
          await reply.sse.send(event).catch(() => undefined);
        }
        sending = false;
      };
      return {
        send(event) {
          newest = event;
          if (!sending) void flush();
        },
        onClose: (act) => (over ? act() : void ends.push(act)),
      };
    },
  };
}
