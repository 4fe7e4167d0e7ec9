import { makeCampaign, makeCategory } from '../harness/market-client.ts';
import type { Place, Provocations } from './wordings.ts';

/** Wordings of what suppliers send. Each place has a category with a required `email`, and a supplier that may send it. */

const none = '0197a3c2-5b1e-7c44-9d55-2f6f3a1f0aff';
const ingest = '/api/leads/ingest';

type Sending = { key: string; supplierId: string; lead: Record<string, unknown>; campaignId: string };

let made = 0;

async function sending({ ask, seller }: Place, { authorized = true } = {}): Promise<Sending> {
  made += 1;
  const categoryId = await makeCategory(ask, seller);
  const campaignId = await makeCampaign(ask, seller, { categoryId });
  const { supplier } = (
    await ask(seller, 'POST', '/api/suppliers', {
      name: 'Sender',
      email: `sender${made}@acme.example`,
      categories: authorized ? [categoryId] : [],
    })
  ).json();
  const data = { firstName: 'Ann', email: `ann${made}@example.com` };
  return {
    key: supplier.apiKey,
    supplierId: supplier.id,
    campaignId,
    lead: { campaignId, categoryId, data },
  };
}

/** Sends the lead with these changes. */
const changed =
  (change: (sending: Sending) => Record<string, unknown>, options?: { authorized: boolean }) =>
  async (place: Place) => {
    const sent = await sending(place, options);
    const lead = { ...sent.lead, ...change(sent) };
    return place.ask({ as: { 'x-api-key': sent.key } }, 'POST', ingest, lead);
  };

const withData = (more: Record<string, unknown>) =>
  changed(({ lead }) => ({ data: { ...(lead.data as object), ...more } }));

const importFile = ({ api, seller }: Place, campaignId: string, csv: string) =>
  api.app.inject({
    method: 'POST',
    url: `/api/campaigns/${campaignId}/leads/import`,
    headers: { ...seller.as, 'content-type': 'text/csv' },
    payload: csv,
  });

export const ofIngest: Provocations = {
  'GET /api/leads/{id}/decisions 404 Lead not found': ({ ask, seller }) =>
    ask(seller, 'GET', '/api/leads/lead_none/decisions'),
  'POST /api/campaigns/{id}/leads/import 400 Campaign is not active': async (place) => {
    const paused = await makeCampaign(place.ask, place.seller, { status: 'PAUSED' });
    return importFile(place, paused, 'firstName,email\nAnn,ann@example.com');
  },
  'POST /api/campaigns/{id}/leads/import 400 Missing columns': async (place) =>
    importFile(place, (await sending(place)).campaignId, 'firstName\nAnn'),
  'POST /api/campaigns/{id}/leads/import 404 Campaign not found': (place) =>
    importFile(place, none, 'firstName\nAnn'),
  'POST /api/leads/ingest 401 Missing API key': ({ ask }) => ask({ as: {} }, 'POST', ingest, {}),
  'POST /api/leads/ingest 401 Invalid API key': ({ ask }) =>
    ask({ as: { 'x-api-key': `sk_${'a'.repeat(32)}` } }, 'POST', ingest, {}),
  'POST /api/leads/ingest 403 Forbidden': async ({ api, ask }) =>
    ask({ as: { 'x-api-key': api.key } }, 'POST', ingest, {}),
  'POST /api/leads/ingest 403 Supplier account is not active': async (place) => {
    const { key, supplierId, lead } = await sending(place);
    await place.ask(place.seller, 'DELETE', `/api/suppliers/${supplierId}`);
    return place.ask({ as: { 'x-api-key': key } }, 'POST', ingest, lead);
  },
  'POST /api/leads/ingest 400 Missing required fields: campaignId, categoryId, data': changed(() => ({
    campaignId: none,
    categoryId: '',
  })),
  'POST /api/leads/ingest 400 Invalid data': changed(() => ({ campaignId: none, data: ['Ann'] })),
  'POST /api/leads/ingest 404 Campaign not found': changed(() => ({ campaignId: none, categoryId: none })),
  'POST /api/leads/ingest 403 Campaign does not belong to your seller': async (place) => {
    const foreign = await makeCampaign(place.ask, place.other, { status: 'PAUSED' });
    return changed(() => ({ campaignId: foreign }))(place);
  },
  'POST /api/leads/ingest 400 Campaign is not active': async (place) => {
    const { key, campaignId, lead } = await sending(place);
    await place.ask(place.seller, 'PUT', `/api/campaigns/${campaignId}`, { status: 'PAUSED' });
    return place.ask({ as: { 'x-api-key': key } }, 'POST', ingest, { ...lead, categoryId: none });
  },
  'POST /api/leads/ingest 400 Category does not match campaign': changed(() => ({ categoryId: none })),
  'POST /api/leads/ingest 403 Supplier is not authorized to submit leads for this category': changed(
    () => ({ data: {} }),
    { authorized: false },
  ),
  'POST /api/leads/ingest 400 Missing required field: email': withData({ email: ' ', roofAge: 'old' }),
  'POST /api/leads/ingest 400 Invalid value for field: email': withData({ email: 'ann', roofAge: 'old' }),
  'POST /api/leads/ingest 400 Invalid state': changed(() => ({ state: 'Calif.', quality: 'BEST' })),
  'POST /api/leads/ingest 400 Invalid quality': changed(() => ({ quality: 'BEST', test: 1 })),
  'POST /api/leads/ingest 400 Invalid test': changed(() => ({ test: 'true' })),
  'POST /api/leads/ingest/bulk 400 Leads are required': async (place) => {
    const { key } = await sending(place);
    return place.ask({ as: { 'x-api-key': key } }, 'POST', `${ingest}/bulk`, { leads: [] });
  },
  'POST /api/leads/ingest/bulk 400 Too many leads: at most 1000': async (place) => {
    const { key } = await sending(place);
    const leads = Array.from({ length: 1_001 }, () => ({}));
    return place.ask({ as: { 'x-api-key': key } }, 'POST', `${ingest}/bulk`, { leads });
  },
};
