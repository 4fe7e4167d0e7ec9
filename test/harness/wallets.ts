import { v7 as uuidv7 } from 'uuid';
import type { MadeBuyer } from './market.ts';

type Installation = { rows<R>(text: string, values?: unknown[]): Promise<R[]> };

/** A wallet with a customer and, unless told otherwise, a primary card, as rows. Empty. */
export async function makeWallet(
  { rows }: Installation,
  { organizationId, buyerId }: MadeBuyer,
  { card = true, customer = `cus_${buyerId.slice(-12)}` } = {},
): Promise<{ customer: string; cardId: string | null }> {
  await rows(
    `INSERT INTO wallets (buyer_id, organization_id, currency, customer_id) VALUES ($1, $2, 'usd', $3)`,
    [buyerId, organizationId, customer],
  );
  if (!card) return { customer, cardId: null };
  const cardId = uuidv7();
  await rows(
    `INSERT INTO payment_methods (id, organization_id, buyer_id, stripe_id, brand, last4, exp_month, exp_year, is_primary)
     VALUES ($1, $2, $3, $4, 'visa', '4242', 12, 2030, true)`,
    [cardId, organizationId, buyerId, `pm_${cardId.slice(-12)}`],
  );
  return { customer, cardId };
}

/** What the buyer set of auto-recharge, in cents. */
export const setAutoRecharge = (
  { rows }: Installation,
  buyerId: string,
  { threshold = 2_500, amount = 10_000 }: { threshold?: number | null; amount?: number | null } = {},
) =>
  rows(
    `UPDATE buyers SET auto_recharge_enabled = true, auto_recharge_threshold_minor = $2, auto_recharge_amount_minor = $3 WHERE id = $1`,
    [buyerId, threshold, amount],
  );

export type WalletRow = { balance: number; disputed: number; debt: number; stopped: string | null };

export async function walletRow({ rows }: Installation, buyerId: string): Promise<WalletRow> {
  const [row] = await rows<WalletRow>(
    `SELECT balance_minor::int AS balance, disputed_minor::int AS disputed, debt_minor::int AS debt, recharge_stop_reason AS stopped
     FROM wallets WHERE buyer_id = $1`,
    [buyerId],
  );
  return row!;
}

// biome-ignore lint/suspicious/noExplicitAny: each test asserts the shape it reads.
export type WalletAnswer = { status: number; body: any };

/** Asks the running system over HTTP as a buyer's front end does. */
export const walletClient =
  ({ publicUrl }: { publicUrl: string }) =>
  async (
    { as }: Pick<MadeBuyer, 'as'>,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<WalletAnswer> => {
    const answer = await fetch(`${publicUrl}/api/payments/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...as, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
