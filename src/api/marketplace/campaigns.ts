import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Queryable } from '../../db/client.ts';
import {
  type Campaign,
  type CampaignChange,
  type CampaignFields,
  changeCampaign,
  findCampaign,
  insertCampaign,
  type NewCampaign,
} from '../../db/marketplace/campaigns.ts';
import {
  campaignStatuses,
  distributionLogics,
  leadTtlHours,
  mostPriceMinor,
} from '../../domain/marketplace/campaign.ts';
import { newId } from '../../events/new-id.ts';
import type { Quotas } from '../../usecases/account/quotas.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { partyOf, sellerOf } from '../auth/caller.ts';
import {
  assertGiven,
  bodyOf,
  clearable,
  contractProblems,
  dollars,
  type Given,
  missing,
  paginationSchema,
  queryOf,
  read,
  refused,
  whole,
} from '../http/contract.ts';
import { text } from '../http/fields.ts';
import { takesTurnInHandler } from '../http/turns.ts';
import { allCampaigns, campaignPage, mostInAll, shownCampaigns } from './campaign-list.ts';
import * as examples from './catalog-examples.ts';
import { anyCampaignSchema, changedCampaign, changedCampaignSchema } from './catalog-json.ts';
import { idOf, rowId } from './fields.ts';

export const unknownCampaign = 'Campaign not found';
const params = z.object({ id: z.string() });

/** A page has this many campaigns unless asked for another number, and at most `largestPage`. */
const usualPage = 200;
const largestPage = 1_000;

const listQuery = z.object({
  status: z.enum(campaignStatuses).optional(),
  page: whole(1, 1_000_000).optional(),
  limit: whole(1, largestPage).optional(),
});

const values = z
  .object({
    name: text(200),
    description: clearable(text(2_000)),
    pricePerLead: dollars.pipe(z.int().min(1).max(mostPriceMinor)),
    distributionLogic: z.enum(distributionLogics),
    allowStateSelection: z.boolean(),
    status: z.enum(campaignStatuses),
    maxSales: clearable(whole(1, 100_000)),
    leadTtlHours: clearable(whole(1, leadTtlHours.most)),
  })
  .partial();

/** The given fields of a campaign as they are stored. Throws 400. */
export function campaignChangeOf(given: Given): CampaignChange {
  const { pricePerLead, leadTtlHours: hours, ...rest } = read(values, given);
  return {
    ...rest,
    ...(pricePerLead === undefined ? {} : { priceMinor: pricePerLead }),
    ...(hours === undefined ? {} : { leadTtlHours: hours ?? leadTtlHours.usual }),
  };
}

const usual = {
  description: null,
  allowStateSelection: true,
  status: 'ACTIVE',
  maxSales: null,
  leadTtlHours: leadTtlHours.usual,
} as const;

const noCategory = 'Category not found or does not belong to this seller';

/** The campaign that a seller makes, without its id. Throws 400, and 404 for what is no id of a category. */
export function newCampaignOf(given: Given): Omit<NewCampaign, 'id'> {
  assertGiven(given, ['categoryId', 'name', 'pricePerLead', 'distributionLogic'], 'Missing required fields');
  const fields = { ...usual, ...campaignChangeOf(given) } as CampaignFields;
  return { categoryId: rowId(given.categoryId, noCategory), ...fields };
}

/** Throws 404 unless the seller has the category, and 429 for more campaigns than it may have. */
export async function createCampaign(
  { db, quotas }: Pick<Runtime, 'db'> & { quotas: Pick<Quotas, 'stored'> },
  organizationId: string,
  campaign: Omit<NewCampaign, 'id'>,
  actor: string,
): Promise<Campaign> {
  const made = await quotas.stored('campaigns', organizationId, (most) =>
    insertCampaign(db, organizationId, { id: newId(), ...campaign, most }, actor),
  );
  if (!made) throw missing(noCategory);
  return made;
}

/** Throws 404, and 400 for one that cannot become active. */
export async function updateCampaign(
  db: Queryable,
  organizationId: string,
  { id, change, action }: { id: string; change: CampaignChange; action?: string | undefined },
  actor: string,
): Promise<Campaign> {
  const changed = await changeCampaign(db, organizationId, id, change, { actor, action });
  if (changed === 'unknown') throw missing(unknownCampaign);
  if (changed === 'category_inactive')
    throw refused('Category is not active', 'Restore the category of this campaign before you resume it.');
  return changed;
}

const described = z.object({
  name: z.string(),
  description: z.string().nullable(),
  pricePerLead: z.union([z.number(), z.string()]).describe('Dollars, at most two decimals'),
  distributionLogic: z.enum(distributionLogics),
  allowStateSelection: z.boolean(),
  status: z.enum(campaignStatuses),
  maxSales: z.int().nullable(),
  leadTtlHours: z.int().nullable().describe('Null for the usual 72'),
});

