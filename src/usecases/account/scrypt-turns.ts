import { availableParallelism } from 'node:os';
import { RefusedError } from '../../domain/errors.ts';

/** `background`: the strengthening of passwords, which waits behind requests. */
export type Whose = 'request' | 'background';

export type Turns = {
  /** Throws RefusedError 503 when `mostWaiting` requests wait already. What runs in the background always waits. */
  take<T>(whose: Whose, work: () => Promise<T>): Promise<T>;
};

type Limits = { atOnce: number; mostWaiting: number; restShare: number };

/**
 * Work that occupies a core, a few at a time. After work of the background the core rests for `restShare` of the time that
 * it took, unless a request waits.
 */
export function createTurns({ atOnce, mostWaiting, restShare }: Limits): Turns {
  const waiting: Record<Whose, (() => void)[]> = { request: [], background: [] };
  let running = 0;
  let restsUntil = 0;
  let wake: NodeJS.Timeout | null = null;

  const next = () => {
    if (running >= atOnce) return;
    const request = waiting.request.shift();
    if (request) return start(request);
    const restMs = restsUntil - performance.now();
    if (restMs <= 0) {
      const background = waiting.background.shift();
      if (background) start(background);
    } else if (waiting.background.length > 0 && wake === null) {
      wake = setTimeout(() => {
        wake = null;
        next();
      }, restMs);
    }
  };
  const start = (begin: () => void) => {
    running += 1;
    begin();
  };
  const enter = (whose: Whose) =>
    new Promise<void>((resolve, reject) => {
      if (whose === 'request' && waiting.request.length >= mostWaiting) {
        const tooMany = 'Too many people sign in at once. Please try again in a moment.';
        reject(new RefusedError(503, 'overloaded', tooMany, { retryAfterSeconds: 5 }));
        return;
      }
      waiting[whose].push(resolve);
      next();
    });

  return {
    async take(whose, work) {
      await enter(whose);
      const began = performance.now();
      try {
        return await work();
      } finally {
        running -= 1;
        const now = performance.now();
        if (whose === 'background') restsUntil = now + (now - began) * restShare;
        next();
      }
    },
  };
}

/** Of this process: half of its cores at most, so that a rush of sign-ins leaves the other half to leads. */
export const scryptTurns = createTurns({
  atOnce: Math.max(1, Math.floor(availableParallelism() / 2)),
  mostWaiting: 200,
  restShare: 1,
});
