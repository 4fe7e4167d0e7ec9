const longestTurnMs = 10;

const waiting: (() => void)[] = [];

/**
 * Resolves in a later turn of the event loop, for one caller per turn: however many requests have long work to do, the
 * loop serves its sockets and timers between any two slices of it.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(admitNext);
  });
}

function admitNext(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(admitNext);
}

/** Divides long work into slices: `if (slice.isOver()) await slice.next()`. */
export type Slice = { isOver(): boolean; next(): Promise<void> };

export function startSlice(): Slice {
  let startedAt = performance.now();
  return {
    isOver: () => performance.now() - startedAt >= longestTurnMs,
    async next() {
      await turn();
      startedAt = performance.now();
    },
  };
}
