import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
import { offerMarketLead, recordDecision, sellMarketLead, storeMarketLead } from '../harness/market-leads.ts';
import type { TestSystem } from '../harness/system.ts';
import { setAutoRecharge, walletClient } from '../harness/wallets.ts';

/** Something of each kind on the pages of the marketplace, made as its seller and its buyer would. Their addresses by name. */
export async function marketPlaces(system: TestSystem) {
  const seller = await makeSeller(system);
  const buyer = await makeBuyer(system, seller);
  const send = submitter(system);

  const category = await send(seller, '/market/categories', {
    name: 'Solar leads of homeowners',
    description: 'People who asked for an offer on a solar roof within the last day.',
    ...rowOf(0, { name: 'firstName', type: 'text', required: '1' }),
    ...rowOf(1, { name: 'email', type: 'email', required: '1', description: 'Confirmed by a link' }),
    ...rowOf(2, { name: 'roof', type: 'select', options: 'Tile\nMetal\nShingle' }),
  });
  await send(seller, category, {
    name: 'Solar leads',
    description: '',
    ...rowOf(0, { name: 'email', type: 'email' }),
  });
  const campaignOf = (name: string, more: object = {}) =>
    send(seller, '/market/campaigns', {
      categoryId: category.split('/').pop()!,
      name,
      pricePerLead: '27.5',
      distributionLogic: 'WATERFALL',
      ...more,
    });
  const campaign = await campaignOf('Florida roofs, exclusive, fresh within the hour', {
    description: 'One buyer for each lead.',
    maxSales: '1',
  });
  const open = await campaignOf('Texas roofs', {
    distributionLogic: 'BROADCAST',
    allowStateSelection: 'false',
  });
  await send(seller, `${await campaignOf('Georgia roofs')}/pause`, {});
  const subscription = campaign.replace('campaigns', 'subscriptions');
  await send(buyer, subscription, {
    ...{ dailyCap: '20', states: 'FL, GA, TX', waterfallPriority: '1' },
    onShortWallet: 'offer',
  });
  await send(buyer, '/market/profile', { companyName: 'Buyer Inc' });
  const pay = walletClient(system);
  for (const paymentMethodId of ['pm_card_visa', 'pm_card_mastercard'])
    await pay(buyer, 'POST', 'methods', { paymentMethodId });
  await pay(buyer, 'POST', 'wallet', { amount: 40 });
  await setAutoRecharge(system, buyer.buyerId, { threshold: 1_000 });
  const sends = { [`category-${category.split('/').pop()}`]: '1' };
  await send(seller, '/market/suppliers', { name: 'Acme Leads', email: 'api@acme.example', ...sends }, 201);
  const [supplier] = await system.rows<{ id: string }>(
    'SELECT id FROM suppliers WHERE organization_id = $1',
    [seller.organizationId],
  );
  await importFile(system, seller, campaign);
  const [sold, waiting] = await system.rows<{ id: string }>(
    'SELECT public_id AS id FROM leads WHERE organization_id = $1 ORDER BY id',
    [seller.organizationId],
  );
  await sellMarketLead(system, sold!.id, buyer);
  await decideAgainst(system, waiting!.id, buyer);
  const reserved = await reservedLead(system, buyer, campaign.split('/').pop()!);
  const test = `/market/suppliers/${supplier!.id}/test`;
  return {
    seller: {
      cookie: seller.cookie,
      places: {
        categories: '/market/categories',
        'categories, deleted': '/market/categories?status=deleted',
        'new category': '/market/categories/new',
        category,
        campaigns: '/market/campaigns',
        'campaigns, none': '/market/campaigns?status=ARCHIVED',
        'new campaign': '/market/campaigns/new',
        campaign,
        leads: '/market/leads',
        'leads, tests': '/market/leads?status=TEST',
        'sold lead': `/market/leads/${sold!.id}`,
        'waiting lead': `/market/leads/${waiting!.id}`,
        'reserved lead': `/market/leads/${reserved}`,
        buyers: '/market/buyers',
        'new buyer': '/market/buyers/new',
        buyer: `/market/buyers/${buyer.buyerId}`,
        'wallet of a buyer': `/market/buyers/${buyer.buyerId}/wallet`,
        suppliers: '/market/suppliers',
        'new supplier': '/market/suppliers/new',
        supplier: `/market/suppliers/${supplier!.id}`,
        'test lead': test,
        'test lead of a campaign': `${test}?campaign=${campaign.split('/').pop()}`,
        changes: '/market/audit',
        'changes of a campaign': `/market/audit?subject=campaign:${campaign.split('/').pop()}`,
        'settings of a seller': '/market/settings',
      },
    },
    buyer: {
      cookie: buyer.cookie,
      places: {
        'home of a buyer': '/market',
        subscription,
        'campaign to subscribe to': open.replace('campaigns', 'subscriptions'),
        profile: '/market/profile',
        'wallet with a card': '/market/wallet',
      },
    },
  };
}

const rowOf = (row: number, values: Record<string, string>) =>
  Object.fromEntries(
    Object.entries({ type: 'text', locked: '', description: '', options: '', ...values }).map(
      ([key, value]) => [`field-${row}-${key}`, value],
    ),
  );

/** Submits a form. Returns where it leads. */
const submitter =
  ({ publicUrl }: TestSystem) =>
  async (who: MadeSeller | MadeBuyer, path: string, form: Record<string, string>, status = 303) => {
    const answer = await fetch(publicUrl + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: who.cookie, origin: publicUrl },
      body: new URLSearchParams(form),
    });
    if (answer.status !== status) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.headers.get('location') ?? path;
  };

/** Two leads of the campaign, and a row that is rejected. */
async function importFile({ publicUrl }: TestSystem, seller: MadeSeller, campaign: string): Promise<void> {
  const csv =
    'firstName,email,roof,state\nAnn,ann@people.example,Tile,FL\nBob,bob@people.example,Metal,TX\nCy,cy@people.example,,Calif.';
  const body = new FormData();
  body.set('file', new Blob([csv], { type: 'text/csv' }), 'leads.csv');
  const answer = await fetch(`${publicUrl}${campaign}/leads`, {
    method: 'POST',
    headers: { cookie: seller.cookie, origin: publicUrl },
    body,
  });
  const text = await answer.text();
  if (!text.includes('2 of 3 rows were stored')) throw new Error(text);
}

const decideAgainst = (system: TestSystem, leadId: string, { buyerId }: MadeBuyer) =>
  recordDecision(system, leadId, [
    { buyerId, subscriptionId: buyerId, rule: 'state', seen: { state: 'TX', states: 'FL GA' } },
  ]);

/** A lead that a buyer was offered by text. Returns its id. */
async function reservedLead(system: TestSystem, buyer: MadeBuyer, campaignId: string): Promise<string> {
  const { buyerId, organizationId } = buyer;
  const { publicId } = await storeMarketLead(system, { organizationId, campaignId });
  const seen = { balanceMinor: 1_250, priceMinor: 2_750 };
  await recordDecision(system, publicId, [{ buyerId, subscriptionId: buyerId, rule: 'offered', seen }]);
  await offerMarketLead(system, publicId, buyer, { until: new Date(Date.now() + 600_000).toISOString() });
  return publicId;
}
