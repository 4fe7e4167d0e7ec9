import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  type Bound,
  type BuyerLead,
  type LeadFilter,
  listBuyerLeads,
  listSellerLeads,
  type SellerLead,
} from '../../db/marketplace/leads.ts';
import { distributionStatuses } from '../../domain/marketplace/distribution.ts';
import { minorToDollars } from '../../domain/marketplace/dollars.ts';
import { openValues } from '../../usecases/marketplace/lead-values.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { type BuyerParty, partyOf, type SellerParty } from '../auth/caller.ts';
import { bySession } from '../auth/credential.ts';
import { type Page, pageOf, pagination, queryOf, read } from '../http/contract.ts';
import { text } from '../http/fields.ts';
import { assignmentStatus, assignmentStatuses, namedBuyer, shownAssignment } from './buyer-json.ts';
import { iso, optionalIso } from './fields.ts';

const notTooLongAgo = (value: string) => value >= '1970';
/** PostgreSQL refuses offsets of 16 hours and more. */
const moment = z.iso
  .datetime({ offset: true })
  .refine(notTooLongAgo, 'too long ago')
  .refine((value) => !/[+-](?:1[6-9]|2\d):\d\d$/.test(value), 'no time zone is 16 hours or more from UTC')
  .transform((value): Bound => ({ moment: value }));
const day = z.iso
  .date()
  .refine(notTooLongAgo, 'too long ago')
  .transform((value): Bound => ({ day: value }));
const bound = z.union([day, moment], {
  error: 'must be a date or a time, such as 2026-01-31 or 2026-01-31T09:00:00Z',
});

const filters = z.object({
  category: text(200).optional(),
  startDate: bound.optional(),
  endDate: bound.optional(),
});
const sellerQuery = filters.extend({ status: z.enum(distributionStatuses).optional() });
const buyerQuery = filters.extend({ status: z.enum(assignmentStatuses).optional() });

const filterOf = ({ category, startDate, endDate }: z.infer<typeof filters>): LeadFilter => ({
  category: category ?? null,
  from: startDate ?? null,
  to: endDate ?? null,
});
const sliceOf = ({ page, limit }: Page) => ({ limit, offset: (page - 1) * limit });

type Deps = Pick<Runtime, 'db' | 'vault'>;

/** The list of leads for sessions: a seller's received leads, a buyer's bought ones. API keys have their own at this address. */
export function leadRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/leads',
      // Hidden: an OpenAPI document describes one operation of an address.
      { constraints: bySession, onRequest: access.market('seller', 'buyer'), schema: { hide: true } },
      async (request) => {
        const party = partyOf(request);
        return party.role === 'seller' ? sellerLeads(deps, party, request) : buyerLeads(deps, party, request);
      },
    );
  };
}

async function sellerLeads(deps: Deps, { organizationId, person }: SellerParty, request: FastifyRequest) {
  const { status = null, ...filter } = read(sellerQuery, queryOf(request));
  const page = pageOf(request);
  const wanted = { ...filterOf(filter), status };
  const { rows, total } = await listSellerLeads(deps.db.reader, organizationId, wanted, sliceOf(page));
  const values = await openValues(deps, rows, { organizationId, actor: person.id, isOpen: () => true });
  const leads = rows.map((row, i) => sellerLead(row, values[i]!));
  return { leads, pagination: pagination(page, total) };
}

async function buyerLeads(
  deps: Deps,
  { organizationId, buyerId, person }: BuyerParty,
  request: FastifyRequest,
) {
  const { status = null, ...filter } = read(buyerQuery, queryOf(request));
  const page = pageOf(request);
  const wanted = { ...filterOf(filter), status };
  const { rows, total } = await listBuyerLeads(
    deps.db.reader,
    { organizationId, buyerId },
    wanted,
    sliceOf(page),
  );
  const values = await openValues(deps, rows, {
    organizationId,
    actor: person.id,
    isOpen: ({ assignment }) => !assignment.isRefunded,
  });
  return { leads: rows.map((row, i) => buyerLead(row, values[i]!)), pagination: pagination(page, total) };
}

const campaignOf = ({ campaign }: SellerLead | BuyerLead) =>
  campaign && { id: campaign.id, name: campaign.name, pricePerLead: minorToDollars(campaign.priceMinor) };

const categoryOf = ({ category }: SellerLead | BuyerLead) =>
  category && { id: category.id, name: category.name, description: category.description };

const sellerLead = (row: SellerLead, data: Record<string, unknown>) => ({
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

const buyerLead = (row: BuyerLead, data: Record<string, unknown>) => ({
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
