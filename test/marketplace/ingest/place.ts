import type { LightMyRequestResponse } from 'fastify';
import { type ApiOptions, type ApiTest, startApi } from '../../harness/api-app.ts';
import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../../harness/market.ts';
import { type Ask, makeCampaign, makeCategory, marketClient } from '../../harness/market-client.ts';

/** A seller with a campaign, a buyer of it, and a supplier that sends its leads. */
export type IngestPlace = {
  api: ApiTest;
  ask: Ask;
  seller: MadeSeller;
  buyer: MadeBuyer;
  categoryId: string;
  campaignId: string;
  supplier: MadeSupplier;
  /** Sends a lead with the supplier's key. */
  send(lead: Record<string, unknown>, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** A lead of the campaign that no other one equals. */
  lead(more?: Record<string, unknown>): Record<string, unknown> & { data: Record<string, unknown> };
};
export type MadeSupplier = { id: string; apiKey: string };

export const fields = [
  { name: 'firstName', type: 'text', required: true },
  { name: 'email', type: 'email', required: true },
  { name: 'phone', type: 'phone', required: false },
  { name: 'roofAge', type: 'number', required: false },
  { name: 'homeState', type: 'state', required: false },
];

let sent = 0;

export async function makeIngestPlace(options: ApiOptions = {}): Promise<IngestPlace> {
  const api = await startApi(options);
  const ask = marketClient(api);
  const seller = await makeSeller(api);
  const categoryId = await makeCategory(ask, seller, { fields });
  const campaignId = await makeCampaign(ask, seller, { categoryId });
  const supplier = await makeSupplier(ask, seller, [categoryId]);
  return {
    api,
    ask,
    seller,
    buyer: await makeBuyer(api, seller),
    categoryId,
    campaignId,
    supplier,
    send: (lead, headers = {}) => sendLead(api, supplier, lead, headers),
    lead(more = {}) {
      sent += 1;
      const data = { firstName: 'Ann', email: `ann${sent}@example.com`, roofAge: 12, coverage: 'full' };
      return { campaignId, categoryId, data, ...more };
    },
  };
}

export const sendLead = (
  api: ApiTest,
  { apiKey }: Pick<MadeSupplier, 'apiKey'>,
  lead: unknown,
  headers: Record<string, string> = {},
) =>
  api.app.inject({
    method: 'POST',
    url: '/api/leads/ingest',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey, ...headers },
    payload: JSON.stringify(lead),
  });

let suppliers = 0;

/** A supplier of these categories, live unless it stays in test mode. */
export async function makeSupplier(
  ask: Ask,
  seller: MadeSeller,
  categories: readonly string[],
  { testMode = false } = {},
): Promise<MadeSupplier> {
  suppliers += 1;
  const body = { name: `Acme ${suppliers}`, email: `acme${suppliers}@supplier.example`, categories };
  const { supplier } = (await ask(seller, 'POST', '/api/suppliers', body)).json();
  if (!testMode) await ask(seller, 'PUT', `/api/suppliers/${supplier.id}`, { testMode: false });
  return supplier;
}
