import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RefusedError } from '../../../domain/errors.ts';
import { createIngest } from '../../../usecases/marketplace/ingest.ts';
import { takesTurnInHandler } from '../../http/turns.ts';
import { acceptFiles, importFile, targetOf } from '../lead-file.ts';
import { LeadFilePage } from './lead-file-page.tsx';
import type { MarketSite } from './site.ts';

const keyQuery = z.object({ key: z.uuid().nullable().catch(null) });

/** The form on a campaign's page that imports leads from a file. In a scope of its own, because its bodies are files. */
export async function leadFilePages(app: FastifyInstance, site: MarketSite): Promise<void> {
  const { runtime } = site;
  const ingest = createIngest(runtime);
  await app.register(async (files) => {
    files.addHook('preParsing', async (request) => takesTurnInHandler(request));
    await acceptFiles(files, runtime.config.maxCsvBytes);
    const options = { schema: { hide: true }, bodyLimit: runtime.config.maxCsvBytes };
    files.post('/market/campaigns/:id/leads', options, async (request, reply) => {
      const target = await targetOf(runtime, request);
      const visit = await site.visit(request);
      const { key } = keyQuery.parse(request.query);
      const shown = { visit, campaignId: target.campaignId };
      try {
        const imported = await importFile({ ...runtime, ingest }, request, { target, key });
        return await site.send(reply, LeadFilePage({ ...shown, imported, problem: null }));
      } catch (error) {
        if (!(error instanceof RefusedError) || error.status >= 500) throw error;
        const page = LeadFilePage({ ...shown, imported: null, problem: error.message });
        return site.send(reply.status(error.status), page);
      }
    });
  });
}
