import { setTimeout as delay } from 'node:timers/promises';
import type { CheckoutSession } from '../../adapters/payments.ts';
import {
  beginCheckout,
  type Checkout,
  endCheckout,
  findCheckout,
  openCheckout,
} from '../../db/payment/checkout.ts';
import { findUnlock, type UnlockView } from '../../db/unlock/unlocks.ts';
import { PermanentError, TransientError } from '../../domain/errors.ts';
import { maskLinks } from '../../domain/lead/links.ts';
import { oneLine } from '../../domain/plain-text.ts';
import { payView } from '../../domain/unlock/pay-view.ts';
import type { Cause, EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'payments' | 'links' | 'config' | 'selfCheck'>;

export type CheckoutResult =
  | { kind: 'open'; url: string }
  /** The session is complete at Stripe; its payment is being booked. */
  | { kind: 'confirming' }
  /** A payment has arrived and is held for a check. */
  | { kind: 'held' }
  /** Stripe refuses to take this payment, and would refuse it again. An operator is alerted. */
  | { kind: 'refused' }
  /** The offer ended. */
  | { kind: 'closed' };

/** A session this close to its end is no longer given out. */
const lastMomentMs = 15_000;
/** Time that must be left for a session whose creation was retried: the original may have ended by now. */
const surelyOpenMs = 60_000;

/**
 * Returns the one open Checkout Session of an unlock, created or reused. The row is written before the request to
 * Stripe and determines the idempotency key, so a retry after a crash gets the same session, and so do concurrent
 * callers. A successor is created only once Stripe reports the previous one as expired. `asRead`: the unlock as this
 * request has just read it; a new row is inserted only while it can still be paid for. Throws what the payment gateway
 * throws.
 */
export async function openCheckoutSession(
  deps: Deps,
  asRead: UnlockView,
  cause: Cause | null,
): Promise<CheckoutResult> {
  const unlockId = asRead.id;
  // Each round either returns or changes the row it read: created, opened, ended, or lost to another request.
  for (let round = 0; round < 20; round += 1) {
    const unlock = round === 0 ? asRead : await findUnlock(deps.db, unlockId);
    if (!unlock || !isStillPayable(unlock, deps.selfCheck.now())) return { kind: 'closed' };
    // Most buttons are pressed once: the first row is inserted without a lookup.
    const begun = round === 0 ? await beginCheckout(deps.db, unlockId, 1) : null;
    let current = begun ?? (await findCheckout(deps.db, unlockId));
    if (current?.held) return { kind: 'held' };
    // Booked, and the unlock is still payable: its payment was refunded.
    if (!current || current.state === 'expired' || (current.state === 'complete' && current.booked)) {
      current = await beginCheckout(deps.db, unlockId, (current?.number ?? 0) + 1);
      if (!current) continue;
    }
    if (current.state === 'complete') return { kind: 'confirming' };
    if (current.state === 'creating') {
      const created = await create(deps, unlock, current, cause);
      if (created) return created;
      continue;
    }
    if (current.url && current.leftMs > lastMomentMs) return { kind: 'open', url: current.url };
    const ended = await checkAtStripe(deps, unlock, current);
    if (ended) return ended;
  }
  throw new TransientError('the checkout session changed too often', {
    vendor: 'stripe',
    code: 'conflict',
  });
}

/** `now`: by the database's clock, which also judges the session's row. */
function isStillPayable(unlock: UnlockView, now: Date): boolean {
  const facts = {
    status: unlock.state,
    reason: unlock.reason,
    ttlLeftMs: unlock.ttlExpiresAt.getTime() - now.getTime(),
  };
  return (
    payView(
      {
        ...facts,
        sold: unlock.soldSlots,
        maxSales: unlock.maxSales,
        refunded: false,
        refund: null,
        held: false,
      },
      false,
    ).kind === 'payable'
  );
}

/** Creates the session of a row at Stripe. Returns null when the row changed: read it again. */
async function create(
  deps: Deps,
  unlock: UnlockView,
  row: Checkout,
  cause: Cause | null,
): Promise<Extract<CheckoutResult, { kind: 'open' | 'refused' }> | null> {
  const { db, relay, payments, links, config } = deps;
  const page = links.url(unlock.id, unlock.tokenVersion);
  let session: CheckoutSession;
  try {
    session = await payments.createCheckout({
      idempotencyKey: `checkout-${unlock.id}-${row.number}`,
      amount: unlock.priceMinor,
      currency: unlock.currency,
      description: describe(unlock),
      expiresAt: row.expiresAt,
      successUrl: `${page}?from=checkout`,
      cancelUrl: page,
      receiptEmail: receiptAddress(unlock.buyerEmail),
      metadata: { kind: 'unlock', unlock_id: unlock.id, lead_id: unlock.leadPublicId },
    });
  } catch (error) {
    const now = await findCheckout(db, unlock.id);
    // Another request got the answer to the same key.
    if (now && (now.number !== row.number || now.state !== 'creating')) return null;
    if (error instanceof TransientError && error.code === 'conflict') {
      // Another request is using the same key right now: its answer is ours too.
      await delay(100);
      return null;
    }
    // Too old to be retried (it ends in less than 30 minutes), or the buyer's address for the receipt has changed since
    // the first request: the URL of the session was never given out.
    if (
      error instanceof PermanentError &&
      (error.code === 'key_reused' || (error.code === 'bad_request' && row.leftMs < 30 * 60_000))
    ) {
      await relay.commit({ writes: [endCheckout(unlock.id, row.number, 'expired')] }, { cause });
      return null;
    }
    if (!(error instanceof PermanentError)) throw error;
    await relay.commit({ events: [checkoutRefused(unlock, error)] }, { cause });
    return { kind: 'refused' };
  }
  if (!session.url)
    throw new TransientError('the checkout session has no URL', {
      vendor: 'stripe',
      code: 'unavailable',
    });
  const opened = { id: session.id, url: session.url };
  const open = (whilePayable: boolean) =>
    relay.commit(
      {
        guard: openCheckout(unlock.id, row.number, opened, whilePayable),
        events: [
          {
            type: 'checkout.opened',
            organizationId: unlock.organizationId,
            subject: subjects.unlock(unlock.id),
            data: { unlockId: unlock.id, sessionId: session.id },
            dueInMs: config.timings.reconcileAfterMs,
          },
        ],
      },
      { cause },
    );
  const enough = row.leftMs > surelyOpenMs;
  if ((await open(true)).moved) return enough ? { kind: 'open', ...opened } : null;
  // Ended during the creation, or opened by another request. What Stripe has made is stored in either case.
  const { moved } = await open(false);
  const stillOffered = !(await closeIfEnded(deps, unlock.id, row.number, session.id));
  return moved && stillOffered && enough ? { kind: 'open', ...opened } : null;
}

/** The row stays as it is: once the cause is corrected at Stripe, the same request may succeed. */
const checkoutRefused = (
  { id: unlockId, organizationId }: UnlockView,
  { vendorCode, code }: PermanentError,
): EventDraft => ({
  type: 'checkout.refused',
  organizationId,
  subject: subjects.unlock(unlockId),
  data: { unlockId, code: vendorCode ?? code },
});

/** Closes the new session when the offer ended during its creation: the run that closed the offer did not see it. */
async function closeIfEnded(
  deps: Deps,
  unlockId: string,
  number: number,
  sessionId: string,
): Promise<boolean> {
  const unlock = await findUnlock(deps.db, unlockId);
  if (unlock && isStillPayable(unlock, deps.selfCheck.now())) return false;
  const session = await deps.payments.expireCheckout(sessionId, `expire-${sessionId}`);
  if (session.status === 'expired') {
    await deps.relay.commit({ writes: [endCheckout(unlockId, number, 'expired')] });
  }
  return true;
}

/** Looks up a session that has ended by our clock; Stripe decides. Returns null when it expired: create its successor. */
async function checkAtStripe(deps: Deps, unlock: UnlockView, row: Checkout): Promise<CheckoutResult | null> {
  if (!row.id) return null;
  const session = await deps.payments.retrieveCheckout(row.id);
  if (session.status === 'complete') return { kind: 'confirming' };
  if (session.status === 'open') {
    const closed = await deps.payments.expireCheckout(row.id, `expire-${row.id}`);
    if (closed.status !== 'expired') return { kind: 'confirming' };
  }
  await deps.relay.commit({ writes: [endCheckout(unlock.id, row.number, 'expired')] });
  return null;
}

/** Public fields only, each reduced to one line. Masked again after the cut, which can make a link of a longer word. */
function describe(unlock: UnlockView): string {
  const what = maskLinks(oneLine(unlock.serviceType, 80)) || 'Client inquiry';
  const where = maskLinks(oneLine(unlock.city, 60));
  return `Client contact details: ${what}${where ? ` in ${where}` : ''} (Lead ${unlock.leadPublicId})`;
}

/**
 * Where Stripe sends the receipt. Returns null for an address that Stripe might refuse: it would refuse the whole checkout,
 * and a receipt must not cost the sale.
 */
export function receiptAddress(email: string | null): string | null {
  return email !== null && email.length <= 200 && /^[\w.%+-]{1,64}@(?:[a-z\d-]+\.)+[a-z]{2,}$/i.test(email)
    ? email
    : null;
}
