import { ensureWallet, findWallet, keepCustomer, type Wallet } from '../../db/payment/wallets.ts';
import { ContractError, PermanentError, TransientError } from '../../domain/errors.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { answered } from './wallet-calls.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'payments'>;

/** Throws 404 when the organization has no such buyer. */
export async function walletOf(
  { db }: Pick<Deps, 'db'>,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
): Promise<Wallet> {
  const wallet = await findWallet(db, organizationId, buyerId);
  if (!wallet) throw new ContractError(404, 'not_found', 'Buyer not found');
  return wallet;
}

/** The wallet's customer at Stripe, made once. Throws what the payment gateway throws. */
export async function customerOf(deps: Deps, wallet: Wallet): Promise<string> {
  if (wallet.customerId) return wallet.customerId;
  const { buyerId, organizationId, name } = wallet;
  await ensureWallet(deps.db, organizationId, buyerId);
  const made = await answered(() =>
    deps.effects.keyed(null, {
      key: `customer:${buyerId}`,
      vendor: 'stripe',
      kind: 'customer',
      organizationId,
      subject: subjects.wallet(buyerId),
      call: async (idempotencyKey) => {
        const email = wallet.email ?? '';
        const metadata = { kind: 'buyer', buyer_id: buyerId };
        const { id } = await deps.payments.createCustomer({ idempotencyKey, email, name, metadata });
        return { vendorId: id, result: null };
      },
    }),
  );
  if (made.state === 'refused' || made.vendorId === null)
    throw new TransientError('stripe refused to make a customer', { vendor: 'stripe', code: 'unavailable' });
  await keepCustomer(deps.db, buyerId, made.vendorId);
  return made.vendorId;
}

/**
 * A call that names the wallet's customer and nothing else at Stripe. Throws 409 for a customer that Stripe does not know: it
 * was deleted there, or the key is of another account. Nothing is replaced by itself, because the saved cards would be lost
 * with it.
 */
export async function withKnownCustomer<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof PermanentError) || error.code !== 'not_found') throw error;
    throw new ContractError(
      409,
      'conflict',
      'Payment account not found',
      'Stripe does not know the payment account of this wallet. Nothing was charged, and the balance is kept. Ask the seller to have its operator look into it.',
    );
  }
}