type Deps = Pick<Runtime, 'db' | 'quotas'>;

export function campaignRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const { db } = deps;
  return async (app) => {
    app.get(
      '/api/campaigns',
      {
        onRequest: access.market('seller', 'buyer'),
        preValidation: async (request) => takesTurnInHandler(request),
        schema: {
          tags: ['campaigns'],
          summary: 'List campaigns, newest first; buyers see the active ones of their seller',
          description: `Without \`page\` and \`limit\`, all of them up to ${mostInAll.toLocaleString('en')}; a \`Link\` header with \`rel="next"\` says that there are more.`,
          querystring: z
            .object({ status: z.enum(campaignStatuses), page: z.int(), limit: z.int().max(largestPage) })
            .partial(),
          response: {
            200: z.object({ campaigns: z.array(anyCampaignSchema), pagination: paginationSchema }).meta({
              examples: [
                {
                  campaigns: [examples.campaign],
                  pagination: { page: 1, limit: usualPage, total: 1, pages: 1 },
                },
              ],
            }),
            ...contractProblems(400, 401, 403, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const list = { db: db.reader, party: partyOf(request), request };
        const { status = null, page, limit } = read(listQuery, queryOf(request));
        if (page === undefined && limit === undefined) return allCampaigns(list, status, reply);
        return campaignPage(list, status, { page: page ?? 1, limit: limit ?? usualPage });
      },
    );
    app.post(
      '/api/campaigns',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['campaigns'],
          summary: 'Make a campaign for a category',
          body: described
            .partial()
            .extend({ categoryId: z.string() })
            .required({ name: true, pricePerLead: true, distributionLogic: true })
            .meta({ examples: [examples.newCampaign] }),
          response: {
            201: z
              .object({
                message: z.literal('Campaign created successfully'),
                campaign: changedCampaignSchema,
              })
              .meta({
                examples: [{ message: 'Campaign created successfully', campaign: examples.changedCampaign }],
              }),
            ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { organizationId, person } = sellerOf(request);
        const made = await createCampaign(deps, organizationId, newCampaignOf(bodyOf(request)), person.id);
        return reply
          .status(201)
          .send({ message: 'Campaign created successfully', campaign: changedCampaign(made) });
      },
    );
    await app.register(oneCampaign(deps, access));
  };
}

function oneCampaign({ db }: Deps, access: Access): FastifyPluginAsyncZod {
  const change = async (request: FastifyRequest, fields: CampaignChange, action?: string) => {
    const { organizationId, person } = sellerOf(request);
    const id = idOf(request.params, unknownCampaign);
    return changedCampaign(
      await updateCampaign(db, organizationId, { id, change: fields, action }, person.id),
    );
  };
  return async (app) => {
    app.get(
      '/api/campaigns/:id',
      {
        onRequest: access.market('seller', 'buyer'),
        schema: {
          tags: ['campaigns'],
          summary: 'Read a campaign; buyers read active ones and those they subscribe to',
          params,
          response: {
            200: z
              .object({ campaign: anyCampaignSchema })
              .meta({ examples: [{ campaign: examples.campaign }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const party = partyOf(request);
        const found = await findCampaign(db.reader, party, idOf(request.params, unknownCampaign));
        if (!found) throw missing(unknownCampaign);
        const [campaign] = await shownCampaigns(db.reader, party, [found]);
        return { campaign: campaign! };
      },
    );
    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/campaigns/:id',
        onRequest: access.market('seller'),
        schema: {
          tags: ['campaigns'],
          summary: 'Change the given values of a campaign',
          params,
          body: described.partial().meta({ examples: [{ pricePerLead: 27.5, status: 'PAUSED' }] }),
          response: {
            200: z
              .object({
                message: z.literal('Campaign updated successfully'),
                campaign: changedCampaignSchema,
              })
              .meta({
                examples: [{ message: 'Campaign updated successfully', campaign: examples.changedCampaign }],
              }),
            ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503),
          },
        },
        handler: async (request) => ({
          message: 'Campaign updated successfully' as const,
          campaign: await change(request, campaignChangeOf(bodyOf(request))),
        }),
      });
    }
    app.delete(
      '/api/campaigns/:id',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['campaigns'],
          summary: 'Archive a campaign: it gets no further leads, and keeps what was sold',
          params,
          response: {
            200: z
              .object({ message: z.literal('Campaign archived successfully') })
              .meta({ examples: [{ message: 'Campaign archived successfully' }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        await change(request, { status: 'ARCHIVED' }, 'campaign.archived');
        return { message: 'Campaign archived successfully' as const };
      },
    );
  };
}
