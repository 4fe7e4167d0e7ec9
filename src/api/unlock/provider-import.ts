import type { Readable } from 'node:stream';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import multipart from '@fastify/multipart';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { assertProviders, type Upserted, upsertBuyers } from '../../db/account/buyers.ts';
import { lockCount } from '../../db/account/stored.ts';
import type { Tx } from '../../db/client.ts';
import { RefusedError } from '../../domain/errors.ts';
import { uploadCounted } from '../../usecases/account/uploads.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { organizationOf, quotaOwnerOf } from '../auth/caller.ts';
import { acceptCsvBodies } from '../http/file-bodies.ts';
import { problemResponses } from '../http/problem.ts';
import { inTurn, takesTurnInHandler } from '../http/turns.ts';
import { uploadedFile } from '../http/uploaded-file.ts';
import { type ProviderRow, type RejectedRow, readProviderRows } from './provider-csv.ts';

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
/** Rows are held in memory until the file is complete. */
const mostProviders = 50_000;

/** Imports a CSV of providers, sent as the body or as a form's file. Stores all valid rows or none. */
export function providerImport(
  deps: Pick<Runtime, 'db' | 'config' | 'quotas'>,
  access: Access,
): FastifyPluginAsync {
  const { db, config, quotas } = deps;
  return async (app) => {
    app.addHook('preParsing', async (request) => takesTurnInHandler(request));
    acceptCsvBodies(app);
    await app.register(multipart, {
      limits: { files: 1, fields: 5, fieldSize: 1_024, parts: 6, fileSize: config.maxCsvBytes },
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
            'text/csv, or multipart/form-data with a file. Existing providers are updated, so repeating an import changes nothing. A row with the id of a buyer of the marketplace is rejected.',
          consumes: ['text/csv', 'multipart/form-data'],
          response: { 200: summary, ...problemResponses(400, 401, 403, 413, 415, 429, 503) },
        },
      },
      async (request) => {
        const organizationId = organizationOf(request);
        // Counted as one upload until it is stored.
        const { file, stored } = await uploadCounted(quotas, quotaOwnerOf(request), async () => {
          // Received in full first: a transaction that waits for a client keeps its connection from everyone else.
          const file = await receiveProviders(await uploadedFile(request), config);
          const stored = await quotas.stored('providers', organizationId, (most) =>
            inTurn(request, () => db.withTx((tx) => upsertAll(tx, { organizationId, most }, file.valid))),
          );
          return { file, stored };
        });
        const { created, updated } = stored;
        const rejected = file.rows - created - updated;
        return {
          success: true as const,
          summary: { total_rows: file.rows, created, updated, rejected },
          rejected_rows: withTaken(file, new Set(stored.taken)),
        };
      },
    );
  };
}

/** The valid rows of an uploaded file, and the first of its rejected ones. */
type ProviderFile = { rows: number; valid: ProviderRow[]; rejected: RejectedRow[] };

/** Reads a file to its end. Throws RefusedError when it is not a complete CSV of at most `mostProviders` providers. */
async function receiveProviders(
  source: Readable,
  config: Pick<Config, 'maxCsvBytes'>,
): Promise<ProviderFile> {
  const file: ProviderFile = { rows: 0, valid: [], rejected: [] };
  for await (const batch of readProviderRows(source, { maxBytes: config.maxCsvBytes, batchSize })) {
    file.rows += batch.valid.length + batch.rejected.length;
    if (file.rows > mostProviders)
      throw new RefusedError(
        413,
        'too_large',
        `The file has more than ${mostProviders} rows. Nothing was stored: split it into several files.`,
      );
    file.valid.push(...batch.valid);
    file.rejected.push(...batch.rejected.slice(0, mostReported - file.rejected.length));
    // A file that is here already would otherwise be checked without a pause.
    await letOthersRun();
  }
  return file;
}

/** The first rejected rows, with those whose ids are taken. */
function withTaken({ valid, rejected }: ProviderFile, taken: ReadonlySet<string>): RejectedRow[] {
  if (taken.size === 0) return rejected;
  const refused = valid
    .filter(({ externalId }) => taken.has(externalId))
    .map(({ row }) => ({
      row,
      errors: ['external_id: is that of a buyer of the marketplace, which is changed with /api/buyers'],
    }));
  return [...rejected, ...refused].sort((a, b) => a.row - b.row).slice(0, mostReported);
}

/** In one order for the whole file, not only for each statement: two imports of one list must not block each other. */
async function upsertAll(
  tx: Tx,
  { organizationId, most }: { organizationId: string; most: number },
  providers: readonly ProviderRow[],
): Promise<Upserted> {
  const sorted = [...providers].sort((a, b) => (a.externalId < b.externalId ? -1 : 1));
  const totals: Upserted = { created: 0, updated: 0, taken: [] };
  // Before any provider is locked, as in the creation of a single one.
  await lockCount(tx, 'providers', organizationId);
  for (let first = 0; first < sorted.length; first += batchSize) {
    const { created, updated, taken } = await upsertBuyers(
      tx,
      organizationId,
      sorted.slice(first, first + batchSize),
    );
    totals.created += created;
    totals.updated += updated;
    totals.taken.push(...taken);
  }
  await assertProviders(tx, organizationId, most);
  return totals;
}
