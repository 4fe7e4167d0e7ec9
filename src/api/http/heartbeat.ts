import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../../adapters/logger.ts';

/** Polls the database once a second for all watchers, and only while there are any. */
export type Heartbeat = { watch(onChange: () => void): () => void; close(): void };

const everyMs = 1_000;
/** Ages and queue depths change without an event. */
const atLeastEveryMs = 5_000;

/** `pulse` returns a different value whenever the watched data has changed. */
type HeartbeatDeps = { pulse: () => Promise<string>; log: Logger };

export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
  const watchers = new Set<() => void>();
  const closing = new AbortController();
  let beating = false;

  const beat = async () => {
    beating = true;
    let last: string | null = null;
    let notifiedAt = performance.now();
    while (watchers.size > 0 && !closing.signal.aborted) {
      const now = await poll(deps);
      const due = performance.now() - notifiedAt >= atLeastEveryMs;
      if (now !== null && (due || (last !== null && now !== last))) {
        notifiedAt = performance.now();
        for (const notify of watchers) notify();
      }
      last = now ?? last;
      await pause(everyMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
    beating = false;
  };

  return {
    watch(onChange) {
      watchers.add(onChange);
      if (!beating) void beat();
      return () => watchers.delete(onChange);
    },
    close() {
      closing.abort();
      watchers.clear();
    },
  };
}

/** Returns null when the database does not answer; the next poll follows in a second. */
async function poll({ pulse, log }: HeartbeatDeps): Promise<string | null> {
  try {
    return await pulse();
  } catch (error) {
    log.debug({ error: (error as Error).name }, 'console heartbeat');
    return null;
  }
}
