import { isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { quotas as table } from '../../domain/account/quotas.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';

/** `points` requests per `seconds`, counted by all processes together. */
type Limit = { points: number; seconds: number };

export type Limits = {
  /** All requests from one address. */
  address: Limit;
  /** Requests of one API key or signed-in person; null: the quota `requests`. */
  key: Limit | null;
  /** Requests from one address for what is large to send or to make: documentation, metrics. */
  document: Limit;
  /** Registrations from one address, which may be that of a whole office or a proxy. */
  registration: Limit;
  /** Invalid keys and signatures from one address. */
  refused: Limit;
  /** Replies of one phone to one organization through the SMS gateway API. */
  phone: Limit;
  /** Checkouts started and details opened through one pay link. */
  payLink: Limit;
};

export const defaultLimits: Limits = {
  address: { points: 10_000, seconds: 10 },
  key: null,
  document: { points: 120, seconds: 60 },
  registration: { points: 2_000, seconds: 600 },
  refused: { points: 60, seconds: 60 },
  phone: { points: 30, seconds: 60 },
  payLink: { points: 20, seconds: 60 },
};

/** Who makes a request. `organizationId`: null when it may act for several. */
export type Requester = { actor: string; organizationId: string | null };

export type Limiter = {
  /** Counts one request and sets the RateLimit-* headers. Throws 429 with Retry-After. */
  take(kind: Exclude<keyof Limits, 'key'>, who: string, reply: FastifyReply): Promise<void>;
  /** The same for a known caller and its organization, by the quota `requests`. */
  takeRequest(requester: Requester, reply: FastifyReply): Promise<void>;
};

export function createLimiter(
  { counters, quotas }: Pick<Runtime, 'counters' | 'quotas'>,
  limits: Limits,
): Limiter {
  const count = async (name: string, who: string, { points, seconds }: Limit, reply: FastifyReply) => {
    const { ok, limit, remaining, resetMs } = await counters.take({ name, who, limit: points, seconds });
    const resetSeconds = Math.max(1, Math.ceil(resetMs / 1000));
    reply.headers({
      'ratelimit-limit': String(limit),
      'ratelimit-remaining': String(remaining),
      'ratelimit-reset': String(resetSeconds),
    });
    if (ok) return;
    counters.noteRefusal(name);
    throw new RefusedError(429, 'rate_limited', 'Too many requests. Please slow down.', {
      retryAfterSeconds: resetSeconds,
    });
  };
  const limitOf = async (organizationId: string | null): Promise<Limit | null> => {
    if (limits.key) return limits.key;
    const { perKey } = await quotas.limitsOf('requests', organizationId);
    return perKey === null ? null : { points: perKey, seconds: table.requests.seconds };
  };
  return {
    take: (kind, who, reply) => count(kind, who, limits[kind], reply),
    async takeRequest({ actor, organizationId }, reply) {
      const limit = await limitOf(organizationId);
      if (limit) await count('requests', actor, limit, reply);
      if (organizationId) await quotas.take('requests', { organizationId, keyId: null });
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
