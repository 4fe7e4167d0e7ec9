import { timeOfId } from '../events/envelope.ts';
import { type EffectResult, type EffectRun, type PostDeps, type Posting, post } from './posting.ts';

type Answered<T> = { vendorId: string | null; result: T };

export type KeyedRequest<T> = {
  key: string;
  vendor: string;
  kind: string;
  organizationId: string | null;
  subject: string;
  /** Idempotency key: repeating the call with the same key is safe while the vendor keeps the key. */
  call: (key: string) => Promise<Answered<T>>;
  /**
   * For a call that moves money: what it did when it was made before, at or after `since`. Null when it did nothing. Asked
   * before the call is repeated with a key that the vendor may have forgotten.
   */
  find?: (key: string, since: Date) => Promise<Answered<T> | null>;
};

/** Stripe keeps a key for a day at least. The last hour is left for the clocks and for the call itself. */
const keysKeptMs = 23 * 3_600_000;
/** Vendors tell the time of what they made by their own clock. */
const clocksDifferMs = 3_600_000;

/** Calls with an external effect, each executed once however often it is requested. */
export type Effects = {
  /** A call to a vendor that supports idempotency keys. */
  keyed<T>(run: EffectRun, request: KeyedRequest<T>): Promise<EffectResult<T>>;
  /** A call to a vendor that does not support them: an unknown outcome is looked up before the call is posted again. */
  once<T>(run: EffectRun, posting: Posting<T>): Promise<EffectResult<T>>;
};

export function createEffects(deps: PostDeps): Effects {
  return {
    once: (run, posting) => post(deps, run, posting),
    keyed: (run, r) =>
      post(deps, run, {
        request: {
          key: r.key,
          vendor: r.vendor,
          kind: r.kind,
          organizationId: r.organizationId,
          subject: r.subject,
          repeatable: true,
        },
        call: async (effectId, again) => (again && (await found(r, timeOfId(effectId)))) || r.call(r.key),
      }),
  };
}

/** Of a call that was claimed so long ago that its key may be forgotten. */
async function found<T>({ key, find }: KeyedRequest<T>, claimedFirst: Date): Promise<Answered<T> | null> {
  if (!find || Date.now() - claimedFirst.getTime() < keysKeptMs) return null;
  return find(key, new Date(claimedFirst.getTime() - clocksDifferMs));
}
