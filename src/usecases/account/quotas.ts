import type { Logger } from '../../adapters/logger.ts';
import { within } from '../../db/deadline.ts';
import type { Counter } from '../../domain/account/counters.ts';
import {
  type HeldName,
  type LimitsOfQuota,
  limitsOf,
  type Quota,
  type QuotaLimits,
  type QuotaName,
  quotas,
  type RateName,
  refusalOf,
  type StoredName,
  StoredQuotaError,
} from '../../domain/account/quotas.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Counters } from './counters.ts';

export type QuotaOwner = { organizationId: string; keyId: string | null };

/** Limits what organizations and their keys use. A refusal is a RefusedError 429 `quota_exceeded` that names the limit. */
export type Quotas = {
  /** Counts `cost` units, or none when it refuses. */
  take(name: RateName, owner: QuotaOwner, cost?: number): Promise<void>;
  /** Units that were taken and not used. */
  giveBack(name: RateName, owner: QuotaOwner, cost?: number): Promise<void>;
  /** Counts one place while `work` runs. */
  hold<T>(name: HeldName, owner: QuotaOwner, work: () => Promise<T>): Promise<T>;
  /** Passes `work` how many rows the organization may have. It compares while it inserts, and throws StoredQuotaError. */
  stored<T>(name: StoredName, organizationId: string, work: (most: number) => Promise<T>): Promise<T>;
  limitsOf(name: QuotaName, organizationId: string | null): Promise<LimitsOfQuota>;
};

type Options = {
  counters: Counters;
  /** Limits of this installation that replace those of the table. */
  defaults: QuotaLimits;
  /** Limits of single organizations, by their id. */
  loadLimits: () => Promise<ReadonlyMap<string, QuotaLimits>>;
  log: Logger;
};

/** Changed limits of an organization count after this time in every process. */
const freshMs = 15_000;
const patienceMs = 300;
/** When something held may be free again. */
const heldRetryMs = 5_000;
/** A flood is logged once in this time. */
const quietMs = 10_000;

export function createQuotas({ counters, defaults, loadLimits, log }: Options): Quotas {
  const ownLimits = keepFresh(loadLimits);
  const quietUntil = new Map<QuotaName, number>();
  const limits = async (name: QuotaName, organizationId: string | null) =>
    limitsOf(name, [organizationId === null ? undefined : (await ownLimits()).get(organizationId), defaults]);
  /** The key first: its limit is the lower one. A key's limit that is not lower can never be met first. */
  const countersOf = async (name: QuotaName, { organizationId, keyId }: QuotaOwner): Promise<Counter[]> => {
    const { perOrganization, perKey } = await limits(name, organizationId);
    const { seconds } = quotas[name];
    const found: Counter[] = [];
    if (keyId !== null && perKey !== null && (perOrganization === null || perKey < perOrganization))
      found.push({ name, who: `${organizationId} ${keyId}`, limit: perKey, seconds });
    if (perOrganization !== null) found.push({ name, who: organizationId, limit: perOrganization, seconds });
    return found;
  };
  const note = (name: QuotaName, organizationId: string) => {
    counters.noteRefusal(name);
    if (performance.now() < (quietUntil.get(name) ?? 0)) return;
    quietUntil.set(name, performance.now() + quietMs);
    log.info({ event: 'quota_refused', quota: name, organizationId }, 'over a quota');
  };
  const refuse = (name: QuotaName, { organizationId }: QuotaOwner, counter: Counter, retryMs: number) => {
    note(name, organizationId);
    const { share }: Quota = quotas[name];
    const whose = counter.who === organizationId ? 'organization' : (share ?? 'API key');
    return new RefusedError(429, 'quota_exceeded', refusalOf(name, counter.limit, whose), {
      retryAfterSeconds: Math.max(1, Math.ceil(retryMs / 1000)),
    });
  };
  return {
    limitsOf: limits,
    async take(name, owner, cost = 1) {
      const taken: Counter[] = [];
      for (const counter of await countersOf(name, owner)) {
        const { ok, resetMs } = await counters.take(counter, cost);
        if (ok) {
          taken.push(counter);
          continue;
        }
        for (const each of taken) counters.giveBack(each, cost);
        throw refuse(name, owner, counter, resetMs);
      }
    },
    async giveBack(name, owner, cost = 1) {
      for (const counter of await countersOf(name, owner)) counters.giveBack(counter, cost);
    },
    async hold(name, owner, work) {
      const places: { release(): Promise<void> }[] = [];
      try {
        for (const counter of await countersOf(name, owner)) {
          const place = await counters.hold(counter);
          if (!place) throw refuse(name, owner, counter, heldRetryMs);
          places.push(place);
        }
        return await work();
      } finally {
        for (const place of places) await place.release();
      }
    },
    async stored(name, organizationId, work) {
      const { perOrganization } = await limits(name, organizationId);
      try {
        return await work(perOrganization ?? Number.MAX_SAFE_INTEGER);
      } catch (error) {
        if (error instanceof StoredQuotaError && error.quota === name) note(name, organizationId);
        throw error;
      }
    },
  };
}

/** The first caller waits for the limits, later ones get those that are known while they are read again. */
function keepFresh(load: Options['loadLimits']): () => Promise<ReadonlyMap<string, QuotaLimits>> {
  let known: ReadonlyMap<string, QuotaLimits> = new Map();
  let first: Promise<void> | null = null;
  let freshUntil = 0;
  const read = async () => {
    freshUntil = performance.now() + freshMs;
    try {
      known = await within(patienceMs, 'no answer', load());
    } catch {
      // Those that are known stay in force.
    }
  };
  return async () => {
    first ??= read();
    await first;
    if (performance.now() >= freshUntil) void read();
    return known;
  };
}
