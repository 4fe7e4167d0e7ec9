/** A FIFO semaphore with `width` permits. `isFull`: whether the next one to enter waits. */
export type Gate = { enter(): Promise<void>; leave(): void; isFull(): boolean };

export function createGate(width: number): Gate {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return {
    async enter() {
      if (inside < width) inside += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    leave() {
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    },
    isFull: () => inside === width,
  };
}

/** A gate of `width` for each key. Keys that no one uses take no memory. */
export type KeyedGate = { enter(key: string): Promise<void>; leave(key: string): void };

export function createKeyedGate(width: number): KeyedGate {
  const gates = new Map<string, { gate: Gate; users: number }>();
  return {
    async enter(key) {
      const entry = gates.get(key) ?? { gate: createGate(width), users: 0 };
      gates.set(key, entry);
      entry.users += 1;
      await entry.gate.enter();
    },
    leave(key) {
      const entry = gates.get(key)!;
      entry.gate.leave();
      entry.users -= 1;
      if (entry.users === 0) gates.delete(key);
    },
  };
}
