import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { type HeldName, type QuotaName, quotas, type RateName } from '../../domain/account/quotas.ts';
import { RefusedError } from '../../domain/errors.ts';

export type QuotaOwner = { organizationId: string; keyId: string | null };

/** Counts what organizations and their keys use. A refusal is a RefusedError 429 `quota_exceeded` that names the limit. */
export type Quotas = {
  /** Counts `cost` units, or none when it refuses. */
  take(name: RateName, owner: QuotaOwner, cost?: number): Promise<void>;
  /** Counts one place while `work` runs. */
  hold<T>(name: HeldName, owner: QuotaOwner, work: () => Promise<T>): Promise<T>;
};

export function createQuotas(): Quotas {
  const counters = new Map<string, RateLimiterMemory>();
  const counterOf = (name: QuotaName, points: number) => {
    const counter =
      counters.get(`${name} ${points}`) ??
      new RateLimiterMemory({ keyPrefix: name, points, duration: quotas[name].seconds });
    counters.set(`${name} ${points}`, counter);
    return counter;
  };
  const limitsOf = (name: QuotaName, { organizationId, keyId }: QuotaOwner) => {
    const { perOrganization, perKey } = quotas[name];
    return [
      { who: organizationId, points: perOrganization },
      ...(keyId === null ? [] : [{ who: `${organizationId} ${keyId}`, points: perKey }]),
    ];
  };
  const count = async (name: QuotaName, owner: QuotaOwner, cost: number) => {
    for (const { who, points } of limitsOf(name, owner)) {
      await counterOf(name, points)
        .consume(who, cost)
        .catch((error: unknown) => {
          if (!(error instanceof RateLimiterRes)) throw error;
          const { what, seconds, kind } = quotas[name];
          const limit =
            kind === 'rate' ? `${points} ${what} in ${seconds} seconds` : `${points} ${what} at once`;
          throw new RefusedError(
            429,
            'quota_exceeded',
            `Over the limit of ${limit} (${name}). Nothing was stored.`,
            {
              retryAfterSeconds: Math.max(1, Math.ceil(error.msBeforeNext / 1000)),
            },
          );
        });
    }
  };
  return {
    take: (name, owner, cost = 1) => count(name, owner, cost),
    async hold(name, owner, work) {
      await count(name, owner, 1);
      try {
        return await work();
      } finally {
        for (const { who, points } of limitsOf(name, owner)) await counterOf(name, points).reward(who, 1);
      }
    },
  };
}
