import type { Logger } from '../adapters/logger.ts';
import type { Timings } from '../config.ts';
import type { Queryable } from '../db/client.ts';
import type { AttemptRow, Fence, Part } from '../db/commit.ts';
import {
  type Booking,
  bookEffect,
  bookingOf,
  type Claim,
  type ClaimGuard,
  type ClaimMove,
  type ClaimRequest,
  type ClaimWrite,
  claimEffect,
  type EffectOutcome,
  type EffectRow,
  findEffect,
  markMissing,
  markUnknown,
  type SettledOutcome,
  settleUnknown,
} from '../db/transport/effects.ts';
import {
  type FailureCode,
  PermanentError,
  TransientError,
  UnknownOutcomeError,
  VendorError,
} from '../domain/errors.ts';
import type { Cause } from '../events/envelope.ts';
import { newId } from '../events/new-id.ts';
import type { KeptAnswers } from './answers.ts';
import { type Outcome, snooze } from './outcome.ts';

/** The outcome of an external call, or the reason why it is not known yet. Handlers return `wait` unchanged. */
export type EffectResult<T> =
  | { state: 'accepted'; id: string; vendorId: string | null; result: T; fresh: boolean }
  | { state: 'refused'; code: FailureCode | string }
  | { state: 'wait'; outcome: Outcome };

/** The run that makes a call; null for calls made by an HTTP request, which holds no outbox row. */
export type EffectRun = {
  fence: Fence;
  cause: Cause;
  attempt: (effectKey: string) => AttemptRow;
  answers: KeptAnswers;
} | null;

export type PostDeps = { db: Queryable; timings: Timings; log: Logger };

/** Lease of a claim. Longer than any adapter's timeout, so that no other run makes the same call concurrently. */
const leaseMs = 15_000;

/** One kind of call: its claim, the call itself, and the lookup after an unknown outcome. */
export type Posting<T> = {
  request: Omit<ClaimRequest, 'id' | 'fence' | 'leaseMs' | 'repost' | 'guards' | 'writes' | 'move'>;
  /** A move that comes before the call and commits with its claim. */
  move?: ClaimMove['change'];
  /** Conditions of the claim. */
  guards?: readonly ClaimGuard[];
  /** Handles a claim that a guard refused, or its move (`moved`). By default the effect is refused with the guard's reason. */
  refusedBy?: (refusal: string) => Promise<EffectResult<T>>;
  /** Additional records written in the effect's statements: opened with the claim, closed with each outcome. */
  books?: {
    open(effectId: string): readonly ClaimWrite[];
    close(effectId: string, outcome: EffectOutcome): readonly Part[];
  };
  /** `again`: an earlier claim may have posted it, so the same content must be posted. */
  call: (effectId: string, again: boolean) => Promise<{ vendorId: string | null; result: T }>;
  /** Runs before the vendor's refusal is recorded, and again after a crash in between. */
  onRefusal?: (code: FailureCode) => Promise<void>;
  /** The run ends right after an accepted call, so its answer may be written by the statement that ends the run. */
  isLast?: boolean;
  /** Looks up a possible post at the vendor. Absent for keyed vendors, where the call is repeated instead. */
  find?: (effect: EffectRow) => Promise<{ vendorId: string } | null>;
};

/**
 * Claims the effect, makes the call and records the response; all external calls go through here. The claim is committed
 * before the call and the response after it, with the step that follows where the run ends. A crash in between is resolved
 * by the vendor's idempotency key, its callback or its listing.
 */
export async function post<T>(
  deps: PostDeps,
  run: EffectRun,
  posting: Posting<T>,
  repost = false,
): Promise<EffectResult<T>> {
  const id = newId();
  const fence = newId();
  const { request, guards = [], books, move } = posting;
  await run?.answers.write();
  const claim = await claimEffect(
    deps.db,
    {
      ...request,
      id,
      fence,
      leaseMs,
      repost,
      guards,
      writes: books?.open(id) ?? [],
      move: move ? { change: move, cause: run?.cause ?? null } : null,
    },
    run?.fence ?? null,
    lostCall(run, request.key),
  );
  if (claim.kind === 'claimed') {
    if (claim.posts > 1)
      deps.log.warn(
        { effect: posting.request.key, posts: claim.posts },
        'posting again after an unknown outcome',
      );
    const claimed = { key: request.key, id: claim.id, fence, again: claim.id !== id };
    return callVendor(deps, posting, claimed, run);
  }
  return refusedOrExisting(deps, run, posting, claim);
}

type Claimed = { key: string; id: string; fence: string; again: boolean };

/** Recorded for an earlier claim whose run died before it had an outcome. */
const lostCall = (run: EffectRun, key: string): AttemptRow | null =>
  run && { ...run.attempt(key), outcome: 'lost', detail: 'run_lost' };

async function callVendor<T>(
  deps: PostDeps,
  posting: Posting<T>,
  claim: Claimed,
  run: EffectRun,
): Promise<EffectResult<T>> {
  const started = performance.now();
  const attempt = run ? run.attempt(claim.key) : null;
  const bookingFor = (outcome: EffectOutcome): Booking =>
    bookingOf(
      claim,
      outcome,
      attempt && {
        ...attempt,
        durationMs: performance.now() - started,
        outcome: outcome.state,
        detail: outcome.state === 'accepted' ? outcome.vendorId : outcome.errorCode,
      },
      posting.books?.close(claim.id, outcome),
    );
  const book = (outcome: EffectOutcome) => bookEffect(deps.db, bookingFor(outcome));
  try {
    const { vendorId, result } = await posting.call(claim.id, claim.again);
    const booking = bookingFor({ state: 'accepted', vendorId, result });
    if (!(posting.isLast && run?.answers.keep(booking))) await bookEffect(deps.db, booking);
    return { state: 'accepted', id: claim.id, vendorId, result, fresh: true };
  } catch (error) {
    return bookFailure(deps, posting, claim, error, book);
  }
}

