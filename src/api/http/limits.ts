import { isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { RefusedError } from '../../domain/errors.ts';

/** `points` requests per `seconds`, counted per process. */
type Limit = { points: number; seconds: number };

export type Limits = {
  /** All requests from one address. */
  address: Limit;
  /** Requests of one API key. */
  key: Limit;
  /** Requests from one address for what is large to send or to make: documentation, metrics. */
  document: Limit;
  /** Invalid keys and signatures from one address. */
  refused: Limit;
  /** Replies of one phone through the SMS gateway API. */
  phone: Limit;
  /** Checkouts started and details opened through one pay link. */
  payLink: Limit;
};

export const defaultLimits: Limits = {
  address: { points: 10_000, seconds: 10 },
  key: { points: 5_000, seconds: 10 },
  document: { points: 120, seconds: 60 },
  refused: { points: 60, seconds: 60 },
  phone: { points: 30, seconds: 60 },
  payLink: { points: 20, seconds: 60 },
};

export type Limiter = {
  /** Counts one request and sets the RateLimit-* headers. Throws 429 with Retry-After. */
  take(kind: keyof Limits, who: string, reply: FastifyReply): Promise<void>;
};

export function createLimiter(limits: Limits): Limiter {
  const counters = new Map(
    Object.entries(limits).map(([kind, { points, seconds }]) => [
      kind,
      new RateLimiterMemory({ points, duration: seconds, keyPrefix: kind }),
    ]),
  );
  return {
    async take(kind, who, reply) {
      const { points } = limits[kind];
      let result: RateLimiterRes;
      let refused = false;
      try {
        result = await counters.get(kind)!.consume(who);
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error;
        result = error;
        refused = true;
      }
      const resetSeconds = Math.max(1, Math.ceil(result.msBeforeNext / 1000));
      reply.headers({
        'ratelimit-limit': String(points),
        'ratelimit-remaining': String(Math.max(0, result.remainingPoints)),
        'ratelimit-reset': String(resetSeconds),
      });
      if (refused) {
        throw new RefusedError(429, 'rate_limited', 'Too many requests. Please slow down.', {
          retryAfterSeconds: resetSeconds,
        });
      }
    },
  };
}

/** The socket's address, never a header's. */
export const addressOf = (request: FastifyRequest): string => networkOf(request.socket.remoteAddress);

/** IPv6 addresses count by their /64 network. */
export function networkOf(address = 'unknown'): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
