import { v7 as uuidv7 } from 'uuid';
import type { Logger } from '../adapters/logger.ts';
import type { FoundSms } from '../adapters/sms.ts';
import type { Timings } from '../config.ts';
import type { Queryable } from '../db/client.ts';
import { type AttemptRow, commitChange, type Fence } from '../db/commit.ts';
import { closeLine } from '../db/messaging/phones.ts';
import { bookReceipt, findReceiptTarget } from '../db/messaging/receipts.ts';
import { insertAlert } from '../db/transport/alerts.ts';
import {
  bookEffect,
  type Claim,
  type ClaimRequest,
  claimEffect,
  type EffectOutcome,
  type EffectRow,
  findEffect,
  findPostedBody,
  markMissing,
  markUnknown,
  settleUnknown,
} from '../db/transport/effects.ts';
import type { Vault } from '../db/vault.ts';
import {
  type FailureCode,
  PermanentError,
  TransientError,
  UnknownOutcomeError,
  VendorError,
} from '../domain/errors.ts';
import { type EventDraft, timeOfId } from '../events/envelope.ts';
import { subjects } from '../events/subjects.ts';
import { type Outcome, snooze } from './outcome.ts';

/** How a call to the outside ended, or why it cannot be told yet; handlers return `wait` as it is. */
export type EffectResult<T> =
  | { state: 'accepted'; id: string; vendorId: string | null; result: T; fresh: boolean }
  | { state: 'refused'; code: FailureCode | string }
  | { state: 'wait'; outcome: Outcome };

/** The run on whose behalf a call is made; null for calls made by a request, which hold no outbox row. */
export type EffectRun = { fence: Fence; attempt: (effectKey: string) => AttemptRow } | null;

type Deps = { db: Queryable; vault: Vault; timings: Timings; log: Logger };

/** Longer than any adapter's own timeout: while it lasts, nobody else makes the same call. */
const leaseMs = 15_000;
const capPauseMs = 10 * 60_000;

/** A listing may say more than that it is there; mail's does not. */
type Found = { vendorId: string } & Partial<FoundSms>;

/** One kind of call: what is claimed, how it is made, and how to look for it afterwards. */
export type Posting<T> = {
  request: Omit<ClaimRequest, 'id' | 'fence' | 'leaseMs' | 'repost' | 'message'>;
  message: Omit<NonNullable<ClaimRequest['message']>, 'createdAt'> | null;
  /** `posted`: the text as it was first posted; names and counts in it may have changed since. */
  call: (effectId: string, posted: string | null) => Promise<{ vendorId: string | null; result: T }>;
  /** Looks at the vendor for what was perhaps posted; absent for keyed vendors, which are simply asked again. */
  find?: (effect: EffectRow, posted: string | null) => Promise<Found | null>;
};

/**
 * Claims, calls, books: the one way out. The claim is committed before the call and the answer right after it; what
 * lies between is settled by the vendor's key, its callback or its listing.
 */
export async function post<T>(
  deps: Deps,
  run: EffectRun,
  posting: Posting<T>,
  repost = false,
): Promise<EffectResult<T>> {
  const id = uuidv7();
  const fence = uuidv7();
  const attempt = run ? run.attempt(posting.request.key) : null;
  const claim = await claimEffect(
    deps.db,
    {
      ...posting.request,
      id,
      fence,
      leaseMs,
      repost,
      message: posting.message ? { ...posting.message, createdAt: timeOfId(id) } : null,
    },
    run?.fence ?? null,
    attempt,
  );
  if (claim.kind === 'claimed') {
    if (claim.posts > 1)
      deps.log.warn(
        { effect: posting.request.key, posts: claim.posts },
        'posting again after an unclear outcome',
      );
    // What stands in the books from an earlier claim is what is posted, whatever has changed in its words since.
    const posted = claim.id === id ? null : await postedText(deps, claim.id);
    return callVendor(deps, posting, { key: posting.request.key, id: claim.id, fence }, posted, attempt);
  }
  return refusedOrExisting(deps, run, posting, claim);
}

async function postedText({ db, vault }: Deps, effectId: string): Promise<string | null> {
  const sealed = await findPostedBody(db, effectId);
  return sealed === null ? null : vault.open(sealed);
}

async function callVendor<T>(
  deps: Deps,
  posting: Posting<T>,
  claim: { key: string; id: string; fence: string },
  posted: string | null,
  attempt: AttemptRow | null,
): Promise<EffectResult<T>> {
  const started = performance.now();
  const book = (outcome: EffectOutcome) =>
    bookEffect(
      deps.db,
      claim,
      outcome,
      attempt && {
        ...attempt,
        durationMs: performance.now() - started,
        outcome: outcome.state,
        detail: outcome.state === 'accepted' ? outcome.vendorId : outcome.errorCode,
      },
    );
  try {
    const { vendorId, result } = await posting.call(claim.id, posted);
    await book({ state: 'accepted', vendorId, result });
    return { state: 'accepted', id: claim.id, vendorId, result, fresh: true };
  } catch (error) {
    return bookFailure(deps, posting, claim, error, book);
  }
}

async function bookFailure<T>(
  deps: Deps,
  posting: Posting<T>,
  claim: { key: string; id: string },
  error: unknown,
  book: (outcome: EffectOutcome) => Promise<void>,
): Promise<EffectResult<T>> {
  const errorCode = error instanceof VendorError ? (error.vendorCode ?? error.code) : 'unexpected';
  if (error instanceof PermanentError && (error.code === 'unauthorized' || error.code === 'misconfigured')) {
    // Ours to mend: the work is parked, and free to be posted once it is resumed.
    await book({ state: 'released', errorCode });
    throw error;
  }
  if (error instanceof PermanentError) {
    await rememberPhone(deps, posting, error.code);
    await book({ state: 'refused', errorCode: error.code });
    return { state: 'refused', code: error.code };
  }
  // Keyed calls are repeated with the same key whatever happened; the claim is simply given back.
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
  // Not the vendor's word (a lost database connection, a bug): the lease decides who looks again.
  deps.log.error({ effect: claim.key, error }, 'a vendor call ended without a classified answer');
  throw error;
}

