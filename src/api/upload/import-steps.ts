import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { dialectOf, previewImport } from '../../usecases/imports/preview.ts';
import { rejectsOf } from '../../usecases/imports/rejects.ts';
import { retryFailed, startImport } from '../../usecases/imports/start.ts';
import { cancelImport, sendRest } from '../../usecases/imports/stop.ts';
import type { Access } from '../auth/access.ts';
import { callerOf, quotaOwnerOf } from '../auth/caller.ts';
import { sendCsv } from '../http/attachment.ts';
import { causeOf } from '../http/cause.ts';
import { problemResponses } from '../http/problem.ts';
import {
  importSchema,
  importView,
  progressSchema,
  progressView,
  receivedSchema,
  receivedView,
} from './import-json.ts';
import { importOf, ownerOf } from './lookup.ts';
import type { UploadRuntime } from './receive.ts';

const tags = ['imports'];
const params = z.object({ import_id: z.uuid() });
const mapping = z.array(z.string().max(300).nullable()).max(500);
const refusals = problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503);

/** What can be done with an uploaded file: preview, start, cancel, retry, and its rejected rows. */
export function importSteps(runtime: UploadRuntime, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    const onRequest = access.company('leads:write');
    app.post(
      '/api/imports/:import_id/preview',
      {
        onRequest,
        schema: {
          tags,
          summary: 'Preview an import, with corrections to its mapping; no leads are stored yet',
          params,
          body: z
            .strictObject({
              mapping: mapping.optional(),
              encoding: z.string().max(40).optional(),
              delimiter: z.string().max(10).optional(),
              header_row: z
                .number()
                .int()
                .min(0)
                .max(1_000)
                .optional()
                .describe('The row of the column names; 0: the file has none'),
            })
            .nullish(),
          response: { 200: receivedSchema, ...refusals },
        },
      },
      async (request) => {
        const row = await importOf(runtime, request);
        const company = await ownerOf(runtime, row);
        await runtime.quotas.take('previews', quotaOwnerOf(request, row.organizationId));
        const { mapping: given, ...read } = request.body ?? {};
        const named = read.encoding || read.delimiter || read.header_row !== undefined;
        const dialect = named ? { ...row.dialect, ...dialectOf(read) } : undefined;
        return receivedView(await previewImport(runtime, company, row, { mapping: given, dialect }));
      },
    );
    app.post(
      '/api/imports/:import_id/start',
      {
        onRequest,
        schema: {
          tags,
          summary: 'Start an import: turn the rows of its file into leads',
          params,
          body: z
            .strictObject({
              mapping: mapping.optional(),
              again: z.boolean().optional().describe('Import the same file a second time on purpose'),
            })
            .nullish(),
          response: { 202: z.object({ import: importSchema }), ...refusals },
        },
      },
      async (request, reply) => {
        const row = await importOf(runtime, request);
        const company = await ownerOf(runtime, row);
        const started = await startImport(runtime, company, row, {
          ...request.body,
          cause: causeOf(request),
        });
        return reply.status(202).send({ import: importView(started) });
      },
    );
    app.post(
      '/api/imports/:import_id/cancel',
      {
        onRequest,
        schema: {
          tags,
          summary:
            'Cancel an import: remaining rows are not read, and leads still waiting are not sent to the CRM',
          description:
            'It takes effect at once; only calls under way are finished. syncs: "cancelled" leads are kept from the CRM, "success" are in it, "processing" are under way. An import that was read can be stopped as long as leads wait. POST …/resume sends the rest.',
          params,
          response: { 200: progressSchema, ...refusals },
        },
      },
      async (request) =>
        progressView(await cancelImport(runtime, await importOf(runtime, request), callerOf(request).actor)),
    );
    app.post(
      '/api/imports/:import_id/resume',
      {
        onRequest,
        schema: {
          tags,
          summary: 'Send the rest of a cancelled import: the leads that were kept from the CRM',
          description:
            'Leads whose phone was uploaded again since are left out. Rows that were not read stay unread: upload the file again.',
          params,
          response: {
            200: progressSchema.extend({ requested: z.number().int().describe('Leads that are sent now') }),
            ...refusals,
          },
        },
      },
      async (request) => {
        const row = await importOf(runtime, request);
        const company = await ownerOf(runtime, row);
        await runtime.quotas.take('import_retries', quotaOwnerOf(request, row.organizationId));
        const rest = await sendRest(runtime, company, row, callerOf(request).actor);
        return { ...progressView(rest), requested: rest.requested };
      },
    );
    app.post(
      '/api/imports/:import_id/retry',
      {
        onRequest,
        schema: {
          tags,
          summary: 'Retry the leads of an import that failed in the CRM',
          params,
          response: { 202: z.object({ retrying: z.boolean() }), ...refusals },
        },
      },
      async (request, reply) => {
        const row = await importOf(runtime, request);
        await runtime.quotas.take('import_retries', quotaOwnerOf(request, row.organizationId));
        const retrying = await retryFailed(runtime, row, causeOf(request));
        return reply.status(202).send({ retrying });
      },
    );
    app.get(
      '/api/imports/:import_id/rejects.csv',
      {
        onRequest,
        schema: {
          tags,
          summary: 'Download the rejected rows as CSV, with the reasons in the last column',
          params,
          produces: ['text/csv'],
          response: problemResponses(400, 401, 403, 404, 429, 503),
        },
      },
      async (request, reply) => {
        const row = await importOf(runtime, request);
        const owner = quotaOwnerOf(request, row.organizationId);
        return sendCsv(reply, rejectsOf(runtime, row), { quotas: runtime.quotas, owner });
      },
    );
  };
}
