/** Results kept for a short time, so that many viewers of one page cost as much as one. */
export type TtlCache = {
  get<T>(key: string, maxAgeMs: number, load: () => Promise<T>): Promise<T>;
  /** After a change: the next `get` loads again. */
  clear(): void;
};

const maxEntries = 200;

export function createTtlCache(): TtlCache {
  const entries = new Map<string, { at: number; value: Promise<unknown> }>();
  return {
    get<T>(key: string, maxAgeMs: number, load: () => Promise<T>): Promise<T> {
      const found = entries.get(key);
      if (found && performance.now() - found.at < maxAgeMs) return found.value as Promise<T>;
      if (entries.size >= maxEntries) entries.clear();
      const value = load();
      entries.set(key, { at: performance.now(), value });
      value.catch(() => entries.delete(key));
      return value;
    },
    clear: () => entries.clear(),
  };
}
