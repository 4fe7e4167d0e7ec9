import { findCursor, moveCursor } from '../../db/transport/event-cursors.ts';
import { reversalEventTypes, walletEventTypes } from '../../domain/payment/stripe-facts.ts';
import type { Runtime } from '../runtime.ts';
import { receiveStripeEvent } from './receive-event.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'payments' | 'config' | 'selfCheck' | 'log'>;

/** How far Stripe's list goes back. */
const listedMs = 30 * 24 * 3_600_000;
/** Read again each time: an event may be listed a little after its own time. */
const overlapMs = 3_600_000;

/**
 * Reads Stripe's own list of events about refunds, disputes and wallets since the last reading, and receives those whose webhook
 * never came. Sessions are not read here: each is polled until it has ended.
 */
export async function readMissedEvents(deps: Deps): Promise<void> {
  const { db, payments, config, selfCheck, log } = deps;
  const now = selfCheck.now();
  const readUntil = await findCursor(db, 'stripe');
  // Another process has just read it.
  if (readUntil && now.getTime() - readUntil.getTime() < config.timings.missedEventsEveryMs / 2) return;
  const since = readUntil ? readUntil.getTime() - overlapMs : now.getTime() - listedMs;
  let missed = 0;
  // Read apart: one list is cut off at its most recent events.
  for (const types of [reversalEventTypes, walletEventTypes])
    for (const event of await payments.listEvents(types, new Date(since)))
      if (event.account === null && (await receiveStripeEvent(deps, event, null))) missed += 1;
  await moveCursor(db, 'stripe', now);
  if (missed > 0) log.info({ missed }, 'read Stripe events whose webhook had not come');
}
