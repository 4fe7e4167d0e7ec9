import multipart from '@fastify/multipart';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findCampaign } from '../../db/marketplace/campaigns.ts';
import { uploadCounted } from '../../usecases/account/uploads.ts';
import type { Ingest } from '../../usecases/marketplace/ingest.ts';
import { importLeads, type LeadFileTarget, mostRowsOfLeads } from '../../usecases/marketplace/ingest-file.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { quotaOwnerOf, sellerOf } from '../auth/caller.ts';
import { causeOf } from '../http/cause.ts';
import { contractProblems, missing, queryOf, refused } from '../http/contract.ts';
import { acceptCsvBodies } from '../http/file-bodies.ts';
import { hasIdempotencyKey } from '../http/idempotency.ts';
import { inTurn, takesTurnInHandler } from '../http/turns.ts';
import { uploadedBytes, uploadedFile } from '../http/uploaded-file.ts';
import { unknownCampaign } from './campaigns.ts';
import { idOf } from './fields.ts';
import { importedLeads } from './ingest-examples.ts';

const mostReported = 1_000;

const summarySchema = z
  .object({
    message: z.literal('Import finished'),
    summary: z.object({ rows: z.int(), accepted: z.int(), rejected: z.int() }),
    rejectedRows: z
      .array(z.object({ row: z.int(), errors: z.array(z.string()) }))
      .describe('The first 1,000 rejected rows; the header is row 1'),
  })
  .meta({ examples: [importedLeads] });

type Deps = Pick<Runtime, 'db' | 'vault' | 'config' | 'quotas'> & { ingest: Ingest };

/** Leads of a campaign from a file of its seller. In a scope of its own, because its bodies are files. */
export function leadFileRoute(deps: Deps, access: Access): FastifyPluginAsync {
  const { config } = deps;
  return async (app) => {
    app.addHook('preParsing', async (request) => takesTurnInHandler(request));
    await acceptFiles(app, config.maxCsvBytes);
    app.post(
      '/api/campaigns/:id/leads/import',
      {
        onRequest: access.market('seller'),
        bodyLimit: config.maxCsvBytes,
        schema: {
          tags: ['campaigns'],
          summary: 'Import leads from CSV',
          description: `text/csv, or multipart/form-data with a file, of at most ${mostRowsOfLeads} rows, whose columns are named as the fields of the category, or state and quality. Valid rows are stored and distributed. With an Idempotency-Key, a file that is sent again stores what is missing alone. With ?test=true each row is a test.`,
          consumes: ['text/csv', 'multipart/form-data'],
          params: z.object({ id: z.string() }),
          querystring: z.object({ test: z.enum(['true', 'false']).optional() }),
          response: { 200: summarySchema, ...contractProblems(400, 401, 403, 404, 409, 413, 415, 429, 503) },
        },
      },
      async (request) => {
        const target = await targetOf(deps, request);
        const key = hasIdempotencyKey(request) ? String(request.headers['idempotency-key']) : null;
        return importFile(deps, request, { target, key });
      },
    );
  };
}

export async function acceptFiles(
  app: Parameters<FastifyPluginAsync>[0],
  maxCsvBytes: number,
): Promise<void> {
  acceptCsvBodies(app);
  await app.register(multipart, {
    limits: { files: 1, fields: 5, fieldSize: 1_024, parts: 6, fileSize: maxCsvBytes },
  });
}

/** The campaign in the address. Throws 404, and 400 for one that takes no leads. */
export async function targetOf(
  { db }: Pick<Runtime, 'db'>,
  request: FastifyRequest,
): Promise<LeadFileTarget> {
  const { organizationId } = sellerOf(request);
  const id = idOf(request.params, unknownCampaign);
  const campaign = await findCampaign(db, { organizationId, buyerId: null }, id);
  if (!campaign) throw missing(unknownCampaign);
  if (campaign.status !== 'ACTIVE') throw refused('Campaign is not active');
  const { categoryId, category } = campaign;
  return { organizationId, campaignId: id, categoryId, fields: category.fields };
}

/**
 * Reads the file of a request and stores its rows. Each row counts as a lead that is sent by API. `key`: with it, a file that is sent
 * again stores what is missing alone.
 */
export async function importFile(
  deps: Deps,
  request: FastifyRequest,
  { target, key }: { target: LeadFileTarget; key: string | null },
) {
  const { config, quotas, vault } = deps;
  const { organizationId, campaignId } = target;
  const owner = quotaOwnerOf(request, organizationId);
  const { rows, accepted, rejected } = await uploadCounted(quotas, owner, async () =>
    importLeads(deps, uploadedBytes(await uploadedFile(request), config.maxCsvBytes), {
      target,
      test: queryOf(request).test === 'true',
      cause: causeOf(request),
      keyOf(row, lead) {
        if (key === null) return null;
        const requestHash = vault.index(JSON.stringify(lead));
        return { organizationId, key: `${key} ${row}`, route: `import ${campaignId}`, requestHash };
      },
      async inTurn(work, valid) {
        await quotas.take('leads', owner, valid);
        if (key !== null) await quotas.take('idempotency_keys', owner, valid);
        return inTurn(request, work);
      },
    }),
  );
  return {
    message: 'Import finished' as const,
    summary: { rows, accepted, rejected: rejected.length },
    rejectedRows: rejected.slice(0, mostReported),
  };
}
