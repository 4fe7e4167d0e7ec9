import { type EffectResult, type EffectRun, type PostDeps, type Posting, post } from './posting.ts';

export type KeyedRequest<T> = {
  key: string;
  vendor: string;
  kind: string;
  organizationId: string | null;
  subject: string;
  /** Safe to repeat: the vendor knows this key. */
  call: (key: string) => Promise<{ vendorId: string | null; result: T }>;
};

/** Calls that change the world outside, each made once however often it is asked for. */
export type Effects = {
  /** A call to a vendor that knows idempotency keys. */
  keyed<T>(run: EffectRun, request: KeyedRequest<T>): Promise<EffectResult<T>>;
  /** A call to a vendor that knows none: an unclear outcome is looked for before it is posted again. */
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
