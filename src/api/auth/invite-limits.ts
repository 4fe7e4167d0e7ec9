import type { FastifyRequest } from 'fastify';
import type { Counter } from '../../domain/account/counters.ts';
import { RefusedError } from '../../domain/errors.ts';
import { createGate, type Gate } from '../../engine/gate.ts';
import type { Counters } from '../../usecases/account/counters.ts';
import { peerOf } from './sign-in-limits.ts';

/** Wrong invite codes in 15 minutes, counted across all processes. */
const seconds = 900;

export type InviteLimits = {
  /**
   * Looks a code up, which answers null for a wrong one. Each guess counts before it is looked up, so that those of a burst
   * are not all judged before the first one counts; a right code is given back. Throws RefusedError 429 after too many wrong
   * ones.
   */
  guess<T>(request: FastifyRequest, lookUp: () => Promise<T | null>): Promise<T | null>;
};

/** Through a proxy all people have one address. */
const ofAddress = (request: FastifyRequest): Counter => {
  const { address, internal } = peerOf(request);
  return { name: 'invite_code_address', who: address, limit: internal ? 960 : 32, seconds };
};
const everywhere: Counter = { name: 'invite_code_everywhere', who: 'all', limit: 1_000_000, seconds };

/** The more wrong codes come from everywhere, the sooner each address has used its allowance up: up to one in four. */
const costOf = (wrongEverywhere: number): number => 2 ** Math.min(3, Math.floor(wrongEverywhere / 2_000));

/**
 * Guesses of one address that are looked up at once. The others wait: their count would refuse right codes that come
 * together.
 */
const atOnce = { address: 4, internal: 64 };

/** Codes are the only key to a seller's marketplace and are tried by the thousand. A right one costs nothing. */
export function createInviteLimits({ counters }: { counters: Counters }): InviteLimits {
  const lines = createLines();
  const take = async (request: FastifyRequest): Promise<() => void> => {
    const { limit, remaining } = await counters.take(everywhere);
    const counter = ofAddress(request);
    const cost = costOf(limit - remaining);
    const { ok, resetMs } = await counters.take(counter, cost);
    if (!ok) {
      counters.noteRefusal(counter.name);
      throw new RefusedError(429, 'too_many_attempts', 'Too many wrong invite codes. Try again later.', {
        retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
      });
    }
    return () => {
      counters.giveBack(everywhere);
      counters.giveBack(counter, cost);
    };
  };
  return {
    async guess(request, lookUp) {
      const { address, internal } = peerOf(request);
      return lines.within(address, internal ? atOnce.internal : atOnce.address, async () => {
        const giveBack = await take(request);
        const found = await lookUp();
        if (found !== null) giveBack();
        return found;
      });
    },
  };
}

/** A gate for each key in use. */
function createLines() {
  const lines = new Map<string, { gate: Gate; inUse: number }>();
  return {
    async within<T>(key: string, width: number, work: () => Promise<T>): Promise<T> {
      const line = lines.get(key) ?? { gate: createGate(width), inUse: 0 };
      lines.set(key, line);
      line.inUse += 1;
      await line.gate.enter();
      try {
        return await work();
      } finally {
        line.gate.leave();
        line.inUse -= 1;
        if (line.inUse === 0) lines.delete(key);
      }
    },
  };
}
