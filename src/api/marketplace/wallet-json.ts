import { z } from 'zod';
import type { SavedCard } from '../../db/payment/wallet-cards.ts';
import type { Wallet, WalletTransaction } from '../../db/payment/wallets.ts';
import { minorToDollars } from '../../domain/marketplace/dollars.ts';
import { walletTransactionTypes } from '../../domain/payment/wallet.ts';
import { paginationSchema } from '../http/contract.ts';
import { iso } from './fields.ts';

export const cardSchema = z.object({
  id: z.string(),
  buyerId: z.string(),
  stripePaymentMethodId: z.string(),
  brand: z.string(),
  last4: z.string(),
  expMonth: z.int(),
  expYear: z.int(),
  isPrimary: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export const shownCard = (card: SavedCard): z.infer<typeof cardSchema> => ({
  id: card.id,
  buyerId: card.buyerId,
  stripePaymentMethodId: card.stripeId,
  brand: card.brand,
  last4: card.last4,
  expMonth: card.expMonth,
  expYear: card.expYear,
  isPrimary: card.isPrimary,
  createdAt: iso(card.createdAt),
  updatedAt: iso(card.updatedAt),
});

export const transactionSchema = z.object({
  id: z.string(),
  buyerId: z.string(),
  type: z.enum(walletTransactionTypes),
  amount: z.number().describe('Negative for DEBIT'),
  balanceBefore: z.number(),
  balanceAfter: z.number(),
  description: z.string(),
  leadAssignmentId: z.string().nullable(),
  stripePaymentIntentId: z.string().nullable(),
  createdAt: z.string(),
});

export const shownTransaction = (row: WalletTransaction): z.infer<typeof transactionSchema> => ({
  id: row.id,
  buyerId: row.buyerId,
  type: row.type,
  amount: minorToDollars(row.amountMinor),
  balanceBefore: minorToDollars(row.balanceBeforeMinor),
  balanceAfter: minorToDollars(row.balanceAfterMinor),
  description: row.description,
  leadAssignmentId: row.unlockId,
  stripePaymentIntentId: row.paymentIntent,
  createdAt: iso(row.createdAt),
});

const settings = {
  autoRechargeEnabled: z.boolean(),
  autoRechargeThreshold: z.number().nullable(),
  autoRechargeAmount: z.number().nullable(),
};
export const walletSettingsSchema = z.object(settings);

const dollarsOrNull = (minor: number | null) => (minor === null ? null : minorToDollars(minor));

export const shownSettings = (wallet: Wallet): z.infer<typeof walletSettingsSchema> => ({
  autoRechargeEnabled: wallet.autoRechargeEnabled,
  autoRechargeThreshold: dollarsOrNull(wallet.autoRechargeThresholdMinor),
  autoRechargeAmount: dollarsOrNull(wallet.autoRechargeAmountMinor),
});

export const walletSchema = z.object({
  balance: z.number(),
  ...settings,
  transactions: z.array(transactionSchema),
  pagination: paginationSchema,
});

const id = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0a01';
const at = '2026-11-28T09:00:00.000Z';

export const examples = {
  card: {
    id,
    buyerId: id,
    stripePaymentMethodId: 'pm_1ABC',
    brand: 'visa',
    last4: '4242',
    expMonth: 12,
    expYear: 2030,
    isPrimary: true,
    createdAt: at,
    updatedAt: at,
  },
  transaction: {
    id,
    buyerId: id,
    type: 'CREDIT' as const,
    amount: 50,
    balanceBefore: 0,
    balanceAfter: 50,
    description: 'Wallet recharge',
    leadAssignmentId: null,
    stripePaymentIntentId: 'pi_1ABC',
    createdAt: at,
  },
  settings: { autoRechargeEnabled: true, autoRechargeThreshold: 25, autoRechargeAmount: 100 },
};
