import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeBuyer, makeSeller } from '../../harness/market.ts';
import { recordDecision, storeMarketLead } from '../../harness/market-leads.ts';
import { type IngestPlace, makeIngestPlace } from './place.ts';

let place: IngestPlace;
beforeAll(async () => {
  place = await makeIngestPlace();
});
afterAll(() => place?.api.stop());

const lead = () =>
  storeMarketLead(place.api, {
    organizationId: place.seller.organizationId,
    campaignId: place.campaignId,
  });
const decisionsOf = (who: { as: Record<string, string> }, publicId: string) =>
  place.ask(who, 'GET', `/api/leads/${publicId}/decisions`);

it('[S22] the seller reads why each buyer was or was not given a lead, a buyer what was found about himself', async () => {
  const { api, seller, buyer } = place;
  const rival = await makeBuyer(api, seller, { companyName: 'Rival LLC' });
  const stranger = await makeBuyer(api, seller);
  const { publicId } = await lead();
  const of = ({ buyerId }: { buyerId: string }, rule: string | null, seen = {}) => ({
    buyerId,
    subscriptionId: place.campaignId,
    rule,
    seen,
  });
  await recordDecision(api, publicId, [of(buyer, 'wallet', { balanceMinor: 1_250, priceMinor: 2_500 })]);
  await recordDecision(api, publicId, [of(buyer, 'daily_cap', { sold: 10, cap: 10 }), of(rival, null)]);

  const all = await decisionsOf(seller, publicId);
  const at = expect.stringMatching(/^\d{4}-.*Z$/);
  const own = [
    { buyerId: buyer.buyerId, outcome: 'REFUSED', rule: 'daily_cap', seen: { sold: 10, cap: 10 }, at },
    { buyerId: buyer.buyerId, outcome: 'REFUSED', rule: 'wallet', seen: { balance: 12.5, price: 25 }, at },
  ];
  expect([all.statusCode, all.json()]).toEqual([
    200,
    { decisions: [{ buyerId: rival.buyerId, outcome: 'ASSIGNED', rule: null, seen: {}, at }, ...own] },
  ]);
  expect((await decisionsOf(buyer, publicId)).json()).toEqual({ decisions: own });
  const refused = await decisionsOf(stranger, publicId);
  expect([refused.statusCode, refused.json().error]).toEqual([404, 'Lead not found']);
  expect((await decisionsOf(await makeSeller(api), publicId)).statusCode).toBe(404);
});

it('a lead that was not decided yet has none', async () => {
  const { publicId } = await lead();
  expect((await decisionsOf(place.seller, publicId)).json()).toEqual({ decisions: [] });
});
