import type { FastifyInstance, FastifyReply } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';

/** Open at once in one process, and of those of one owner. */
export type StreamLimits = { most: number; mostEach: number; longestMs: number; lingerMs: number };

export const streamLimits: StreamLimits = {
  most: 1_000,
  mostEach: 50,
  /** Then the client comes anew, and shows again who it is: a key that was revoked has seen the last of it. */
  longestMs: 15 * 60_000,
  lingerMs: 10_000,
};

export type StreamEvent = { event: string; data: unknown; retry?: number };
export type Stream = {
  /** Of what comes faster than it is read only the newest is sent: nobody's slowness fills our memory. */
  tell(event: StreamEvent): void;
  onClose(act: () => void): void;
};

/** Server-sent events of one plugin; all end when the app closes. */
export function createStreams(
  app: FastifyInstance,
  limits: StreamLimits = streamLimits,
): { open(reply: FastifyReply, owner: string): Stream } {
  const open = new Map<FastifyReply, string>();
  /** Somebody who reads nothing is not told that it is over: the socket goes all the same. */
  const close = (reply: FastifyReply) => {
    reply.sse.close();
    const linger = setTimeout(() => !reply.raw.writableFinished && reply.raw.destroy(), limits.lingerMs);
    reply.raw.once('close', () => clearTimeout(linger));
  };
  app.addHook('preClose', async () => {
    for (const reply of open.keys()) close(reply);
  });
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
          'Too many watch this at once. Close a page, or ask again in a minute.',
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
      reply.sse.onClose(end);
      reply.raw.once('close', () => {
        open.delete(reply);
        end();
      });
      // Gone while we were looking up what it asked for: nobody tells of that any more.
      if (!reply.sse.isConnected || reply.raw.destroyed || reply.raw.closed) {
        open.delete(reply);
        end();
      }
      let newest: StreamEvent | null = null;
      let sending = false;
      const flush = async () => {
        sending = true;
        while (newest !== null && !over) {
          const event: StreamEvent = newest;
          newest = null;
          // A broken one is closed by its socket.
          await reply.sse.send(event).catch(() => undefined);
        }
        sending = false;
      };
      return {
        tell(event) {
          newest = event;
          if (!sending) void flush();
        },
        onClose: (act) => (over ? act() : void ends.push(act)),
      };
    },
  };
}
