import { sql } from 'drizzle-orm';
import { subjects } from '../../events/subjects.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import {
  type Change,
  type CommitOptions,
  type CommitResult,
  commitChange,
  type Part,
  run,
} from '../commit.ts';
import { answerPart, type IdempotencyKey } from '../transport/idempotency.ts';
import { closeSession } from './sessions.ts';
import { isCharge, openTotal, totalOf, type WalletLimits, zoneOfBuyer } from './wallet-recharge.ts';
import { insertTopUp, moveTopUp, type NewTopUp, type TopUp } from './wallet-top-ups.ts';

/** Why no top-up was begun: more than a buyer may add in a day, or than a wallet may hold. */
export type OverLimit = 'day' | 'balance';

export type Begun =
  | { kind: 'begun'; publish: CommitResult['publish'] }
  /** The same amount of the same card is being charged, or was a moment ago: it is the same request. */
  | { kind: 'repeated'; topUpId: string }
  | { kind: 'over_limit'; limit: OverLimit };

type Begin = {
  topUp: NewTopUp;
  limits: WalletLimits;
  /** Null when the request has none: then a repetition is known by its amount and card. */
  key: IdempotencyKey | null;
  /** When it is looked up, in case its answer and its event are lost. */
  lookUpInMs: number;
};

/**
 * A request without a key is a repetition, such as a double click, while a charge of the same amount and card is undecided,
 * and for this long after one that was paid was begun.
 */
const repetitionSeconds = 10;

/**
 * Stores a top-up before it is charged, with the request's Idempotency-Key. Those of one wallet take turns, so that
 * neither a repeated request nor two at once exceed a limit. Throws the violation of a used key.
 */
export function beginTopUp(
  db: Pick<Database, 'withTx'>,
  { topUp, limits, key, lookUpInMs }: Begin,
  options: CommitOptions,
): Promise<Begun> {
  return db.withTx(async (tx) => {
    await run(tx, sql`SELECT 1 FROM wallets WHERE buyer_id = ${topUp.buyerId}::uuid FOR NO KEY UPDATE`);
    const repeated = key === null ? await findRepetition(tx, topUp) : null;
    if (repeated !== null) return { kind: 'repeated', topUpId: repeated };
    const limit = await limitReached(tx, topUp, limits);
    if (limit !== null) return { kind: 'over_limit', limit };
    const data = { topUpId: topUp.id, buyerId: topUp.buyerId };
    const { publish } = await commitChange(
      tx,
      {
        writes: [insertTopUp(topUp), ...(key ? [answerPart(key, 200, { topUpId: topUp.id })] : [])],
        events: [
          {
            type: 'wallet.top_up_opened',
            organizationId: topUp.organizationId,
            subject: subjects.top_up(topUp.id),
            data,
            dueInMs: lookUpInMs,
          },
        ],
      },
      options,
    );
    return { kind: 'begun', publish };
  });
}

async function findRepetition(tx: Tx, { buyerId, kind, amountMinor, paymentMethodId }: NewTopUp) {
  if (kind !== 'card') return null;
  const [row] = await run<{ id: string }>(
    tx,
    sql`SELECT id FROM top_ups WHERE buyer_id = ${buyerId}::uuid AND kind = 'card' AND amount_minor = ${amountMinor}::bigint
        AND payment_method_id = ${paymentMethodId}::uuid AND (ended_at IS NULL
          OR state = 'paid' AND created_at > now() - make_interval(secs => ${repetitionSeconds}::float8))
      ORDER BY created_at DESC LIMIT 1`,
  );
  return row?.id ?? null;
}

async function limitReached(
  tx: Tx,
  { buyerId, amountMinor }: NewTopUp,
  { mostPerDayMinor, mostBalanceMinor }: WalletLimits,
): Promise<OverLimit | null> {
  const [row] = await run<{ limit: OverLimit | null }>(
    tx,
    sql`SELECT CASE WHEN ${dayTotal} + ${amountMinor}::bigint > ${mostPerDayMinor}::bigint THEN 'day'
        WHEN w.balance_minor + ${openTotal} + ${amountMinor}::bigint > ${mostBalanceMinor}::bigint THEN 'balance' END AS limit
      FROM wallets w JOIN buyers b ON b.id = w.buyer_id WHERE w.buyer_id = ${buyerId}::uuid`,
  );
  return row?.limit ?? null;
}

const dayTotal = totalOf(
  sql`t.created_at >= date_trunc('day', now() AT TIME ZONE ${zoneOfBuyer}) AT TIME ZONE ${zoneOfBuyer} AND ${isCharge}`,
);
/** The page at Stripe on which a top-up is paid. */
export const storeSession = (
  topUpId: string,
  session: { id: string; url: string | null; expiresAt: Date },
): Part => ({
  name: 'session_opened',
  statement: (
    when,
  ) => sql`INSERT INTO checkout_sessions (purpose, subject_id, number, id, state, url, expires_at)
    SELECT 'top_up', ${topUpId}::uuid, 1, ${session.id}::text, 'open', ${session.url}::text, ${session.expiresAt}::timestamptz
    WHERE ${when} ON CONFLICT DO NOTHING`,
});

/** The session of a top-up. Returns null when Stripe's answer was lost: its page was never shown. */
export async function findTopUpSession(db: Queryable, topUpId: string): Promise<string | null> {
  const [row] = await run<{ id: string }>(
    db,
    sql`SELECT id FROM checkout_sessions WHERE purpose = 'top_up' AND subject_id = ${topUpId}::uuid AND id IS NOT NULL`,
  );
  return row?.id ?? null;
}

/** The pages at Stripe on which a buyer may still pay, the oldest first. */
export function findOpenPages(
  db: Queryable,
  buyerId: string,
): Promise<{ topUpId: string; sessionId: string }[]> {
  return run(
    db,
    sql`SELECT t.id AS "topUpId", s.id AS "sessionId" FROM top_ups t JOIN checkout_sessions s ON s.purpose = 'top_up' AND s.subject_id = t.id
      WHERE t.buyer_id = ${buyerId}::uuid AND t.kind = 'checkout' AND t.state = 'open' AND s.id IS NOT NULL
        AND t.created_at > now() - interval '1 day' ORDER BY t.created_at LIMIT 100`,
  );
}

/** Ends a top-up whose page takes no more money. */
export const endPage = (topUp: TopUp, sessionId: string): Change => ({
  guard: moveTopUp(topUp, { state: 'canceled' }),
  writes: [closeSession(sessionId, 'expired')],
});
