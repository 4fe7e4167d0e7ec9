import { z } from 'zod';
import type { Campaign } from '../../db/marketplace/campaigns.ts';
import type { Category } from '../../db/marketplace/categories.ts';
import type { Subscription, SubscriptionOfBuyer } from '../../db/marketplace/subscriptions.ts';
import { campaignStatuses, distributionLogics } from '../../domain/marketplace/campaign.ts';
import { fieldTypes } from '../../domain/marketplace/category-fields.ts';
import { minorToDollars } from '../../domain/marketplace/dollars.ts';
import { shortWalletChoices, subscriptionStatuses } from '../../domain/marketplace/subscription.ts';
import { namedBuyer, namedBuyerSchema } from './buyer-json.ts';
import { iso, optionalIso } from './fields.ts';

/** What answers show of the catalog: allow-lists, with prices in dollars. */

const fieldSchema = z.object({
  name: z.string(),
  type: z.enum(fieldTypes),
  required: z.boolean(),
  locked: z.boolean().describe('Shown only to the buyer who bought the lead'),
  description: z.string().nullable(),
  options: z.array(z.string()),
});

/** All that a buyer sees of a category. */
const briefCategorySchema = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
});

export const categorySchema = briefCategorySchema.extend({
  sellerId: z.string(),
  fields: z.array(fieldSchema),
  isActive: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
/** Sellers and suppliers see the first, buyers the second. */
export const anyCategorySchema = z.union([categorySchema, briefCategorySchema]);

export const shownCategory = (category: Category): z.infer<typeof categorySchema> => ({
  id: category.id,
  sellerId: category.organizationId,
  name: category.name,
  description: category.description,
  fields: category.fields,
  isActive: category.isActive,
  createdAt: iso(category.createdAt),
  updatedAt: iso(category.updatedAt),
});

export const briefCategory = ({ id, name, description }: Category): z.infer<typeof briefCategorySchema> => ({
  id,
  name,
  description,
});

export const onShortWalletSays =
  '`offer` texts an offer to pay by card when the wallet lacks the price; `skip` passes the lead on';

export const subscriptionSchema = z.object({
  id: z.string(),
  campaignId: z.string(),
  buyerId: z.string(),
  dailyCap: z.int().nullable(),
  states: z.array(z.string()),
  status: z.enum(subscriptionStatuses),
  waterfallPriority: z.int().nullable(),
  onShortWallet: z.enum(shortWalletChoices).describe(onShortWalletSays),
  lastDistributedAt: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export const shownSubscription = (row: Subscription): z.infer<typeof subscriptionSchema> => ({
  id: row.id,
  campaignId: row.campaignId,
  buyerId: row.buyerId,
  dailyCap: row.dailyCap,
  states: row.states,
  status: row.status,
  waterfallPriority: row.waterfallPriority,
  onShortWallet: row.onShortWallet,
  lastDistributedAt: optionalIso(row.lastDistributedAt),
  createdAt: iso(row.createdAt),
  updatedAt: iso(row.updatedAt),
});

const soldSubscriptionSchema = subscriptionSchema.extend({ buyer: namedBuyerSchema });

const soldSubscription = (row: SubscriptionOfBuyer): z.infer<typeof soldSubscriptionSchema> => ({
  ...shownSubscription(row),
  buyer: namedBuyer(row.buyer),
});

const bareCampaignSchema = z.object({
  id: z.string(),
  sellerId: z.string(),
  categoryId: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  pricePerLead: z.number().describe('Dollars'),
  distributionLogic: z.enum(distributionLogics),
  allowStateSelection: z.boolean(),
  status: z.enum(campaignStatuses),
  maxSales: z.int().nullable(),
  leadTtlHours: z.int(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

const bareCampaign = (campaign: Campaign): z.infer<typeof bareCampaignSchema> => ({
  id: campaign.id,
  sellerId: campaign.organizationId,
  categoryId: campaign.categoryId,
  name: campaign.name,
  description: campaign.description,
  pricePerLead: minorToDollars(campaign.priceMinor),
  distributionLogic: campaign.distributionLogic,
  allowStateSelection: campaign.allowStateSelection,
  status: campaign.status,
  maxSales: campaign.maxSales,
  leadTtlHours: campaign.leadTtlHours,
  createdAt: iso(campaign.createdAt),
  updatedAt: iso(campaign.updatedAt),
});

/** After a change, to its seller. */
export const changedCampaignSchema = bareCampaignSchema.extend({
  category: categorySchema,
  _count: z.object({ subscriptions: z.int(), leads: z.int() }),
});
export const changedCampaign = (campaign: Campaign): z.infer<typeof changedCampaignSchema> => ({
  ...bareCampaign(campaign),
  category: shownCategory(campaign.category),
  _count: { subscriptions: campaign.subscriptionCount, leads: campaign.leadCount },
});

const sellerCampaignSchema = changedCampaignSchema.extend({ subscriptions: z.array(soldSubscriptionSchema) });
const buyerCampaignSchema = bareCampaignSchema.extend({
  category: briefCategorySchema,
  subscriptions: z.array(subscriptionSchema).describe('The buyer’s own: one or none'),
  _count: z.object({ subscriptions: z.int() }),
});
/** Sellers see the first, buyers the second. */
export const anyCampaignSchema = z.union([sellerCampaignSchema, buyerCampaignSchema]);

export const sellerCampaign = (
  campaign: Campaign,
  subscriptions: readonly SubscriptionOfBuyer[],
): z.infer<typeof sellerCampaignSchema> => ({
  ...changedCampaign(campaign),
  subscriptions: subscriptions.map(soldSubscription),
});

export const buyerCampaign = (
  campaign: Campaign,
  subscriptions: readonly Subscription[],
): z.infer<typeof buyerCampaignSchema> => ({
  ...bareCampaign(campaign),
  category: briefCategory(campaign.category),
  subscriptions: subscriptions.map(shownSubscription),
  _count: { subscriptions: campaign.subscriptionCount },
});

/** A new subscription, to its buyer. */
export const newSubscriptionSchema = subscriptionSchema.extend({
  campaign: bareCampaignSchema.extend({ category: briefCategorySchema }),
});
export const newSubscription = (
  row: Subscription,
  campaign: Campaign,
): z.infer<typeof newSubscriptionSchema> => ({
  ...shownSubscription(row),
  campaign: { ...bareCampaign(campaign), category: briefCategory(campaign.category) },
});
