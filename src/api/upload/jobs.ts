import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findJob } from '../../db/lead/uploads.ts';
import { shownRemark } from '../../domain/crm/remark.ts';
import { syncStatuses } from '../../domain/crm/sync-status.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { callerOf, mayActFor } from '../auth/caller.ts';
import { notFound, problemResponses } from '../http/problem.ts';

const job = z.object({
  job_id: z.string(),
  lead_id: z.string(),
  company_id: z.number().int(),
  status: z.enum(syncStatuses),
  attempts: z.number().int(),
  worker: z.string().nullable().describe('The process that handled it last'),
  contact_id: z.string().nullable().describe('Id of the contact in the CRM'),
  error: z.string().nullable(),
  remark: z
    .string()
    .nullable()
    .describe('What was left out or merged when the lead became a contact of the CRM'),
  created_at: z.string(),
  updated_at: z.string(),
});

const jobId = z.uuid();

/** The sync of an uploaded lead with the CRM. */
export function jobRoutes({ db }: Pick<Runtime, 'db'>, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/jobs/:job_id',
      {
        onRequest: access.company('leads:read'),
        schema: {
          tags: ['uploads'],
          summary: 'Read the status of an uploaded lead',
          params: z.object({ job_id: z.string().max(200) }),
          response: { 200: job, ...problemResponses(400, 401, 403, 404, 429, 503) },
        },
      },
      async (request) => {
        const id = jobId.safeParse(request.params.job_id);
        const found = id.success ? await findJob(db, id.data) : null;
        if (!found || !mayActFor(callerOf(request), found.organizationId)) throw notFound('job');
        return {
          job_id: found.id,
          lead_id: found.leadId,
          company_id: found.companyNumber,
          status: found.status,
          attempts: found.attempts,
          worker: found.worker,
          contact_id: found.contactId,
          error: found.error,
          remark: shownRemark(found),
          created_at: new Date(found.createdAt).toISOString(),
          updated_at: new Date(found.updatedAt).toISOString(),
        };
      },
    );
  };
}
