import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Bound, type LeadFilter, listBuyerLeads, listSellerLeads } from '../../db/marketplace/leads.ts';
import { distributionStatuses } from '../../domain/marketplace/distribution.ts';
import { openValues } from '../../usecases/marketplace/lead-values.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { type BuyerParty, partyOf, type SellerParty } from '../auth/caller.ts';
import { bySession } from '../auth/credential.ts';
import { contractProblems, type Page, pageOf, pagination, queryOf, read } from '../http/contract.ts';
import { text } from '../http/fields.ts';
import { assignmentStatuses } from './buyer-json.ts';
import { buyerLead, leadListSchema, sellerLead } from './lead-json.ts';

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
      {
        constraints: bySession,
        onRequest: access.market('seller', 'buyer'),
        schema: {
          tags: ['leads'],
          summary: 'List the leads that a seller received, or that a buyer bought, newest first',
          querystring: z
            .object({
              status: z.enum([...new Set([...distributionStatuses, ...assignmentStatuses])]),
              category: z.string().describe('Id or name'),
              startDate: z.string().describe('A date, in the time zone of the seller, or a time'),
              endDate: z.string().describe('A date is included as a whole'),
              page: z.int(),
              limit: z.int().max(200),
            })
            .partial(),
          response: {
            200: leadListSchema,
            ...contractProblems(400, 401, 403, 429, 503),
          },
        },
      },
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
