import { z } from 'zod';
import type { Assignment, BuyerRecord, BuyerSubscription, PartyBuyer } from '../../db/marketplace/buyers.ts';
import { minorToDollars } from '../../domain/marketplace/dollars.ts';
import { partyStatuses } from '../../domain/marketplace/party.ts';
import { shortWalletChoices } from '../../domain/marketplace/subscription.ts';
import { iso, optionalIso } from './fields.ts';

/** What answers say of buyers, their subscriptions and what they bought. Each is an allow-list. */

const amount = z.number().nullable();
const time = z.string();

const buyerSchema = z.object({
  id: z.string(),
  userId: z.string().nullable(),
  sellerId: z.string(),
  companyName: z.string().nullable(),
  priority: z.int(),
  walletBalance: z.number(),
  status: z.enum(partyStatuses),
  autoRechargeEnabled: z.boolean(),
  autoRechargeThreshold: amount,
  autoRechargeAmount: amount,
  monthlySpendingLimit: amount,
  weeklySpendingLimit: amount,
  phoneNumber: z.string().nullable(),
  createdAt: time,
  updatedAt: time,
});

const subscriptionSchema = z.object({
  id: z.string(),
  campaignId: z.string(),
  buyerId: z.string(),
  dailyCap: z.int().nullable(),
  states: z.array(z.string()),
  status: z.string(),
  lastDistributedAt: time.nullable(),
  waterfallPriority: z.int().nullable(),
  onShortWallet: z.enum(shortWalletChoices),
  createdAt: time,
  updatedAt: time,
  campaign: z.object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    categoryId: z.string(),
    pricePerLead: z.number(),
  }),
});

/** What became of a sale, as its buyer sees it. */
export const assignmentStatuses = ['DELIVERED', 'VIEWED', 'REJECTED', 'REFUNDED'] as const;

export const assignmentSchema = z.object({
  id: z.string(),
  leadId: z.string(),
  buyerId: z.string(),
  campaignSubscriptionId: z.string().nullable(),
  price: z.number(),
  status: z.enum(assignmentStatuses),
  assignedAt: time,
  deliveredAt: time.nullable(),
  viewedAt: time.nullable(),
  rejectedAt: time.nullable(),
  rejectionReason: z.string().nullable(),
});

const userSchema = z.object({ id: z.string(), name: z.string(), email: z.string() }).nullable();
const totals = {
  totalPurchases: z.int(),
  totalSpent: z.number(),
  lastPurchase: time.nullable(),
  campaignSubscriptions: z.array(subscriptionSchema).describe('The newest ones that have not ended'),
  _count: z.object({ leadAssignments: z.int(), transactions: z.int() }),
};

export const listedBuyerSchema = buyerSchema.extend({
  user: userSchema,
  ...totals,
  leadAssignments: z.array(assignmentSchema).max(1),
});
export const wholeBuyerSchema = buyerSchema.extend({
  user: userSchema,
  seller: z.object({ id: z.string(), companyName: z.string() }),
  ...totals,
  notificationPreference: z.null(),
});

const dollarsOf = (minor: number | null) => (minor === null ? null : minorToDollars(minor));

const shownBuyer = (buyer: PartyBuyer): z.infer<typeof buyerSchema> => ({
  id: buyer.id,
  userId: buyer.userId,
  sellerId: buyer.organizationId,
  companyName: buyer.companyName,
  priority: buyer.priority,
  walletBalance: minorToDollars(buyer.balanceMinor),
  status: buyer.status,
  autoRechargeEnabled: buyer.autoRechargeEnabled,
  autoRechargeThreshold: dollarsOf(buyer.autoRechargeThresholdMinor),
  autoRechargeAmount: dollarsOf(buyer.autoRechargeAmountMinor),
  monthlySpendingLimit: dollarsOf(buyer.monthlySpendingLimitMinor),
  weeklySpendingLimit: dollarsOf(buyer.weeklySpendingLimitMinor),
  phoneNumber: buyer.phone,
  createdAt: iso(buyer.createdAt),
  updatedAt: iso(buyer.updatedAt),
});

/** A buyer beside what concerns it, such as a subscription or a sale. For its seller alone. */
export const namedBuyerSchema = buyerSchema.extend({
  user: z.object({ name: z.string(), email: z.string() }).nullable(),
});
export const namedBuyer = (buyer: PartyBuyer): z.infer<typeof namedBuyerSchema> => ({
  ...shownBuyer(buyer),
  user: buyer.user && { name: buyer.user.name, email: buyer.user.email },
});

const shownSubscription = (row: BuyerSubscription): z.infer<typeof subscriptionSchema> => ({
  id: row.id,
  campaignId: row.campaignId,
  buyerId: row.buyerId,
  dailyCap: row.dailyCap,
  states: row.states,
  status: row.status,
  lastDistributedAt: optionalIso(row.lastDistributedAt),
  waterfallPriority: row.waterfallPriority,
  onShortWallet: row.onShortWallet,
  createdAt: iso(row.createdAt),
  updatedAt: iso(row.updatedAt),
  campaign: {
    id: row.campaign.id,
    name: row.campaign.name,
    status: row.campaign.status,
    categoryId: row.campaign.categoryId,
    pricePerLead: minorToDollars(row.campaign.priceMinor),
  },
});

export const assignmentStatus = (row: Pick<Assignment, 'isRefunded' | 'viewedAt'>) =>
  row.isRefunded ? 'REFUNDED' : row.viewedAt === null ? 'DELIVERED' : 'VIEWED';

export const shownAssignment = (row: Assignment): z.infer<typeof assignmentSchema> => ({
  id: row.id,
  leadId: row.leadId,
  buyerId: row.buyerId,
  campaignSubscriptionId: row.subscriptionId,
  price: minorToDollars(row.priceMinor),
  status: assignmentStatus(row),
  assignedAt: iso(row.paidAt),
  deliveredAt: optionalIso(row.deliveredAt),
  viewedAt: optionalIso(row.viewedAt),
  rejectedAt: null,
  rejectionReason: null,
});

const totalsOf = (row: BuyerRecord) => ({
  totalPurchases: row.purchases,
  totalSpent: minorToDollars(row.spentMinor),
  lastPurchase: optionalIso(row.lastPurchaseAt),
  campaignSubscriptions: row.subscriptions.map(shownSubscription),
  _count: { leadAssignments: row.purchases, transactions: row.transactions },
});

export const listedBuyer = (row: BuyerRecord): z.infer<typeof listedBuyerSchema> => ({
  ...shownBuyer(row),
  user: row.user,
  ...totalsOf(row),
  leadAssignments: row.lastAssignment ? [shownAssignment(row.lastAssignment)] : [],
});

export const wholeBuyer = (
  row: BuyerRecord,
  seller: { id: string; companyName: string },
): z.infer<typeof wholeBuyerSchema> => ({
  ...shownBuyer(row),
  user: row.user,
  seller: { id: seller.id, companyName: seller.companyName },
  ...totalsOf(row),
  notificationPreference: null,
});
