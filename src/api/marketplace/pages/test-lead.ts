import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findCampaign, listCampaigns } from '../../../db/marketplace/campaigns.ts';
import { findDecisions } from '../../../db/marketplace/distributions.ts';
import { findSupplier } from '../../../db/marketplace/suppliers.ts';
import { answerOf, pendingAnswer } from '../../../domain/marketplace/ingest-answer.ts';
import { createIngest } from '../../../usecases/marketplace/ingest.ts';
import { decisionWatchOf } from '../../../usecases/marketplace/ingest-wait.ts';
import { quotaOwnerOf, sellerOf } from '../../auth/caller.ts';
import { causeOf } from '../../http/cause.ts';
import { missing } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { idOf } from '../fields.ts';
import { refusalOf } from '../ingest.ts';
import { type MarketSite, refusedForm } from './site.ts';
import { type TestedLead, TestLeadPage } from './test-lead-page.tsx';

const hidden = { schema: { hide: true } };
const unknown = 'Supplier not found';
const mostCampaigns = 200;
const chosenCampaign = z.object({ campaign: z.uuid().nullable().catch(null) });
const prefix = 'data-';

/** A lead as this supplier would send it, decided as a test: who would get it, and why others would not. */
export function testLeadPages(app: FastifyInstance, site: MarketSite): void {
  const { runtime } = site;
  const { db } = runtime;
  const ingest = createIngest(runtime);
  const show = async (
    request: FastifyRequest,
    reply: FastifyReply,
    form: FormState,
    tested: TestedLead | null,
  ) => {
    const seller = sellerOf(request);
    const supplier = await findSupplier(db, seller.organizationId, idOf(request.params, unknown));
    if (!supplier) throw missing(unknown);
    const { campaign: id } = chosenCampaign.parse(request.query);
    const [visit, { campaigns }, campaign] = await Promise.all([
      site.visit(request),
      listCampaigns(db.reader, seller, { status: 'ACTIVE', limit: mostCampaigns, offset: 0 }),
      id === null ? null : findCampaign(db, seller, id),
    ]);
    const own = campaigns.filter(({ categoryId }) => supplier.categories.includes(categoryId));
    return site.send(reply, TestLeadPage({ visit, supplier, campaigns: own, campaign, form, tested }));
  };
  app.get('/market/suppliers/:id/test', hidden, async (request, reply) =>
    show(request, reply, untouched, null),
  );
  app.post('/market/suppliers/:id/test', hidden, async (request, reply) => {
    const values = formOf(request);
    try {
      return await show(request, reply, { ...untouched, values }, await test(request, values));
    } catch (error) {
      const form = refusedForm(error, values, (path) => path.replace(/^data\./, prefix));
      return show(request, reply.status(400), form, null);
    }
  });

  const test = async (request: FastifyRequest, values: Record<string, string>): Promise<TestedLead> => {
    const { organizationId } = sellerOf(request);
    const supplier = await findSupplier(db, organizationId, idOf(request.params, unknown));
    if (!supplier) throw missing(unknown);
    const owner = { organizationId, supplierId: supplier.id };
    const { campaign: campaignId } = chosenCampaign.parse(request.query);
    const campaign = campaignId === null ? null : await findCampaign(db, sellerOf(request), campaignId);
    const given = { ...leadIn(values), campaignId, categoryId: campaign?.categoryId };
    const judged = await ingest.judge(given, owner);
    if (!judged.ok) throw refusalOf(judged.refusal);
    await runtime.quotas.take('leads', quotaOwnerOf(request, organizationId));
    const { leadId, publicId } = await ingest.store(judged.lead, {
      ...owner,
      key: null,
      cause: causeOf(request),
    });
    const decided = await decisionWatchOf(db).wait(
      leadId,
      runtime.config.ingestWaitMs,
      AbortSignal.timeout(runtime.config.ingestWaitMs + 1_000),
    );
    const decisions = await findDecisions(db, { organizationId, buyerId: null }, publicId);
    return {
      publicId,
      answer: decided ? answerOf(publicId, decided) : pendingAnswer(publicId),
      decisions: decisions ?? [],
    };
  };
}

/** What the form says of a lead. It is always a test. */
const leadIn = (values: Record<string, string>) => ({
  data: Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  ),
  state: values.state,
  quality: values.quality,
  test: true,
});
