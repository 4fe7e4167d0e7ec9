import multipart from '@fastify/multipart';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { uploadCounted } from '../../usecases/account/uploads.ts';
import {
  buyersCsv,
  importBuyers,
  importSubscriptions,
  subscriptionsCsv,
} from '../../usecases/marketplace/buyer-files.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { quotaOwnerOf, sellerOf } from '../auth/caller.ts';
import { sendCsv } from '../http/attachment.ts';
import { contractProblems } from '../http/contract.ts';
import { acceptCsvBodies } from '../http/file-bodies.ts';
import { inTurn, takesTurnInHandler } from '../http/turns.ts';
import { uploadedBytes, uploadedFile } from '../http/uploaded-file.ts';
import { imported } from './party-examples.ts';

const mostReported = 1_000;

const summarySchema = z
  .object({
    message: z.literal('Import finished'),
    summary: z.object({
      rows: z.int(),
      created: z.int(),
      updated: z.int(),
      unchanged: z.int(),
      rejected: z.int(),
    }),
    rejectedRows: z
      .array(z.object({ row: z.int(), errors: z.array(z.string()) }))
      .describe('The first 1,000 rejected rows; the header is row 1'),
  })
  .meta({ examples: [imported] });

const files = [
  {
    path: '/api/buyers',
    tag: 'buyers',
    fileName: 'buyers.csv',
    csv: buyersCsv,
    store: importBuyers,
    columns:
      'email, name, companyName, priority, phoneNumber, status, monthlySpendingLimit, weeklySpendingLimit',
  },
  {
    path: '/api/campaigns/subscriptions',
    tag: 'campaigns',
    fileName: 'subscriptions.csv',
    csv: subscriptionsCsv,
    store: importSubscriptions,
    columns: 'buyerEmail, campaignId, status, dailyCap, states, waterfallPriority, onShortWallet',
  },
] as const;

type Deps = Pick<Runtime, 'db' | 'config' | 'quotas'>;

/** Buyers and subscriptions of a seller as files, out and in. */
export function partyFiles(deps: Deps, access: Access): FastifyPluginAsync {
  return async (app) => {
    for (const { path, tag, fileName, csv, columns } of files)
      app.get(
        `${path}/export.csv`,
        {
          onRequest: access.market('seller'),
          schema: {
            tags: [tag],
            summary: `Download as CSV: ${columns}`,
            produces: ['text/csv'],
            response: contractProblems(401, 403, 429, 503),
          },
        },
        async (request, reply) => {
          const { organizationId } = sellerOf(request);
          const owner = quotaOwnerOf(request, organizationId);
          const file = { fileName, csv: csv(deps, organizationId) };
          return sendCsv(reply, file, { quotas: deps.quotas, owner });
        },
      );
    await app.register(imports(deps, access));
  };
}

/** In a scope of its own, because its bodies are files. */
function imports(deps: Deps, access: Access): FastifyPluginAsync {
  const { config, quotas } = deps;
  return async (app) => {
    app.addHook('preParsing', async (request) => takesTurnInHandler(request));
    acceptCsvBodies(app);
    await app.register(multipart, {
      limits: { files: 1, fields: 5, fieldSize: 1_024, parts: 6, fileSize: config.maxCsvBytes },
    });
    for (const { path, tag, columns, store } of files)
      app.post(
        `${path}/import`,
        {
          onRequest: access.market('seller'),
          bodyLimit: config.maxCsvBytes,
          schema: {
            tags: [tag],
            summary: `Import from CSV: ${columns}`,
            description:
              'text/csv, or multipart/form-data with a file, of at most 10,000 rows. Valid rows are stored; what exists is changed by the cells that are not blank, so repeating an import changes nothing.',
            consumes: ['text/csv', 'multipart/form-data'],
            response: { 200: summarySchema, ...contractProblems(400, 401, 403, 413, 415, 429, 503) },
          },
        },
        async (request) => {
          const { organizationId, person } = sellerOf(request);
          const { rejected, ...counts } = await uploadCounted(
            quotas,
            quotaOwnerOf(request, organizationId),
            async () => {
              const bytes = uploadedBytes(await uploadedFile(request), config.maxCsvBytes);
              return store(deps, bytes, {
                organizationId,
                actor: person.id,
                knownAddresses: {
                  take: (units) => quotas.take('known_addresses', { organizationId, keyId: null }, units),
                  giveBack: (units) =>
                    quotas.giveBack('known_addresses', { organizationId, keyId: null }, units),
                },
                async inTurn(work, rows) {
                  await quotas.take('market_changes', quotaOwnerOf(request, organizationId), rows);
                  return inTurn(request, work);
                },
              });
            },
          );
          return {
            message: 'Import finished' as const,
            summary: { ...counts, rejected: rejected.length },
            rejectedRows: rejected.slice(0, mostReported),
          };
        },
      );
  };
}
