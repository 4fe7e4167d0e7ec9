import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { run } from '../commit.ts';

/** What the ledger must hold, as queries for what contradicts it. Each reads whole tables: call them rarely, on a reader. */
const rules = {
  /** Of wallets, the running balance, the entries of their account and their transactions must agree. */
  wallet_balance: sql`SELECT coalesce('wallet:' || w.buyer_id, e.account) AS subject,
      'balance ' || coalesce(w.balance_minor, 0) || ', entries ' || coalesce(-e.amount, 0) || ', transactions ' || coalesce(t.amount, 0) AS detail
    FROM wallets w
    FULL JOIN (SELECT account, sum(amount_minor) AS amount FROM journal_entries WHERE account LIKE 'wallet:%' GROUP BY account) e
      ON e.account = 'wallet:' || w.buyer_id
    LEFT JOIN (SELECT buyer_id, sum(amount_minor) AS amount FROM wallet_transactions GROUP BY buyer_id) t ON t.buyer_id = w.buyer_id
    WHERE coalesce(w.balance_minor, 0) <> coalesce(-e.amount, 0) OR coalesce(w.balance_minor, 0) <> coalesce(t.amount, 0)`,
  /** Below zero only by what went back after it was spent. */
  wallet_debt: sql`SELECT 'wallet:' || buyer_id AS subject, 'balance ' || balance_minor || ', debt ' || debt_minor AS detail
    FROM wallets WHERE debt_minor <> greatest(-balance_minor, 0)`,
  journal_balance: sql`SELECT j.key AS subject, e.currency || ' ' || e.amount AS detail
    FROM (SELECT journal_id, currency, sum(amount_minor) AS amount FROM journal_entries GROUP BY journal_id, currency
      HAVING sum(amount_minor) <> 0) e JOIN journals j ON j.id = e.journal_id`,
  /** One debit per assignment that was paid from a wallet, of its price. */
  assignment_debit: sql`SELECT 'unlock:' || u.id AS subject, coalesce(d.debits, 0) || ' debits of ' || coalesce(d.amount, 0) || ', price ' || u.price_minor AS detail
    FROM lead_unlocks u
    LEFT JOIN (SELECT unlock_id, count(*) AS debits, sum(amount_minor) AS amount FROM wallet_transactions
      WHERE type = 'DEBIT' AND unlock_id IS NOT NULL GROUP BY unlock_id) d ON d.unlock_id = u.id
    WHERE u.paid_by = 'wallet' AND (coalesce(d.debits, 0) <> 1 OR d.amount <> -u.price_minor)`,
  /** One credit per charge that was captured and kept, of its amount. */
  charge_credit: sql`SELECT 'payment:' || y.id AS subject, coalesce(c.credits, 0) || ' credits of ' || coalesce(c.amount, 0) || ', captured ' || y.amount_minor AS detail
    FROM payments y
    LEFT JOIN (SELECT payment_intent, count(*) AS credits, sum(amount_minor) AS amount FROM wallet_transactions
      WHERE description IN ('Wallet recharge', 'Wallet auto-recharge') GROUP BY payment_intent) c ON c.payment_intent = y.payment_intent
    WHERE y.purpose = 'top_up' AND y.kept AND (coalesce(c.credits, 0) <> 1 OR c.amount <> y.amount_minor)`,
  open_recharges: sql`SELECT 'wallet:' || buyer_id AS subject, count(*) || ' open recharges' AS detail
    FROM top_ups WHERE kind = 'recharge' AND ended_at IS NULL GROUP BY buyer_id HAVING count(*) > 1`,
} satisfies Record<string, SQL>;

export type LedgerRule = keyof typeof rules;
/** `subject`: the wallet, journal, unlock or payment that contradicts the rule. */
export type LedgerFinding = { rule: LedgerRule | 'stripe'; subject: string; detail: string };

const mostOfEach = 100;

/** Everything that contradicts a rule; the first hundred of each. */
export async function findContradictions(db: Queryable): Promise<LedgerFinding[]> {
  const found: LedgerFinding[] = [];
  for (const [rule, query] of Object.entries(rules))
    for (const row of await run<{ subject: string; detail: string }>(
      db,
      sql`${query} LIMIT ${mostOfEach}::integer`,
    ))
      found.push({ rule: rule as LedgerRule, ...row });
  return found;
}

/** The charges of top-ups that are kept, by payment intent, booked in that time. */
export async function keptCharges(
  db: Queryable,
  { from, to }: { from: Date; to: Date },
): Promise<Map<string, number>> {
  const rows = await run<{ paymentIntent: string; amountMinor: number }>(
    db,
    sql`SELECT payment_intent AS "paymentIntent", amount_minor AS "amountMinor" FROM payments
      WHERE purpose = 'top_up' AND kept AND created_at BETWEEN ${from}::timestamptz AND ${to}::timestamptz`,
  );
  return new Map(rows.map(({ paymentIntent, amountMinor }) => [paymentIntent, amountMinor]));
}

/** Those of these payment intents whose charge is booked. */
export async function bookedAmong(db: Queryable, paymentIntents: readonly string[]): Promise<Set<string>> {
  const rows = await run<{ paymentIntent: string }>(
    db,
    sql`SELECT payment_intent AS "paymentIntent" FROM payments WHERE payment_intent = ANY(${sql.param([...paymentIntents])}::text[])`,
  );
  return new Set(rows.map(({ paymentIntent }) => paymentIntent));
}
