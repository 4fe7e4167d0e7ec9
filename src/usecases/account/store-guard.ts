import type { Logger } from '../../adapters/logger.ts';
import { within } from '../../db/deadline.ts';

/** A store that does not answer in time is left alone for a while. */
const usualPatienceMs = 300;
const restMs = 1_000;

export type Ask = <T>(work: () => Promise<T>) => Promise<T | null>;

/** Calls the store. Returns null when it fails or does not answer in time; then it is not called for a second. */
export function guardStore(log: Logger, patienceMs = usualPatienceMs): Ask {
  let restUntil = 0;
  let down = false;
  return async (work) => {
    if (performance.now() < restUntil) return null;
    try {
      const answer = await within(patienceMs, 'no answer', work());
      if (down) log.info({ event: 'counters_shared' }, 'counting across processes again');
      down = false;
      return answer;
    } catch (error) {
      restUntil = performance.now() + restMs;
      if (!down)
        log.warn(
          { event: 'counters_alone', error: (error as Error).message },
          'the shared counters do not answer; this process counts alone',
        );
      down = true;
      return null;
    }
  };
}
