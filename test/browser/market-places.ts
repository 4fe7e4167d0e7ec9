import { type MadeBuyer, type MadeSeller, makeBuyer, makeSeller } from '../harness/market.ts';
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
  await send(buyer, subscription, { dailyCap: '20', states: 'FL, GA, TX', waterfallPriority: '1' });
  await send(buyer, '/market/profile', { companyName: 'Buyer Inc' });
  await send(seller, '/market/suppliers', { name: 'Acme Leads', email: 'api@acme.example' }, 201);
  const pay = walletClient(system);
  for (const paymentMethodId of ['pm_card_visa', 'pm_card_mastercard'])
    await pay(buyer, 'POST', 'methods', { paymentMethodId });
  await pay(buyer, 'POST', 'wallet', { amount: 40 });
  await setAutoRecharge(system, buyer.buyerId, { threshold: 1_000 });
  const [supplier] = await system.rows<{ id: string }>(
    'SELECT id FROM suppliers WHERE organization_id = $1',
    [seller.organizationId],
  );
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
        buyers: '/market/buyers',
        'new buyer': '/market/buyers/new',
        buyer: `/market/buyers/${buyer.buyerId}`,
        'wallet of a buyer': `/market/buyers/${buyer.buyerId}/wallet`,
        suppliers: '/market/suppliers',
        'new supplier': '/market/suppliers/new',
        supplier: `/market/suppliers/${supplier!.id}`,
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
