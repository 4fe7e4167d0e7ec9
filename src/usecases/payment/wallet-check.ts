import type { PaymentGateway, VerifiedStripeEvent } from '../../adapters/payments.ts';
import type { Queryable } from '../../db/client.ts';
import {
  bookedAmong,
  findContradictions,
  keptCharges,
  type LedgerFinding,
} from '../../db/payment/wallet-check.ts';
import { insertAlertOnce, resolveAlerts } from '../../db/transport/alerts.ts';
import { findCursor, moveCursor } from '../../db/transport/event-cursors.ts';
import { alert } from '../../domain/messaging/alerts.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

/** What was captured so long ago at least must be booked. */
const bookingGraceMs = 15 * 60_000;
/** How far back Stripe's list is compared. */
const comparedMs = 24 * 3_600_000;

/**
 * Compares balances, journals, debits and credits with each other, and the charges of the last day with Stripe's own list
 * when a gateway is given. Returns everything that does not agree.
 */
export async function checkLedger(
  db: Queryable,
  stripe: { payments: Pick<PaymentGateway, 'listEvents'>; now: Date } | null,
): Promise<LedgerFinding[]> {
  const found = await findContradictions(db);
  return stripe ? [...found, ...(await compareWithStripe(db, stripe.payments, stripe.now))] : found;
}

async function compareWithStripe(
  db: Queryable,
  payments: Pick<PaymentGateway, 'listEvents'>,
  now: Date,
): Promise<LedgerFinding[]> {
  const since = new Date(now.getTime() - comparedMs);
  const settledBy = new Date(now.getTime() - bookingGraceMs);
  const listed = new Map<string, number>();
  const settled = new Set<string>();
  for (const event of await payments.listEvents(['payment_intent.succeeded'], since)) {
    const charge = topUpOf(event);
    if (!charge) continue;
    listed.set(charge.paymentIntent, charge.amountMinor);
    if (event.created <= settledBy) settled.add(charge.paymentIntent);
  }
  const booked = await bookedAmong(db, [...settled]);
  const missing = [...settled].filter((paymentIntent) => !booked.has(paymentIntent));
  // An event may be listed a little later than what it is about, and charges go on while the list is read.
  const kept = await keptCharges(db, { from: new Date(since.getTime() + bookingGraceMs), to: settledBy });
  const differing = [...kept].filter(([paymentIntent, amount]) => listed.get(paymentIntent) !== amount);
  return [
    ...missing.map((paymentIntent) => ({
      rule: 'stripe' as const,
      subject: paymentIntent,
      detail: `captured ${listed.get(paymentIntent)} at Stripe, not booked`,
    })),
    ...differing.map(([paymentIntent, amount]) => ({
      rule: 'stripe' as const,
      subject: paymentIntent,
      detail: `booked ${amount}, Stripe lists ${listed.get(paymentIntent) ?? 'nothing'}`,
    })),
  ];
}

function topUpOf({ object }: VerifiedStripeEvent): { paymentIntent: string; amountMinor: number } | null {
  const metadata = object.metadata as Record<string, unknown> | null | undefined;
  const { id, amount_received } = object;
  if (metadata?.kind !== 'top_up' || typeof id !== 'string' || typeof amount_received !== 'number')
    return null;
  return { paymentIntent: id, amountMinor: amount_received };
}

type Deps = Pick<Runtime, 'db' | 'relay' | 'payments' | 'config' | 'selfCheck' | 'log'>;

/** Alerts of this check begin with it. */
export const ledgerAlert = 'unwell-ledger/';

/** Checks the ledger, raises an alert about what does not agree, and resolves it once all agrees. */
export async function watchLedger({ db, relay, payments, config, selfCheck, log }: Deps): Promise<void> {
  const now = selfCheck.now();
  const last = await findCursor(db, 'ledger');
  // Another process has just checked it.
  if (last && now.getTime() - last.getTime() < config.timings.ledgerCheckEveryMs / 2) return;
  const found = await checkLedger(db.reader, { payments, now });
  await moveCursor(db, 'ledger', now);
  if (found.length === 0) return resolveAlerts(db, [ledgerAlert]);
  const [first] = found;
  const reason = `The ledger does not agree in ${found.length} places; the first: ${first!.subject} (${first!.rule}): ${first!.detail}. Run leadgate ledger check.`;
  log.error({ found: found.length, first }, 'the ledger does not agree');
  const key = `${ledgerAlert}${now.toISOString().slice(0, 13)}`;
  const subject = subjects.installation('ledger');
  await relay.commit({
    guard: () =>
      insertAlertOnce(
        { key, organizationId: null, subject, ...alert('installation_unwell', { check: 'ledger', reason }) },
        ledgerAlert,
      ),
    events: [
      { type: 'installation.unwell', organizationId: null, subject, data: { key, code: 'ledger', reason } },
    ],
  });
}
