import { ensureWallet, findWallet, keepCustomer, type Wallet } from '../../db/payment/wallets.ts';
import { ContractError, TransientError } from '../../domain/errors.ts';
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
