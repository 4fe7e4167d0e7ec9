import { fastifySSE } from '@fastify/sse';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { importCounts, listImports } from '../../db/imports/imports.ts';
import type { Access } from '../auth/access.ts';
import { limit, nextCursor, readCursor } from '../http/fields.ts';
import { acceptFiles } from '../http/file-bodies.ts';
import { problemResponses } from '../http/problem.ts';
import { createStreams, eventStream } from '../http/streams.ts';
import {
  importSchema,
  importView,
  progressSchema,
  progressView,
  receivedSchema,
  receivedView,
} from './import-json.ts';
import { importSteps } from './import-steps.ts';
import { createImportWatch } from './import-watch.ts';
import { importOf, listedOrganization } from './lookup.ts';
import { receiveUpload, type UploadRuntime } from './receive.ts';

const tags = ['imports'];
const params = z.object({ import_id: z.uuid() });

/** Imports of a company: upload, preview, start, follow, and the result. */
export function importRoutes(runtime: UploadRuntime, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(uploadRoute(runtime, access));
    await app.register(readRoutes(runtime, access));
    await app.register(watchRoute(runtime, access));
    await app.register(importSteps(runtime, access));
  };
}

function uploadRoute(runtime: UploadRuntime, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    await acceptFiles(app);
    app.post(
      '/api/imports',
      {
        onRequest: access.company('leads:write'),
        schema: {
          tags,
          summary: 'Upload a CSV, as the request body or as a form’s file',
          description:
            'The file is stored whole or not at all. Form fields or query parameters: company_id, encoding, delimiter, header_row (the row of the column names; 0: none), mapping (JSON), start ("true": start immediately if the columns and the encoding are clear and the file is new), again ("true": also start a file that was imported before).',
          consumes: ['text/csv', 'multipart/form-data'],
          response: { 201: receivedSchema, ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503) },
        },
      },
      async (request, reply) => reply.status(201).send(receivedView(await receiveUpload(runtime, request))),
    );
  };
}

function readRoutes(runtime: UploadRuntime, access: Access): FastifyPluginAsyncZod {
  const { db } = runtime;
  return async (app) => {
    app.get(
      '/api/imports',
      {
        onRequest: access.company('leads:read'),
        schema: {
          tags,
          summary: 'List imports, newest first',
          querystring: z.strictObject({
            limit,
            cursor: z.string().max(500).optional(),
            company_id: z
              .string()
              .max(20)
              .optional()
              .describe('Required for callers that act for several companies'),
            file_hash: z
              .string()
              .regex(/^[0-9a-f]{64}$/)
              .optional()
              .describe('Only imports of the file with this SHA-256'),
          }),
          response: {
            200: z.object({ imports: z.array(importSchema), next_cursor: z.string().nullable() }),
            ...problemResponses(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { limit: size, cursor, file_hash: fileHash, ...named } = request.query;
        const organizationId = await listedOrganization(runtime, request, named);
        const parts = readCursor(cursor, [/^\d{1,17}$/, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/]);
        const after = parts ? { micros: parts[0]!, id: parts[1]! } : null;
        const rows = await listImports(db, organizationId, {
          limit: size,
          after,
          ...(fileHash ? { fileHash } : {}),
        });
        const next = nextCursor(rows, size, (last) => [last.micros, last.id]);
        return { imports: rows.map(importView), next_cursor: next };
      },
    );

    app.get(
      '/api/imports/:import_id',
      {
        onRequest: access.company('leads:read'),
        schema: {
          tags,
          summary: 'Read the progress of an import and of its leads in the CRM',
          params,
          response: { 200: progressSchema, ...problemResponses(400, 401, 403, 404, 429, 503) },
        },
      },
      async (request) => {
        const row = await importOf(runtime, request);
        return progressView({ row, syncs: await importCounts(db.reader, row) });
      },
    );
  };
}

function watchRoute(runtime: UploadRuntime, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(fastifySSE, { heartbeatInterval: 15_000 });
    const watch = createImportWatch({ reader: runtime.db.reader, log: runtime.log });
    app.addHook('preClose', async () => watch.close());
    const streams = createStreams(app);
    app.get(
      '/api/imports/:import_id/events',
      {
        onRequest: access.company('leads:read'),
        ...eventStream,
        schema: { tags, summary: 'Follow an import: server-sent events named "progress"', params },
      },
      async (request, reply) => {
        const row = await importOf(runtime, request);
        const stream = streams.open(reply, row.organizationId);
        const stop = watch.watch(row.id, (progress) =>
          stream.send({ event: 'progress', data: progressView(progress), retry: 2_000 }),
        );
        stream.onClose(stop);
        // The first event follows when the import's leads are counted.
        reply.sse.sendHeaders();
        reply.raw.flushHeaders();
      },
    );
  };
}
