import { createHmac } from 'node:crypto';
import type { Logger } from '../../adapters/logger.ts';
import { inBatches } from '../../db/batches.ts';
import type { Addition, Counter, CounterStore, Sum } from '../../domain/account/counters.ts';
import { keepPlaces, type Places } from './places.ts';
import { guardStore } from './store-guard.ts';

/** `remaining` and `resetMs` as this process knows them, for RateLimit headers. */
export type Taken = { ok: boolean; limit: number; remaining: number; resetMs: number };

/**
 * Counts what is used of a limit, across processes. A process takes blocks of units from the shared counter and counts
 * within its block, so that most requests cost no round trip. While the store does not answer, it counts alone.
 */
export type Counters = {
  /** Counts `cost` units, or none when it refuses. */
  take(counter: Counter, cost?: number): Promise<Taken>;
  /** Units that were taken and not used. They stay with this process. */
  giveBack(counter: Counter, cost?: number): void;
  /** Forgets what was counted. */
  reset(counter: Pick<Counter, 'name' | 'who'>): Promise<void>;
  hold: Places['hold'];
  noteRefusal(name: string): void;
  /** By name of the counter: the highest share of a limit in use, and the refusals since the process started. */
  figures(): Map<string, { used: number; refused: number }>;
  close(): void;
};

type Options = {
  store: CounterStore;
  secret: string;
  log: Logger;
  /** How long the store may take to answer. */
  patienceMs?: number;
};

/** What a process knows of one counter in the current window. */
type Entry = {
  name: string;
  limit: number;
  endsAt: number;
  /** Counts the windows. */
  window: number;
  /** Units of its blocks that are not used yet. */
  left: number;
  /** Units that were not reported to the store: the first ones of a large limit, and those counted alone. */
  unreported: number;
  /** The shared sum, as last answered. */
  used: number;
  /** Units that requests wait for. */
  waiting: number;
  asking: Promise<void> | null;
  /** The store had no units left; asked again after this time. */
  exhaustedUntil: number;
};

/** Units that were sent and not answered in time: resolves with whether the store counted them. */
type Late = Promise<boolean> | null;

const mostEntries = 100_000;
/** How long a process refuses without asking again. */
const refusedMs = 1_000;

export function createCounters({ store, secret, log, patienceMs }: Options): Counters {
  const entries = new Map<string, Entry>();
  const refused = new Map<string, number>();
  const ask = guardStore(log, patienceMs);
  // Neither addresses nor phone numbers are stored.
  const keyOf = (name: string, who: string) =>
    `${name}:${createHmac('sha256', secret).update(who).digest('base64url').slice(0, 27)}`;
  const places = keepPlaces(store, ask, keyOf);

  const entryOf = ({ name, who, limit, seconds }: Counter): Entry => {
    const id = `${name} ${who}`;
    let entry = entries.get(id);
    if (!entry) {
      if (entries.size >= mostEntries) dropOldest(entries);
      entry = { ...blank, name };
      entries.set(id, entry);
    }
    entry.limit = limit;
    if (performance.now() >= entry.endsAt) openWindow(entry, seconds);
    return entry;
  };
  const send = async (
    additions: readonly Addition[],
  ): Promise<{ sums: (Sum | null)[] | null; late: Late }> => {
    const sent: { counted: Late; failed: boolean } = { counted: null, failed: false };
    const sums = await ask(() => {
      const adding = store.add(additions);
      sent.counted = adding.then(
        () => true,
        () => {
          sent.failed = true;
          return false;
        },
      );
      return adding;
    });
    return { sums, late: sums === null && !sent.failed ? sent.counted : null };
  };
  const askTogether = inBatches(async (asked: { entry: Entry; counter: Counter }[]) => {
    const wants = asked.map(({ entry, counter }) => Math.max(entry.waiting, blockOf(entry, counter)));
    const additions = asked.map(({ entry, counter: { name, who, seconds } }, i) => ({
      key: keyOf(name, who),
      units: entry.unreported + wants[i]!,
      seconds,
    }));
    const { sums, late } = await send(additions);
    for (const [i, { entry }] of asked.entries()) {
      const sum = sums?.[i];
      if (sum) grant(entry, wants[i]!, sum);
      else grantAlone(entry, wants[i]!);
      if (late) countAsSent(entry, additions[i]!.units, late);
    }
    return asked.map(() => undefined);
  });
  const refill = (entry: Entry, counter: Counter): Promise<void> => {
    entry.asking ??= askTogether({ entry, counter }).finally(() => {
      entry.asking = null;
    });
    return entry.asking;
  };

  return {
    async take(counter, cost = 1) {
      for (;;) {
        const entry = entryOf(counter);
        if (entry.left >= cost) {
          entry.left -= cost;
          return takenOf(entry, true);
        }
        if (performance.now() < entry.exhaustedUntil) return takenOf(entry, false);
        entry.waiting += cost;
        await refill(entry, counter).finally(() => {
          entry.waiting -= cost;
        });
      }
    },
    giveBack(counter, cost = 1) {
      entryOf(counter).left += cost;
    },
    async reset({ name, who }) {
      entries.delete(`${name} ${who}`);
      await ask(() => store.reset(keyOf(name, who)));
    },
    hold: places.hold,
    noteRefusal: (name) => void refused.set(name, (refused.get(name) ?? 0) + 1),
    figures() {
      const figures = new Map([...refused].map(([name, n]) => [name, { used: 0, refused: n }]));
      const raise = (name: string, used: number) => {
        const known = figures.get(name) ?? { used: 0, refused: 0 };
        figures.set(name, { ...known, used: Math.max(known.used, Math.min(1, used)) });
      };
      const now = performance.now();
      for (const { name, limit, endsAt, used, unreported, left } of entries.values())
        if (now < endsAt && limit > 0) raise(name, (used + unreported - left) / limit);
      for (const { name, share } of places.figures()) raise(name, share);
      return figures;
    },
    close: places.close,
  };
}