async function bookFailure<T>(
  deps: PostDeps,
  posting: Posting<T>,
  claim: Claimed,
  error: unknown,
  book: (outcome: EffectOutcome) => Promise<void>,
): Promise<EffectResult<T>> {
  const errorCode = error instanceof VendorError ? (error.vendorCode ?? error.code) : 'unexpected';
  if (error instanceof PermanentError && (error.code === 'unauthorized' || error.code === 'misconfigured')) {
    // Our error: park the work, and release the claim so that it can be posted once an operator resumes it.
    await book({ state: 'released', errorCode });
    throw error;
  }
  if (error instanceof PermanentError) {
    await posting.onRefusal?.(error.code);
    await book({ state: 'refused', errorCode: error.code });
    return { state: 'refused', code: error.code };
  }
  // Keyed calls are repeated with the same key whatever the outcome, so the claim is released.
  if (
    error instanceof TransientError ||
    (error instanceof UnknownOutcomeError && posting.request.repeatable)
  ) {
    await book({ state: 'released', errorCode });
    throw error;
  }
  if (error instanceof UnknownOutcomeError) {
    await book({ state: 'unknown', errorCode });
    return wait(
      deps.timings.callbackGraceMs,
      `no clear answer from ${posting.request.vendor} (${errorCode}): waiting for its callback`,
    );
  }
  // Not a response of the vendor (a lost database connection, a bug): keep the claim until its lease expires.
  deps.log.error({ effect: claim.key, error }, 'vendor call failed with an unclassified error');
  throw error;
}

async function refusedOrExisting<T>(
  deps: PostDeps,
  run: EffectRun,
  posting: Posting<T>,
  claim: Exclude<Claim, { kind: 'claimed' }>,
): Promise<EffectResult<T>> {
  switch (claim.kind) {
    case 'refused':
      return posting.refusedBy?.(claim.refusal) ?? { state: 'refused', code: claim.refusal };
    case 'fence_lost':
      return wait(1_000, 'another run holds this work');
    case 'exists':
      return existing(deps, run, posting, claim.effect);
  }
}

async function existing<T>(
  deps: PostDeps,
  run: EffectRun,
  posting: Posting<T>,
  effect: EffectRow,
): Promise<EffectResult<T>> {
  if (effect.state === 'accepted') {
    return {
      state: 'accepted',
      id: effect.id,
      vendorId: effect.vendorId,
      result: effect.result as T,
      fresh: false,
    };
  }
  if (effect.state === 'refused') return { state: 'refused', code: effect.errorCode ?? 'bad_request' };
  if (effect.leaseLeftMs > 0 && effect.state === 'claimed') {
    // Poll: the other run usually finishes soon. Only after a crash does the lease have to expire.
    return wait(Math.min(effect.leaseLeftMs + 50, 2_000), 'another run is making this call');
  }
  if (effect.state === 'claimed') {
    const lost = lostCall(run, effect.key);
    await markUnknown(deps.db, effect, 'run_lost', lost && { ...lost, startedAt: effect.claimedAt });
    return existing(deps, run, posting, { ...effect, state: 'unknown' });
  }
  return lookFor(deps, run, posting, effect);
}

/**
 * Resolves a post with an unknown outcome at a vendor without idempotency keys: waits for the callback, then reads the
 * vendor's listing. Posts again, at most once, when two listings `listingGapMs` apart do not contain it.
 */
async function lookFor<T>(
  deps: PostDeps,
  run: EffectRun,
  posting: Posting<T>,
  effect: EffectRow,
): Promise<EffectResult<T>> {
  const { timings, db } = deps;
  if (!posting.find) return wait(1_000, 'waiting to repeat a keyed call');
  if (effect.sinceClaimMs < timings.callbackGraceMs) {
    return wait(timings.callbackGraceMs - effect.sinceClaimMs + 50, 'waiting for the status callback');
  }
  const found = await posting.find(effect);
  if (found) {
    await settled(deps, posting, effect, { state: 'accepted', vendorId: found.vendorId, result: null });
    return { state: 'accepted', id: effect.id, vendorId: found.vendorId, result: null as T, fresh: false };
  }
  if (effect.missingForMs === null) {
    await markMissing(db, effect);
    return wait(
      timings.listingGapMs,
      'not in the vendor’s listing; waiting for a second listing before posting again',
    );
  }
  if (effect.missingForMs < timings.listingGapMs) {
    return wait(timings.listingGapMs - effect.missingForMs + 50, 'waiting for the second listing');
  }
  if (effect.posts >= 2) {
    await settled(deps, posting, effect, { state: 'refused', errorCode: 'unknown_outcome' });
    return { state: 'refused', code: 'unknown_outcome' };
  }
  // A callback may have settled it in the meantime: the guard of the statement decides.
  const again = await findEffect(db, effect.key);
  if (again?.state !== 'unknown') return wait(100, 'settled in the meantime');
  return post(deps, run, { ...posting, move: undefined }, true);
}

function settled<T>(
  { db }: PostDeps,
  posting: Posting<T>,
  effect: EffectRow,
  outcome: SettledOutcome,
): Promise<void> {
  return settleUnknown(db, effect, outcome, posting.books?.close(effect.id, outcome));
}

export function wait(ms: number, because: string): { state: 'wait'; outcome: Outcome } {
  return { state: 'wait', outcome: snooze(Math.max(50, Math.ceil(ms)), because) };
}
