import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { dialectOf, previewImport } from '../../usecases/imports/preview.ts';
import { rejectsOf } from '../../usecases/imports/rejects.ts';
import { cancelImport, retryFailed, startImport } from '../../usecases/imports/start.ts';
import type { Access } from '../auth/access.ts';
import { quotaOwnerOf } from '../auth/caller.ts';
import { sendCsv } from '../http/attachment.ts';
import { causeOf } from '../http/cause.ts';
import { problemResponses } from '../http/problem.ts';
import { importSchema, importView, receivedSchema, receivedView } from './import-json.ts';
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
          params,
          response: { 200: z.object({ import: importSchema }), ...refusals },
        },
      },
      async (request) => ({
        import: importView(await cancelImport(runtime, await importOf(runtime, request))),
      }),
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
