/** Answers kept for a moment, so that many watchers of one screen cost as much as one. */
export type Shelf = {
  get<T>(key: string, maxAgeMs: number, make: () => Promise<T>): Promise<T>;
  /** After a change: whoever looks next sees it. */
  clear(): void;
};

const most = 200;

export function createShelf(): Shelf {
  const kept = new Map<string, { at: number; value: Promise<unknown> }>();
  return {
    get<T>(key: string, maxAgeMs: number, make: () => Promise<T>): Promise<T> {
      const found = kept.get(key);
      if (found && performance.now() - found.at < maxAgeMs) return found.value as Promise<T>;
      if (kept.size >= most) kept.clear();
      const value = make();
      kept.set(key, { at: performance.now(), value });
      value.catch(() => kept.delete(key));
      return value;
    },
    clear: () => kept.clear(),
  };
}
