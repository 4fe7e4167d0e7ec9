import type { CallRecord, Vendor } from './vendor.ts';

/**
 * `accepted_answer_lost`: the vendor processed the call, and an injected fault dropped the response.
 * `faulted`: an injected fault failed the call before it was processed. `replayed`: answered from an idempotency key.
 */
export type Outcome = 'accepted' | 'accepted_answer_lost' | 'refused' | 'faulted' | 'replayed' | 'read';

export type LedgerEntry = Required<Omit<CallRecord, 'error'>> & {
  seq: number;
  at: string;
  vendor: Vendor;
  outcome: Outcome;
  /** HTTP status of the response; null when none was sent. */
  status: number | null;
  /** Kind of the injected fault, if any. */
  fault: string | null;
  error: { code: string | number | null; message: string } | null;
};

export type LedgerQuery = {
  vendor?: Vendor;
  operation?: string;
  to?: string;
  from?: string;
  contains?: string;
  reference?: string;
  vendorId?: string;
  idempotencyKey?: string;
  outcome?: Outcome;
  /** True for calls that the vendor processed, with or without a response; false for all others. */
  accepted?: boolean;
  /** Only entries after this sequence number, or at/after this ISO time. */
  since?: number | string;
  /** Includes GET calls, which are stored separately with a lower limit. */
  reads?: boolean;
  limit?: number;
};

const maxEntries = 100_000;
const maxReads = 2_000;

type Waiter = { offer: (entry: LedgerEntry) => void; fail: (error: Error) => void };

/** All calls to the vendors, in order. Tests assert on it instead of the product's tables. */
export class Ledger {
  #entries: LedgerEntry[] = [];
  #reads: LedgerEntry[] = [];
  #seq = 0;
  #dropped = 0;
  #waiters = new Set<Waiter>();
  #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  append(
    vendor: Vendor,
    record: CallRecord,
    answered: { outcome: Outcome; status: number | null; fault: string | null },
  ): LedgerEntry {
    this.#seq += 1;
    const entry: LedgerEntry = {
      seq: this.#seq,
      at: new Date().toISOString(),
      vendor,
      operation: record.operation,
      ...answered,
      vendorId: record.vendorId ?? null,
      to: record.to ?? null,
      from: record.from ?? null,
      text: record.text ?? null,
      reference: record.reference ?? null,
      amount: record.amount ?? null,
      currency: record.currency ?? null,
      idempotencyKey: record.idempotencyKey ?? null,
      params: record.params,
      error: record.error ?? null,
    };
    if (answered.outcome === 'read') {
      this.#reads.push(entry);
      if (this.#reads.length > maxReads * 1.1) this.#reads.splice(0, this.#reads.length - maxReads);
    } else {
      this.#entries.push(entry);
      this.#trim();
    }
    for (const waiter of this.#waiters) waiter.offer(entry);
    this.#onChange();
    return entry;
  }

  /** Number of entries that were dropped since the last reset. Assertions on the whole ledger require 0. */
  get dropped(): number {
    return this.#dropped;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  list(query: LedgerQuery = {}): LedgerEntry[] {
    const pool = query.reads
      ? [...this.#entries, ...this.#reads].sort((a, b) => a.seq - b.seq)
      : this.#entries;
    const found = pool.filter((entry) => matches(entry, query));
    return query.limit === undefined ? found : found.slice(-query.limit);
  }

  /**
   * Resolves with the matching entries once there are `count` of them; rejects after `timeoutMs`. Without `outcome` or
   * `accepted`, only accepted calls match.
   */
  async wait(query: LedgerQuery, count = 1, timeoutMs = 10_000): Promise<LedgerEntry[]> {
    const wanted =
      query.outcome === undefined && query.accepted === undefined ? { ...query, accepted: true } : query;
    const found = this.list(wanted);
    if (found.length >= count) return found;
    // Each new entry is tested once; rescanning the ledger on every message would slow benchmarks.
    const isWanted = (entry: LedgerEntry) =>
      (wanted.reads || entry.outcome !== 'read') && matches(entry, wanted);
    await this.#until(
      (entry) => isWanted(entry) && found.push(entry) >= count,
      timeoutMs,
      () => `${count} ledger entries like ${JSON.stringify(wanted)}, found ${found.length}`,
    );
    return found;
  }

  /** Resolves with the first entry, past or future, that satisfies the predicate. */
  async waitFor(predicate: (entry: LedgerEntry) => boolean, timeoutMs = 10_000): Promise<LedgerEntry> {
    const known = this.#entries.find(predicate) ?? this.#reads.find(predicate);
    return known ?? this.#until(predicate, timeoutMs, () => 'a ledger entry');
  }

  reset(): void {
    this.#entries = [];
    this.#reads = [];
    this.#dropped = 0;
  }

  /** Rejects all pending waits. */
  close(): void {
    for (const waiter of this.#waiters) waiter.fail(new Error('the sandbox was closed'));
  }

  #until(
    accepts: (entry: LedgerEntry) => boolean,
    timeoutMs: number,
    what: () => string,
  ): Promise<LedgerEntry> {
    return new Promise<LedgerEntry>((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        act();
      };
      const waiter: Waiter = {
        offer: (entry) => {
          if (accepts(entry)) finish(() => resolve(entry));
        },
        fail: (error) => finish(() => reject(error)),
      };
      const timer = setTimeout(() => waiter.fail(new Error(`timed out waiting for ${what()}`)), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  #trim(): void {
    if (this.#entries.length <= maxEntries * 1.1) return;
    const excess = this.#entries.length - maxEntries;
    this.#entries.splice(0, excess);
    this.#dropped += excess;
  }
}

function matches(entry: LedgerEntry, query: LedgerQuery): boolean {
  const same = (wanted: string | undefined, actual: string | null) =>
    wanted === undefined || wanted === actual;
  return (
    same(query.vendor, entry.vendor) &&
    same(query.operation, entry.operation) &&
    same(query.to, entry.to) &&
    same(query.from, entry.from) &&
    same(query.reference, entry.reference) &&
    same(query.vendorId, entry.vendorId) &&
    same(query.idempotencyKey, entry.idempotencyKey) &&
    same(query.outcome, entry.outcome) &&
    (query.accepted === undefined || query.accepted === wasAccepted(entry)) &&
    (query.contains === undefined || (entry.text ?? '').includes(query.contains)) &&
    (query.since === undefined || isAfter(entry, query.since))
  );
}

export function wasAccepted(entry: LedgerEntry): boolean {
  return entry.outcome === 'accepted' || entry.outcome === 'accepted_answer_lost';
}

function isAfter(entry: LedgerEntry, since: number | string): boolean {
  if (typeof since === 'number') return entry.seq > since;
  return /^\d+$/.test(since) ? entry.seq > Number(since) : Date.parse(entry.at) >= Date.parse(since);
}