/**
 * The carrier's own word on a number, whatever the text was for: remembered before the refusal is booked, so that a
 * crash between the two only asks again. An opt-out ends this phone's other offers as well.
 */
async function rememberPhone<T>({ db }: Deps, posting: Posting<T>, code: FailureCode): Promise<void> {
  const { line, organizationId } = posting.request;
  if (!line || (code !== 'opted_out' && code !== 'bad_number')) return;
  const { phoneId } = line;
  const optedOut: EventDraft = {
    type: 'buyer.opted_out',
    organizationId,
    subject: subjects.phone(phoneId),
    data: { phoneId },
  };
  const change = { guard: closeLine(phoneId, code), events: code === 'opted_out' ? [optedOut] : [] };
  // Its event waits in the outbox for the sweeper.
  await commitChange(db, change, { visibilityMs: 0, isFull: () => true });
}

async function refusedOrExisting<T>(
  deps: Deps,
  run: EffectRun,
  posting: Posting<T>,
  claim: Exclude<Claim, { kind: 'claimed' }>,
): Promise<EffectResult<T>> {
  switch (claim.kind) {
    case 'opted_out':
    case 'bad_number':
    case 'not_paid':
      return { state: 'refused', code: claim.kind };
    case 'capped':
      await alertCap(deps, posting);
      return wait(capPauseMs, 'the SMS spend cap is reached');
    case 'fence_lost':
      return wait(1_000, 'another run holds this work');
    case 'exists':
      return existing(deps, run, posting, claim.effect);
  }
}

/** Texts wait at the cap, and somebody must know: one alert on the console per organization and day. */
async function alertCap<T>({ db }: Deps, posting: Posting<T>): Promise<void> {
  const { organizationId } = posting.request;
  const alert = insertAlert({
    key: `cap-${organizationId}-${new Date().toISOString().slice(0, 10)}`,
    kind: 'spend_cap',
    organizationId,
    subject: organizationId === null ? 'organization:none' : subjects.organization(organizationId),
    text: 'The SMS spend cap is reached, for a number and hour or for the day: texts wait and are tried again every ten minutes.',
  });
  await commitChange(db, { writes: [alert] }, { visibilityMs: 0 });
}

async function existing<T>(
  deps: Deps,
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
    // Usually it is done in a moment; only a run that died leaves the whole lease to wait for.
    return wait(Math.min(effect.leaseLeftMs + 50, 2_000), 'another run is making this call');
  }
  if (effect.state === 'claimed') {
    await markUnknown(deps.db, effect, 'run_lost');
    return existing(deps, run, posting, { ...effect, state: 'unknown' });
  }
  return lookFor(deps, run, posting, effect);
}

/**
 * An unclear post to a vendor without an idempotency key: first its callback gets a chance, then its listing is read;
 * posted again only when two listings `listingGapMs` apart lack it, and only once.
 */
async function lookFor<T>(
  deps: Deps,
  run: EffectRun,
  posting: Posting<T>,
  effect: EffectRow,
): Promise<EffectResult<T>> {
  const { timings, db } = deps;
  if (!posting.find) return wait(1_000, 'waiting to repeat a keyed call');
  if (effect.sinceClaimMs < timings.callbackGraceMs) {
    return wait(timings.callbackGraceMs - effect.sinceClaimMs + 50, 'waiting for the status callback');
  }
  const found = await posting.find(effect, await postedText(deps, effect.id));
  if (found) {
    await bookListed(deps, posting.request.vendor, effect, found);
    await settleUnknown(db, effect, { state: 'accepted', vendorId: found.vendorId });
    return { state: 'accepted', id: effect.id, vendorId: found.vendorId, result: null as T, fresh: false };
  }
  if (effect.missingForMs === null) {
    await markMissing(db, effect);
    return wait(
      timings.listingGapMs,
      'not in the vendor’s listing; it is read once more before posting again',
    );
  }
  if (effect.missingForMs < timings.listingGapMs) {
    return wait(timings.listingGapMs - effect.missingForMs + 50, 'waiting for the second listing');
  }
  if (effect.posts >= 2) {
    await settleUnknown(db, effect, { state: 'refused', errorCode: 'unknown_outcome' });
    return { state: 'refused', code: 'unknown_outcome' };
  }
  // A callback may have settled it since it was read: the claim's own guard decides.
  const again = await findEffect(db, effect.key);
  if (again?.state !== 'unknown') return wait(100, 'settled meanwhile');
  return post(deps, run, posting, true);
}

/** Whoever lost the answer may have lost the callback too: what the listing says of its fate is booked as a receipt. */
async function bookListed({ db }: Deps, vendor: string, effect: EffectRow, found: Found): Promise<void> {
  const { vendorId, status, failure, vendorCode } = found;
  if (!status) return;
  const receipt = {
    vendor,
    effectId: effect.id,
    vendorId,
    status,
    code: failure ?? null,
    vendorCode: vendorCode ?? null,
  };
  const message = await findReceiptTarget(db, receipt);
  // Its events wait in the outbox for the sweeper.
  if (message) await commitChange(db, bookReceipt(message, receipt), { visibilityMs: 0, isFull: () => true });
}

function wait(ms: number, because: string): { state: 'wait'; outcome: Outcome } {
  return { state: 'wait', outcome: snooze(Math.max(50, Math.ceil(ms)), because) };
}
