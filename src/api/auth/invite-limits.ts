import type { FastifyRequest } from 'fastify';
import type { Counter } from '../../domain/account/counters.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Counters } from '../../usecases/account/counters.ts';
import { peerOf } from './sign-in-limits.ts';

/** Wrong invite codes in 15 minutes, counted across all processes. */
const seconds = 900;

export type InviteLimits = {
  /** Throws RefusedError 429 when too many wrong codes came from this address. */
  check(request: FastifyRequest): Promise<void>;
  /** Counts a wrong code. Throws RefusedError 429 when there were too many. */
  wrong(request: FastifyRequest): Promise<void>;
};

/** Through a proxy all people have one address. */
const ofAddress = (request: FastifyRequest): Counter => {
  const { address, internal } = peerOf(request);
  return { name: 'invite_code_address', who: address, limit: internal ? 960 : 32, seconds };
};
const everywhere: Counter = { name: 'invite_code_everywhere', who: 'all', limit: 1_000_000, seconds };

/** The more wrong codes come from everywhere, the sooner each address has used its allowance up: up to one in four. */
const costOf = (wrongEverywhere: number): number => 2 ** Math.min(3, Math.floor(wrongEverywhere / 2_000));

/** Codes are the only key to a seller's marketplace and are tried by the thousand. A right one costs nothing. */
export function createInviteLimits({ counters }: { counters: Counters }): InviteLimits {
  const refuse = (counter: Counter, resetMs: number): never => {
    counters.noteRefusal(counter.name);
    throw new RefusedError(429, 'too_many_attempts', 'Too many wrong invite codes. Try again later.', {
      retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
    });
  };
  return {
    async check(request) {
      const counter = ofAddress(request);
      const { remaining, resetMs } = await counters.take(counter, 0);
      if (remaining === 0) refuse(counter, resetMs);
    },
    async wrong(request) {
      const { limit, remaining } = await counters.take(everywhere);
      const counter = ofAddress(request);
      const { ok, resetMs } = await counters.take(counter, costOf(limit - remaining));
      if (!ok) refuse(counter, resetMs);
    },
  };
}
