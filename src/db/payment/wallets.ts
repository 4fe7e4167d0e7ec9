import { sql } from 'drizzle-orm';
import { type WalletTransactionType, walletCurrency } from '../../domain/payment/wallet.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import { run } from '../commit.ts';
import { changePartyBuyer } from '../marketplace/buyers.ts';
import { rearm } from './wallet-cards.ts';

/** A buyer's wallet with what the buyer set, and where it is reached. Amounts in cents. */
export type Wallet = {
  buyerId: string;
  organizationId: string;
  currency: string;
  balanceMinor: number;
  disputedMinor: number;
  debtMinor: number;
  customerId: string | null;
  rechargeStoppedAt: Date | null;
  rechargeStopReason: string | null;
  autoRechargeEnabled: boolean;
  autoRechargeThresholdMinor: number | null;
  autoRechargeAmountMinor: number | null;
  active: boolean;
  name: string;
  /** Of the person who signs in for the buyer, else of the buyer; null when it has none. */
  email: string | null;
  userId: string | null;
  language: string;
  sellerName: string;
};

const columns =
  sql.raw(`b.id AS "buyerId", b.organization_id AS "organizationId", coalesce(w.currency, '${walletCurrency}') AS currency,
  coalesce(w.balance_minor, 0)::float8 AS "balanceMinor", coalesce(w.disputed_minor, 0)::float8 AS "disputedMinor",
  coalesce(w.debt_minor, 0)::float8 AS "debtMinor", w.customer_id AS "customerId", w.recharge_stopped_at AS "rechargeStoppedAt",
  w.recharge_stop_reason AS "rechargeStopReason", b.auto_recharge_enabled AS "autoRechargeEnabled",
  b.auto_recharge_threshold_minor::float8 AS "autoRechargeThresholdMinor", b.auto_recharge_amount_minor::float8 AS "autoRechargeAmountMinor",
  b.active = 'active' AS active, coalesce(p.name, b.company_name, b.name, '') AS name, coalesce(p.email, b.email) AS email,
  b.user_id AS "userId", coalesce(b.language, o.language) AS language, o.name AS "sellerName"`);

/** Returns an empty wallet for a buyer that has none yet, and null when the organization has no such buyer. */
export async function findWallet(
  db: Queryable,
  organizationId: string,
  buyerId: string,
): Promise<Wallet | null> {
  const [row] = await run<Wallet>(
    db,
    sql`SELECT ${columns} FROM buyers b JOIN organizations o ON o.id = b.organization_id
      LEFT JOIN wallets w ON w.buyer_id = b.id LEFT JOIN users p ON p.id = b.user_id
      WHERE b.organization_id = ${organizationId}::uuid AND b.id = ${buyerId}::uuid`,
  );
  return row ?? null;
}

/** Makes the wallet of a buyer unless it has one. */
export async function ensureWallet(db: Queryable, organizationId: string, buyerId: string): Promise<void> {
  await run(
    db,
    sql`INSERT INTO wallets (buyer_id, organization_id, currency)
      VALUES (${buyerId}::uuid, ${organizationId}::uuid, ${walletCurrency}) ON CONFLICT DO NOTHING`,
  );
}

/** Stores Stripe's customer of a wallet, once. */
export async function keepCustomer(db: Queryable, buyerId: string, customerId: string): Promise<void> {
  await run(
    db,
    sql`UPDATE wallets SET customer_id = ${customerId}, updated_at = now() WHERE buyer_id = ${buyerId}::uuid AND customer_id IS NULL`,
  );
}

/** The buyer whose wallet Stripe's customer pays for. Returns null for a customer of other systems. */
export async function findCustomer(
  db: Queryable,
  customerId: string,
): Promise<{ buyerId: string; organizationId: string } | null> {
  const [row] = await run<{ buyerId: string; organizationId: string }>(
    db,
    sql`SELECT buyer_id AS "buyerId", organization_id AS "organizationId" FROM wallets WHERE customer_id = ${customerId}`,
  );
  return row ?? null;
}

export type WalletTransaction = {
  id: string;
  buyerId: string;
  type: WalletTransactionType;
  amountMinor: number;
  balanceBeforeMinor: number;
  balanceAfterMinor: number;
  description: string;
  unlockId: string | null;
  paymentIntent: string | null;
  createdAt: Date;
};

const transactionColumns = sql.raw(`id, buyer_id AS "buyerId", type, amount_minor::float8 AS "amountMinor",
  balance_before_minor::float8 AS "balanceBeforeMinor", balance_after_minor::float8 AS "balanceAfterMinor", description,
  unlock_id AS "unlockId", payment_intent AS "paymentIntent", created_at AS "createdAt"`);

/** The newest first. */
export async function listTransactions(
  db: Queryable,
  buyerId: string,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ rows: WalletTransaction[]; total: number }> {
  const of = sql`FROM wallet_transactions WHERE buyer_id = ${buyerId}::uuid`;
  const [rows, [counted]] = await Promise.all([
    run<WalletTransaction>(
      db,
      sql`SELECT ${transactionColumns} ${of} ORDER BY created_at DESC, id DESC LIMIT ${limit}::integer OFFSET ${offset}::integer`,
    ),
    run<{ total: number }>(db, sql`SELECT count(*)::int AS total ${of}`),
  ]);
  return { rows, total: counted!.total };
}

/** The credit of a charge. Returns null before it is booked. */
export async function findCredit(db: Queryable, paymentIntent: string): Promise<WalletTransaction | null> {
  const [row] = await run<WalletTransaction>(
    db,
    sql`SELECT ${transactionColumns} FROM wallet_transactions
      WHERE payment_intent = ${paymentIntent} AND type IN ('CREDIT', 'AUTO_RECHARGE') ORDER BY created_at, id LIMIT 1`,
  );
  return row ?? null;
}

/**
 * Locks a wallet for the transaction. Returns null for a buyer without one. The lock lets rows that refer to the wallet in, so that
 * a recharge that another change opens does not wait for it.
 */
export async function lockWallet(
  tx: Tx,
  buyerId: string,
): Promise<Pick<Wallet, 'balanceMinor' | 'disputedMinor'> | null> {
  const [row] = await run<Pick<Wallet, 'balanceMinor' | 'disputedMinor'>>(
    tx,
    sql`SELECT balance_minor::float8 AS "balanceMinor", disputed_minor::float8 AS "disputedMinor" FROM wallets
      WHERE buyer_id = ${buyerId}::uuid FOR NO KEY UPDATE`,
  );
  return row ?? null;
}

/**
 * Changes the given settings of a buyer. Auto-recharge that stopped itself is armed again when it is switched off and on; a
 * recharge that waits is given up when it is switched off. Returns false when the organization has no such buyer.
 */
export async function changeBuyerSettings(
  db: Pick<Database, 'withTx'>,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
  settings: Parameters<typeof changePartyBuyer>[3],
  actor: string,
): Promise<boolean> {
  return db.withTx(async (tx) => {
    await lockWallet(tx, buyerId);
    const found = await changePartyBuyer(tx, organizationId, buyerId, settings, { actor });
    if (found && settings.autoRechargeEnabled === false) await rearm(tx, buyerId);
    return found;
  });
}
