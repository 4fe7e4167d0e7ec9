/** Units used by one owner in a window, counted by all processes together. */
export type Counter = {
  name: string;
  /** An id, an address, a phone number. */
  who: string;
  limit: number;
  seconds: number;
};

/** What a process adds to a shared counter: `units` in a window of `seconds`, if none is open. */
export type Addition = { key: string; units: number; seconds: number };
/** `used`: the sum after the addition. */
export type Sum = { used: number; endsInMs: number };

/** A place in use, one of at most `limit`. It is free again after `ms` unless it is renewed. */
export type Place = { key: string; id: string; limit: number; ms: number };

/** Where processes count together: Redis (src/adapters/redis-counters.ts) or PostgreSQL (src/db/account/counters.ts). */
export type CounterStore = {
  /** The keys are unique. Returns one sum for each addition, in order; null for one that failed alone. */
  add(additions: readonly Addition[]): Promise<(Sum | null)[]>;
  reset(key: string): Promise<void>;
  /** Returns false when all places are in use. */
  occupy(place: Place): Promise<boolean>;
  renew(places: readonly Pick<Place, 'key' | 'id'>[], ms: number): Promise<void>;
  vacate(place: Pick<Place, 'key' | 'id'>): Promise<void>;
};
