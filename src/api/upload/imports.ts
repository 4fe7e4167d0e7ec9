import { Readable } from 'node:stream';
import { fastifySSE } from '@fastify/sse';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Company } from '../../db/account/companies.ts';
import { type Import, importCounts, listImports } from '../../db/imports/imports.ts';
import { readRejects } from '../../db/imports/rejects.ts';
import { rejectsCsv } from '../../domain/csv/write.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { dialectOf, previewImport, type ReceivedFile } from '../../usecases/imports/preview.ts';
import { dropFile, receiveFile } from '../../usecases/imports/receive.ts';
import { cancelImport, retryFailed, startImport } from '../../usecases/imports/start.ts';
import type { CompanyAccess } from '../auth/company-caller.ts';
import { limit, nextCursor, readCursor } from '../http/fields.ts';
import { idempotencyKeyOf } from '../http/idempotency.ts';
import { problemResponses } from '../http/problem.ts';
import { createStreams } from '../http/streams.ts';
import { acceptFiles, type UploadFields, withUploadedFile } from './body.ts';
import { assertCompany, causeOf, companyOf, importOf, organizationOf, ownerOf } from './caller.ts';
import {
  importSchema,
  importView,
  progressSchema,
  progressView,
  receivedSchema,
  receivedView,
} from './json.ts';
import { createImportWatch, type ImportProgress } from './watch.ts';

export type ImportRuntime = Pick<Runtime, 'db' | 'vault' | 'relay' | 'config' | 'log'>;

const tags = ['imports'];
const params = z.object({ import_id: z.uuid() });
const mapping = z.array(z.string().max(300).nullable()).max(500);
const refusals = problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503);

