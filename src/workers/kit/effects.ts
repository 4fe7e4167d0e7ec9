import { v7 as uuidv7 } from 'uuid';
import type { EmailGateway } from '../../adapters/email.ts';
import type { Logger } from '../../adapters/logger.ts';
import type { FoundSms, SmsGateway } from '../../adapters/sms.ts';
import type { Timings } from '../../config.ts';
import type { Queryable } from '../../db/client.ts';
import { type AttemptRow, commitChange, type Fence } from '../../db/commit.ts';
import {
  bookEffect,
  type Claim,
  type ClaimRequest,
  claimEffect,
  type EffectOutcome,
  type EffectRow,
  findEffect,
  markMissing,
  markUnknown,
  settleUnknown,
} from '../../db/effects.ts';
import { bookReceipt, findReceiptTarget } from '../../db/receipts.ts';
import type { Vault } from '../../db/vault.ts';
import {
  type FailureCode,
  PermanentError,
  TransientError,
  UnknownOutcomeError,
  VendorError,
} from '../../domain/errors.ts';
import { timeOfId } from '../../events/envelope.ts';
import type { Outcome } from './outcome.ts';
import { snooze } from './outcome.ts';

/** How a call to the outside ended, or why it cannot be told yet; handlers return `wait` as it is. */
export type EffectResult<T> =
  | { state: 'accepted'; id: string; vendorId: string | null; result: T; fresh: boolean }
  | { state: 'refused'; code: FailureCode | string }
  | { state: 'wait'; outcome: Outcome };

/** The run on whose behalf a call is made; null for calls made by a request, which hold no outbox row. */
export type EffectRun = { fence: Fence; attempt: (effectKey: string) => AttemptRow } | null;

export type SmsRequest = {
  key: string;
  purpose: string;
  organizationId: string | null;
  unlockId: string | null;
  buyerId: string | null;
  phoneId: string;
  to: string;
  body: string;
  /** The one confirmation of an opt-out may go to an opted-out phone. */
  ignoreOptOut?: boolean;
  /** What was paid for is sent whatever the spend cap says. */
  uncapped?: boolean;
};

export type EmailRequest = {
  key: string;
  purpose: string;
  recipientKind: 'buyer' | 'operator';
  organizationId: string | null;
  unlockId: string | null;
  buyerId: string | null;
  to: string;
  subject: string;
  text: string;
};

export type KeyedRequest<T> = {
  key: string;
  vendor: string;
  kind: string;
  organizationId: string | null;
  unlockId: string | null;
  /** Safe to repeat: the vendor knows this key. */
  call: (key: string) => Promise<{ vendorId: string | null; result: T }>;
};

export type Effects = {
  sms(run: EffectRun, request: SmsRequest): Promise<EffectResult<null>>;
  email(run: EffectRun, request: EmailRequest): Promise<EffectResult<null>>;
  keyed<T>(run: EffectRun, request: KeyedRequest<T>): Promise<EffectResult<T>>;
};

type Deps = {
  db: Queryable;
  vault: Vault;
  sms: SmsGateway;
  email: EmailGateway;
  timings: Timings;
  log: Logger;
  /** Base of the status callback URL, whose last segment is the effect id. */
  statusCallbackBase: string;
};

/** Longer than any adapter's own timeout: while it lasts, nobody else makes the same call. */
const leaseMs = 15_000;
const capPauseMs = 10 * 60_000;

/** A listing may say more than that it is there; mail's does not. */
type Found = { vendorId: string } & Partial<FoundSms>;

type Posting<T> = {
  request: Omit<ClaimRequest, 'id' | 'fence' | 'leaseMs' | 'repost' | 'message'>;
  message: Omit<NonNullable<ClaimRequest['message']>, 'createdAt'> | null;
  call: (effectId: string) => Promise<{ vendorId: string | null; result: T }>;
  /** Looks at the vendor for what was perhaps posted; absent for keyed vendors, which are simply asked again. */
  find?: (effect: EffectRow) => Promise<Found | null>;
};

export function createEffects(deps: Deps): Effects {
  const { sms, email, vault } = deps;
  return {
    sms: (run, r) =>
      post<null>(deps, run, {
        request: {
          key: r.key,
          vendor: sms.vendor,
          kind: 'sms',
          organizationId: r.organizationId,
          unlockId: r.unlockId,
          repeatable: false,
          line: { phoneId: r.phoneId, ignoreOptOut: r.ignoreOptOut ?? false, capped: !r.uncapped },
        },
        message: {
          organizationId: r.organizationId,
          unlockId: r.unlockId,
          buyerId: r.buyerId,
          phoneId: r.phoneId,
          recipientKind: 'buyer',
          channel: 'sms',
          purpose: r.purpose,
          recipient: vault.seal(r.to),
          body: vault.seal(r.body),
        },
        call: async (id) => {
          const sent = await sms.send({
            to: r.to,
            body: r.body,
            reference: id,
            statusCallbackUrl: `${deps.statusCallbackBase}/${id}`,
          });
          return { vendorId: sent.vendorId, result: null };
        },
        find: (effect) =>
          sms.find({
            to: r.to,
            body: r.body,
            reference: effect.id,
            since: new Date(effect.claimedAt.getTime() - 60_000),
          }),
      }),
    email: (run, r) =>
      post<null>(deps, run, {
        request: {
          key: r.key,
          vendor: email.vendor,
          kind: 'email',
          organizationId: r.organizationId,
          unlockId: r.unlockId,
          repeatable: false,
          line: null,
        },
        message: {
          organizationId: r.organizationId,
          unlockId: r.unlockId,
          buyerId: r.buyerId,
          phoneId: null,
          recipientKind: r.recipientKind,
          channel: 'email',
          purpose: r.purpose,
          recipient: vault.seal(r.to),
          body: vault.seal(`${r.subject}\n\n${r.text}`),
        },
        call: async (id) => {
          const sent = await email.send({ to: r.to, subject: r.subject, text: r.text, reference: id });
          return { vendorId: sent.vendorId, result: null };
        },
        find: (effect) =>
          email.find({
            to: r.to,
            reference: effect.id,
            since: new Date(effect.claimedAt.getTime() - 60_000),
          }),
      }),
    keyed: (run, r) =>
      post(deps, run, {
        request: {
          key: r.key,
          vendor: r.vendor,
          kind: r.kind,
          organizationId: r.organizationId,
          unlockId: r.unlockId,
          repeatable: true,
          line: null,
        },
        message: null,
        call: () => r.call(r.key),
      }),
  };
}

async function post<T>(
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
    return callVendor(deps, posting, { key: posting.request.key, id: claim.id, fence }, attempt);
  }
  return refusedOrExisting(deps, run, posting, claim);
}

async function callVendor<T>(
  deps: Deps,
  posting: Posting<T>,
  claim: { key: string; id: string; fence: string },
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
    const { vendorId, result } = await posting.call(claim.id);
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

async function refusedOrExisting<T>(
  deps: Deps,
  run: EffectRun,
  posting: Posting<T>,
  claim: Exclude<Claim, { kind: 'claimed' }>,
): Promise<EffectResult<T>> {
  switch (claim.kind) {
    case 'opted_out':
    case 'bad_number':
      return { state: 'refused', code: claim.kind };
    case 'capped':
      return wait(capPauseMs, 'the SMS spend cap is reached');
    case 'fence_lost':
      return wait(1_000, 'another run holds this work');
    case 'exists':
      return existing(deps, run, posting, claim.effect);
  }
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
    return wait(effect.leaseLeftMs + 50, 'another run is making this call');
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
  const found = await posting.find(effect);
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
