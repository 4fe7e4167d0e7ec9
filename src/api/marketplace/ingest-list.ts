import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { listSentLeads } from '../../db/marketplace/ingest.ts';
import { distributionStatuses } from '../../domain/marketplace/distribution.ts';
import { qualities } from '../../domain/marketplace/ingest.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { contractProblems, pageOf, pagination, paginationSchema } from '../http/contract.ts';
import { iso, optionalIso } from './fields.ts';
import { sentLeads } from './ingest-examples.ts';
import { supplierOf, supplierOnly } from './supplier-door.ts';

const answered = z
  .object({
    leads: z.array(
      z.object({
        id: z.string(),
        campaignId: z.string(),
        categoryId: z.string(),
        state: z.string().nullable(),
        quality: z.enum(qualities),
        status: z.enum(distributionStatuses),
        receivedAt: z.string(),
        distributedAt: z.string().nullable(),
      }),
    ),
    pagination: paginationSchema,
  })
  .meta({ examples: [sentLeads] });

/** What became of the leads that a supplier sent. */
export function sentLeadsRoute({ db }: Pick<Runtime, 'db'>, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/leads/ingest',
      {
        onRequest: supplierOnly(access, 'leads:read'),
        schema: {
          tags: ['marketplace'],
          summary: 'List the leads that a supplier sent, with its key',
          description:
            'Newest first, of the categories that the supplier has now: how each stands, and not who bought it.',
          querystring: z.object({ page: z.string().optional(), limit: z.string().optional() }),
          response: { 200: answered, ...contractProblems(400, 401, 403, 429, 503) },
        },
      },
      async (request) => {
        const page = pageOf(request);
        const slice = { limit: page.limit, offset: (page.page - 1) * page.limit };
        const { rows, total } = await listSentLeads(db.reader, supplierOf(request), slice);
        const leads = rows.map(({ receivedAt, distributedAt, ...lead }) => ({
          ...lead,
          receivedAt: iso(receivedAt),
          distributedAt: optionalIso(distributedAt),
        }));
        return { leads, pagination: pagination(page, total) };
      },
    );
  };
}