/** A company's files: brought, looked at, started, watched, and what became of them. */
export function importRoutes(runtime: ImportRuntime, access: CompanyAccess): FastifyPluginAsyncZod {
  const { db } = runtime;
  return async (root) => {
    await root.register(uploadRoute(runtime, access));
    await root.register(watchRoute(runtime, access));
    await root.register(resultRoutes(runtime, access));
    await root.register(steps(runtime, access));

    root.get(
      '/api/imports',
      {
        onRequest: access.require('leads:read'),
        schema: {
          tags,
          summary: 'List imports, newest first',
          querystring: z.strictObject({
            limit,
            cursor: z.string().max(500).optional(),
            company_id: z.string().max(20).optional().describe('For those who act for several companies'),
            file_hash: z
              .string()
              .regex(/^[0-9a-f]{64}$/)
              .optional()
              .describe('Imports of this very file (SHA-256)'),
          }),
          response: {
            200: z.object({ imports: z.array(importSchema), next_cursor: z.string().nullable() }),
            ...problemResponses(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { limit: size, cursor, file_hash: fileHash, ...named } = request.query;
        const organizationId = await organizationOf(runtime, request, named);
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

    root.get(
      '/api/imports/:import_id',
      {
        onRequest: access.require('leads:read'),
        schema: {
          tags,
          summary: 'Where an import stands, and what became of its leads in the CRM',
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

function uploadRoute(runtime: ImportRuntime, access: CompanyAccess): FastifyPluginAsyncZod {
  return async (app) => {
    await acceptFiles(app);
    app.post(
      '/api/imports',
      {
        onRequest: access.require('leads:write'),
        schema: {
          tags,
          summary: 'Bring a CSV, as the body itself or as a form’s file',
          description:
            'Kept whole, or not at all. Fields of the form, or of the query: company_id, encoding, delimiter, mapping (JSON), start ("true": at once, if its columns are clear and the file is new), again ("true": also if it is not new).',
          consumes: ['text/csv', 'multipart/form-data'],
          response: { 201: receivedSchema, ...refusals },
        },
      },
      async (request, reply) => {
        const received = await receiveUpload(runtime, request);
        return reply.status(201).send(receivedView(received.file));
      },
    );
  };
}

export type ReceivedUpload = { company: Company; file: ReceivedFile };

/** The file of a request, kept, and started where its fields ask for it and nothing stands against it. */
export async function receiveUpload(
  runtime: ImportRuntime,
  request: FastifyRequest,
  { start = false }: { start?: boolean } = {},
): Promise<ReceivedUpload> {
  return undoing(runtime, async (made) => {
    const { taken, fields } = await withUploadedFile(
      request,
      runtime.config,
      async ({ name, bytes }, before) => {
        const company = await companyOf(runtime, request, before);
        mappingIn(before);
        const key = (fileHash: string) =>
          idempotencyKeyOf(
            request,
            { organizationId: company.organizationId, vault: runtime.vault },
            fileHash,
          );
        const dialect = dialectOf(before);
        return { company, file: made(await receiveFile(runtime, { company, name, bytes, dialect, key })) };
      },
    );
    // What came after the file is judged only now.
    assertCompany(taken.company, fields);
    const file = await goOn(runtime, request, taken, start ? { ...fields, start: 'true' } : fields);
    return { company: taken.company, file };
  });
}

/**
 * A request that is refused leaves no file behind that it made, and its Idempotency-Key is free again; one that was there
 * before it stays. What failed for another reason goes on where it was when it is repeated.
 */
export async function undoing<T>(
  runtime: ImportRuntime,
  act: (made: (file: ReceivedFile) => ReceivedFile) => Promise<T>,
): Promise<T> {
  let kept: ReceivedFile | null = null;
  try {
    return await act((file) => {
      kept = file;
      return file;
    });
  } catch (error) {
    const file = kept as ReceivedFile | null;
    const refused = error instanceof RefusedError && error.status < 500;
    // Should this fail: the sweep takes a file that nobody starts.
    if (file && !file.repeated && refused) await dropFile(runtime, file).catch(() => undefined);
    throw error;
  }
}

async function goOn(
  runtime: ImportRuntime,
  request: FastifyRequest,
  { company, file }: ReceivedUpload,
  fields: UploadFields,
): Promise<ReceivedFile> {
  if (file.row.status !== 'ready') return file;
  const mapping = mappingIn(fields);
  const seen = mapping === undefined ? file : await previewImport(runtime, company, file.row, { mapping });
  const again = fields.again === 'true';
  const clear = seen.row.mapping !== null && (again || seen.sameFile === null);
  if (fields.start !== 'true' || !clear) return seen;
  const row = await startImport(runtime, company, seen.row, { again, cause: causeOf(request) });
  return { ...seen, row };
}

function mappingIn({ mapping: text }: UploadFields): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
      fields: [{ path: 'mapping', message: 'a JSON list: a field or null for each column' }],
    });
  }
}

function steps(runtime: ImportRuntime, access: CompanyAccess): FastifyPluginAsyncZod {
  return async (app) => {
    const onRequest = access.require('leads:write');
    app.post(
      '/api/imports/:import_id/preview',
      {
        onRequest,
        schema: {
          tags,
          summary: 'What the file would become, with corrections of its mapping; nothing is stored of it yet',
          params,
          body: z
            .strictObject({
              mapping: mapping.optional(),
              encoding: z.string().max(40).optional(),
              delimiter: z.string().max(10).optional(),
            })
            .nullish(),
          response: { 200: receivedSchema, ...refusals },
        },
      },
      async (request) => {
        const row = await importOf(runtime, request);
        const company = await ownerOf(runtime, row);
        const { mapping: given, ...read } = request.body ?? {};
        const dialect = read.encoding || read.delimiter ? dialectOf(read) : undefined;
        return receivedView(await previewImport(runtime, company, row, { mapping: given, dialect }));
      },
    );
    app.post(
      '/api/imports/:import_id/start',
      {
        onRequest,
        schema: {
          tags,
          summary: 'Read the file into leads',
          params,
          body: z
            .strictObject({
              mapping: mapping.optional(),
              again: z.boolean().optional().describe('The same file was imported before, and it is meant'),
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
          summary: 'Stop: rows not read are not read, leads not in the CRM yet are not sent there',
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
          summary: 'Bring those leads to the CRM once more that it did not take',
          params,
          response: { 202: z.object({ retrying: z.boolean() }), ...refusals },
        },
      },
      async (request, reply) => {
        const row = await importOf(runtime, request);
        const retrying = await retryFailed(runtime, row, causeOf(request));
        return reply.status(202).send({ retrying });
      },
    );
  };
}

function resultRoutes(runtime: ImportRuntime, access: CompanyAccess): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/imports/:import_id/rejects.csv',
      {
        onRequest: access.require('leads:write'),
        schema: {
          tags,
          summary: 'The rows that were not taken, as they came, with the reason at the end',
          params,
          produces: ['text/csv'],
          response: problemResponses(400, 401, 403, 404, 429, 503),
        },
      },
      async (request, reply) => {
        const row = await importOf(runtime, request);
        return sendRejects(runtime, reply, row);
      },
    );
  };
}

/** Formulas in it are text, and it can be corrected and uploaded again. */
export function sendRejects(
  runtime: Pick<ImportRuntime, 'db' | 'vault'>,
  reply: FastifyReply,
  row: Import,
): FastifyReply {
  const name = `${row.fileName.replace(/\.[a-z]{1,5}$/i, '')}.rejected.csv`;
  const ascii = name.replace(/[^\w. -]/g, '_');
  reply.headers({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(name)}`,
    'cache-control': 'no-store',
  });
  return reply.send(Readable.from(rejectsCsv(row.header ?? [], readRejects(runtime, row.id))));
}

function watchRoute(runtime: ImportRuntime, access: CompanyAccess): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(fastifySSE, { heartbeatInterval: 15_000 });
    const watch = createImportWatch({ reader: runtime.db.reader, log: runtime.log });
    app.addHook('preClose', async () => watch.close());
    const streams = createStreams(app);
    app.get(
      '/api/imports/:import_id/events',
      {
        onRequest: access.require('leads:read'),
        sse: 'only',
        schema: { tags, summary: 'The same as it moves, as server-sent events named "progress"', params },
      },
      async (request, reply) => {
        const row = await importOf(runtime, request);
        const stream = streams.open(reply, row.organizationId);
        const tell = (progress: ImportProgress) =>
          stream.tell({ event: 'progress', data: progressView(progress), retry: 2_000 });
        tell({ row, syncs: await importCounts(runtime.db, row) });
        stream.onClose(watch.watch(row.id, tell));
      },
    );
  };
}
