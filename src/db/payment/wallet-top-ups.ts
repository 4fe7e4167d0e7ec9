import { type SQL, sql } from 'drizzle-orm';
import { openTopUpStates, type TopUpKind, type TopUpState } from '../../domain/payment/wallet.ts';
import { subjects } from '../../events/subjects.ts';
import type { Queryable, Tx } from '../client.ts';
import { type Change, commitChange, type Part, run } from '../commit.ts';

/** Money on its way into a wallet, with the card and the customer that pay. Amounts in cents. */
export type TopUp = {
  id: string;
  organizationId: string;
  buyerId: string;
  kind: TopUpKind;
  state: TopUpState;
  amountMinor: number;
  currency: string;
  /** Stripe's id of the card; null on Stripe's page. */
  card: string | null;
  paymentIntent: string | null;
  attempts: number;
  nextAttemptAt: Date | null;
  declineCode: string | null;
  customerId: string | null;
  /** A charge of it is booked. */
  isBooked: boolean;
  createdAt: Date;
};

const columns =
  sql.raw(`t.id, t.organization_id AS "organizationId", t.buyer_id AS "buyerId", t.kind, t.state, t.amount_minor::float8 AS "amountMinor",
  t.currency, c.stripe_id AS card, t.payment_intent AS "paymentIntent", t.attempts, t.next_attempt_at AS "nextAttemptAt",
  t.decline_code AS "declineCode", w.customer_id AS "customerId", t.created_at AS "createdAt",
  EXISTS (SELECT 1 FROM payments y WHERE y.purpose = 'top_up' AND y.subject_id = t.id AND y.kept) AS "isBooked"`);

const from = sql.raw(
  'FROM top_ups t JOIN wallets w ON w.buyer_id = t.buyer_id LEFT JOIN payment_methods c ON c.id = t.payment_method_id',
);

export async function findTopUp(db: Queryable, id: string): Promise<TopUp | null> {
  const [row] = await run<TopUp>(db, sql`SELECT ${columns} ${from} WHERE t.id = ${id}::uuid`);
  return row ?? null;
}

/** The recharge of a wallet that has not ended. */
export async function findOpenRecharge(db: Queryable, buyerId: string): Promise<TopUp | null> {
  const [row] = await run<TopUp>(
    db,
    sql`SELECT ${columns} ${from} WHERE t.buyer_id = ${buyerId}::uuid AND t.kind = 'recharge' AND t.ended_at IS NULL`,
  );
  return row ?? null;
}

export type TopUpOwner = Pick<TopUp, 'id' | 'organizationId' | 'buyerId'>;

/** The top-up of a charge, by its booked payment or by what the charge says of itself. */
export async function findChargedTopUp(
  db: Queryable,
  { paymentIntent, topUpId }: { paymentIntent: string; topUpId: string | null },
): Promise<TopUpOwner | null> {
  const [row] = await run<TopUpOwner>(
    db,
    sql`SELECT t.id, t.organization_id AS "organizationId", t.buyer_id AS "buyerId" FROM top_ups t
      WHERE t.id = coalesce((SELECT y.subject_id FROM payments y WHERE y.payment_intent = ${paymentIntent} AND y.purpose = 'top_up'), ${topUpId}::uuid)`,
  );
  return row ?? null;
}

type Step = {
  state: TopUpState;
  /** Stripe has answered a charge for good, so that the next one has a new key. */
  counts?: boolean;
  paymentIntent?: string | null;
  declineCode?: string | null;
  retryInMs?: number;
};

/**
 * Guard that moves a top-up which is still as it was read. Zero rows: another run moved it, or booked its charge.
 */
export function moveTopUp(topUp: TopUp, step: Step): (held: SQL) => SQL {
  const isOpen = openTopUpStates.some((state) => state === step.state);
  return (held) => sql`UPDATE top_ups SET state = ${step.state}::text, updated_at = now(),
      attempts = attempts + ${step.counts ? 1 : 0}::integer,
      payment_intent = coalesce(${step.paymentIntent ?? null}::text, payment_intent),
      decline_code = coalesce(${step.declineCode ?? null}::text, decline_code),
      next_attempt_at = now() + make_interval(secs => ${step.retryInMs === undefined ? null : step.retryInMs / 1000}::float8),
      ended_at = ${isOpen ? sql`NULL` : sql`now()`}
    WHERE id = ${topUp.id}::uuid AND state = ${topUp.state}::text AND attempts = ${topUp.attempts}::integer AND ${held} RETURNING id`;
}

/** Stops auto-recharge of a wallet until a card is added or auto-recharge is switched on again. */
export const stopRecharge = (buyerId: string, reason: string): Part => ({
  name: 'stopped',
  statement: (when) =>
    sql`UPDATE wallets SET recharge_stopped_at = coalesce(recharge_stopped_at, now()), recharge_stop_reason = ${reason}::text, updated_at = now()
      WHERE buyer_id = ${buyerId}::uuid AND ${when}`,
});

/** A recharge ends before it was paid: its payment is canceled at Stripe as well, where it could still be confirmed. */
export const cancelRecharge = (topUp: TopUp): Change => ({
  guard: moveTopUp(topUp, { state: 'canceled' }),
  events:
    topUp.paymentIntent === null
      ? []
      : [
          {
            type: 'wallet.recharge_canceled',
            organizationId: topUp.organizationId,
            subject: subjects.top_up(topUp.id),
            data: { topUpId: topUp.id, buyerId: topUp.buyerId },
          },
        ],
});

/**
 * Ends a recharge that waits for another attempt or for its cardholder: what it was opened for has changed. Its event is
 * left to the sweeper.
 */
export async function cancelWaiting(
  tx: Tx,
  buyerId: string,
  states: readonly TopUpState[] = ['needs_action', 'retrying'],
): Promise<void> {
  const waiting = await findOpenRecharge(tx, buyerId);
  if (!waiting || !states.includes(waiting.state)) return;
  await commitChange(tx, cancelRecharge(waiting), { visibilityMs: 0, isFull: () => true });
}

/**
 * Has a declined recharge repeated with this card, unless an attempt with the former card has begun: that attempt may have
 * been made, and is asked for again as it was.
 */
export async function repeatWith(
  db: Queryable,
  topUp: TopUp,
  cardId: string,
  attempt: string,
): Promise<void> {
  await run(
    db,
    sql`UPDATE top_ups SET payment_method_id = ${cardId}::uuid, updated_at = now() WHERE id = ${topUp.id}::uuid AND state = 'retrying'
      AND attempts = ${topUp.attempts}::integer AND NOT EXISTS (SELECT 1 FROM effects e WHERE e.key = ${attempt}::text)`,
  );
}

export type NewTopUp = {
  id: string;
  organizationId: string;
  buyerId: string;
  kind: Exclude<TopUpKind, 'recharge'>;
  amountMinor: number;
  currency: string;
  paymentMethodId: string | null;
};

export const insertTopUp = (topUp: NewTopUp): Part => ({
  name: 'top_up',
  statement: (
    when,
  ) => sql`INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency, payment_method_id)
    SELECT ${topUp.id}::uuid, ${topUp.organizationId}::uuid, ${topUp.buyerId}::uuid, ${topUp.kind}::text, 'open', ${topUp.amountMinor}::bigint,
      ${topUp.currency}::text, ${topUp.paymentMethodId}::uuid WHERE ${when}`,
});
