import { z } from 'zod';
import type { BuyerLead, SellerLead } from '../../db/marketplace/leads.ts';
import { distributionStatuses } from '../../domain/marketplace/distribution.ts';
import { minorToDollars } from '../../domain/marketplace/dollars.ts';
import { paginationSchema } from '../http/contract.ts';
import {
  assignmentSchema,
  assignmentStatus,
  assignmentStatuses,
  namedBuyer,
  namedBuyerSchema,
  shownAssignment,
} from './buyer-json.ts';
import { iso, optionalIso } from './fields.ts';
import * as examples from './lead-examples.ts';

/** What a seller sees of a lead it received, and a buyer of one it bought. Each is an allow-list. */

const lead = z.object({
  id: z.string(),
  category: z.object({ id: z.string(), name: z.string(), description: z.string().nullable() }).nullable(),
  campaign: z.object({ id: z.string(), name: z.string(), pricePerLead: z.number() }).nullable(),
  // Any JSON object, passed on as it is.
  data: z.unknown().meta({ type: 'object', description: 'The values by the names of the category’s fields' }),
  state: z.string().nullable(),
  quality: z.string().nullable(),
});
const sellerLeadSchema = lead.extend({
  campaignId: z.string().nullable(),
  supplierId: z.string().nullable(),
  categoryId: z.string().nullable(),
  status: z.enum(distributionStatuses),
  receivedAt: z.string(),
  distributedAt: z.string().nullable(),
  expiresAt: z.string(),
  supplier: z.object({ id: z.string(), name: z.string() }).nullable(),
  assignments: z
    .array(assignmentSchema.extend({ buyer: namedBuyerSchema }))
    .describe('The first 50 sales, the first one first'),
});
const buyerLeadSchema = lead.extend({
  assignmentId: z.string(),
  price: z.number(),
  assignedAt: z.string(),
  deliveredAt: z.string().nullable(),
  viewedAt: z.string().nullable(),
  status: z.enum(assignmentStatuses),
});
/** Sellers see the first, buyers the second. */
export const leadListSchema = z
  .object({
    leads: z.union([z.array(sellerLeadSchema), z.array(buyerLeadSchema)]),
    pagination: paginationSchema,
  })
  .meta({
    examples: [examples.sellerLead, examples.buyerLead].map((each) => ({
      leads: [each],
      pagination: { page: 1, limit: 50, total: 1, pages: 1 },
    })),
  });

const campaignOf = ({ campaign }: SellerLead | BuyerLead) =>
  campaign && { id: campaign.id, name: campaign.name, pricePerLead: minorToDollars(campaign.priceMinor) };

const categoryOf = ({ category }: SellerLead | BuyerLead) =>
  category && { id: category.id, name: category.name, description: category.description };

export const sellerLead = (
  row: SellerLead,
  data: Record<string, unknown>,
): z.infer<typeof sellerLeadSchema> => ({
  id: row.id,
  campaignId: row.campaign?.id ?? null,
  supplierId: row.supplier?.id ?? null,
  categoryId: row.category?.id ?? null,
  data,
  state: row.state,
  quality: row.quality,
  status: row.status,
  receivedAt: iso(row.receivedAt),
  distributedAt: optionalIso(row.distributedAt),
  expiresAt: iso(row.expiresAt),
  category: categoryOf(row),
  campaign: campaignOf(row),
  supplier: row.supplier && { id: row.supplier.id, name: row.supplier.name },
  assignments: row.assignments.map(({ buyer, ...sale }) => ({
    ...shownAssignment(sale),
    buyer: namedBuyer(buyer),
  })),
});

export const buyerLead = (
  row: BuyerLead,
  data: Record<string, unknown>,
): z.infer<typeof buyerLeadSchema> => ({
  id: row.id,
  assignmentId: row.assignment.id,
  category: categoryOf(row),
  campaign: campaignOf(row),
  data,
  state: row.state,
  quality: row.quality,
  price: minorToDollars(row.assignment.priceMinor),
  assignedAt: iso(row.assignment.paidAt),
  deliveredAt: optionalIso(row.assignment.deliveredAt),
  viewedAt: optionalIso(row.assignment.viewedAt),
  status: assignmentStatus(row.assignment),
});
