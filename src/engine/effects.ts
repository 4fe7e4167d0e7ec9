import { type EffectResult, type EffectRun, type PostDeps, type Posting, post } from './posting.ts';

export type KeyedRequest<T> = {
  key: string;
  vendor: string;
  kind: string;
  organizationId: string | null;
  subject: string;
  /** Idempotency key: repeating the call with the same key is safe. */
  call: (key: string) => Promise<{ vendorId: string | null; result: T }>;
};

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
        call: () => r.call(r.key),
      }),
  };
}