const blank: Omit<Entry, 'name'> = {
  limit: 0,
  endsAt: 0,
  window: 0,
  left: 0,
  unreported: 0,
  used: 0,
  waiting: 0,
  asking: null,
  exhaustedUntil: 0,
};

/** A block of a short window is a twentieth of what remains, of a long one a two-hundredth: a restart loses it. */
const partsOf = (seconds: number) => (seconds <= 60 ? 20 : 200);
const blockOf = (entry: Entry, { limit, seconds }: Counter) =>
  Math.max(1, Math.floor((limit - entry.used) / partsOf(seconds)));

/** Of a large limit, a process counts the first hundredth (thousandth) without asking, and reports it when it asks. */
const freeOf = (limit: number, seconds: number) =>
  limit < 1_000 ? 0 : Math.floor(limit / (5 * partsOf(seconds)));

function openWindow(entry: Entry, seconds: number): void {
  const free = freeOf(entry.limit, seconds);
  entry.endsAt = performance.now() + seconds * 1000;
  entry.window += 1;
  entry.left = free;
  entry.unreported = free;
  entry.used = 0;
  entry.exhaustedUntil = 0;
}

/** The units of an answer that are within the limit. Fewer than asked for: none are left for any process. */
function grant(entry: Entry, wanted: number, { used, endsInMs }: Sum): void {
  const granted = Math.min(wanted, Math.max(0, entry.limit - (used - wanted)));
  entry.left += granted;
  entry.unreported = 0;
  entry.used = used;
  const now = performance.now();
  entry.endsAt = now + endsInMs;
  if (granted < wanted) entry.exhaustedUntil = Math.min(entry.endsAt, now + refusedMs);
}

/** Without the store: what is left of the limit as far as this process knows. */
function grantAlone(entry: Entry, wanted: number): void {
  const granted = Math.min(wanted, Math.max(0, entry.limit - entry.used - entry.unreported));
  entry.left += granted;
  entry.unreported += granted;
  const now = performance.now();
  if (granted < wanted) entry.exhaustedUntil = Math.min(entry.endsAt, now + refusedMs);
}

/** A late answer is still an answer: what was sent is sent again only when the store turns out not to have counted it. */
function countAsSent(entry: Entry, sent: number, counted: Promise<boolean>): void {
  const { window, unreported } = entry;
  entry.used += sent;
  entry.unreported = 0;
  void counted.then((ok) => {
    if (ok || entry.window !== window) return;
    entry.used = Math.max(0, entry.used - sent);
    entry.unreported += unreported;
  });
}

function takenOf({ limit, used, unreported, left, endsAt }: Entry, ok: boolean): Taken {
  const remaining = ok ? Math.max(0, limit - used - unreported) + left : 0;
  return {
    ok,
    limit,
    remaining: Math.min(limit, remaining),
    resetMs: Math.max(0, endsAt - performance.now()),
  };
}

function dropOldest(entries: Map<string, Entry>): void {
  let surplus = Math.ceil(mostEntries / 10);
  for (const id of entries.keys()) {
    if (surplus === 0) return;
    entries.delete(id);
    surplus -= 1;
  }
}
