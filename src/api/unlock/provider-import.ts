import multipart from '@fastify/multipart';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { upsertBuyers } from '../../db/account/buyers.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { organizationOf } from '../auth/caller.ts';
import { problemResponses } from '../http/problem.ts';
import { uploadedFile } from '../http/uploaded-file.ts';
import { readProviderRows } from './provider-csv.ts';

const summary = z.object({
  success: z.literal(true),
  summary: z.object({
    total_rows: z.number(),
    created: z.number(),
    updated: z.number(),
    rejected: z.number(),
  }),
  rejected_rows: z
    .array(z.object({ row: z.number(), errors: z.array(z.string()) }))
    .describe('The first 1,000 rejected rows; the header is row 1'),
});

const mostReported = 1_000;
const batchSize = 500;

/** Imports a CSV of providers, sent as the body or as a form's file. Stores all valid rows or none. */
export function providerImport(deps: Pick<Runtime, 'db' | 'config'>, access: Access): FastifyPluginAsync {
  const { db, config } = deps;
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(['text/csv', 'application/csv'], (_request, payload, done) =>
      done(null, payload),
    );
    await app.register(multipart, {
      limits: { files: 1, fields: 5, parts: 6, fileSize: config.maxCsvBytes },
    });

    app.post(
      '/api/providers/import',
      {
        onRequest: access.organization('providers:write'),
        bodyLimit: config.maxCsvBytes,
        schema: {
          tags: ['providers'],
          summary: 'Import providers from CSV: external_id, name, phone, email, language',
          description:
            'text/csv, or multipart/form-data with a file. Existing providers are updated, so repeating an import changes nothing.',
          consumes: ['text/csv', 'multipart/form-data'],
          response: { 200: summary, ...problemResponses(400, 401, 403, 413, 415, 429, 503) },
        },
      },
      async (request) => {
        const organizationId = organizationOf(request);
        const source = await uploadedFile(request);
        let started = false;
        return db.withTx(async (tx) => {
          // A transaction is retried on a deadlock, but a stream cannot be read twice.
          if (started)
            throw new RefusedError(503, 'unavailable', 'Interrupted by another import. Please try again.', {
              retryAfterSeconds: 1,
            });
          started = true;
          const totals = { total_rows: 0, created: 0, updated: 0, rejected: 0 };
          const rejected: { row: number; errors: string[] }[] = [];
          for await (const batch of readProviderRows(source, { maxBytes: config.maxCsvBytes, batchSize })) {
            totals.total_rows += batch.valid.length + batch.rejected.length;
            totals.rejected += batch.rejected.length;
            rejected.push(...batch.rejected.slice(0, mostReported - rejected.length));
            if (batch.valid.length === 0) continue;
            const stored = await upsertBuyers(tx, organizationId, batch.valid);
            totals.created += stored.created;
            totals.updated += stored.updated;
          }
          return { success: true as const, summary: totals, rejected_rows: rejected };
        });
      },
    );
  };
}
