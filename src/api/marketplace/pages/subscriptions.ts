import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findPartyBuyer } from '../../../db/marketplace/buyers.ts';
import { findCampaign, listCampaigns } from '../../../db/marketplace/campaigns.ts';
import { endSubscription, ownSubscriptions } from '../../../db/marketplace/subscriptions.ts';
import { subscribe } from '../../../usecases/marketplace/subscribe.ts';
import { type BuyerParty, buyerOf, partyOf } from '../../auth/caller.ts';
import { type Given, missing, pagination } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { unknownCampaign } from '../campaigns.ts';
import { idOf } from '../fields.ts';
import { orderOf, subscriptionChangeOf, unknownSubscription, updateSubscription } from '../subscriptions.ts';
import { type MarketSite, refusedForm } from './site.ts';
import { BuyerHomePage, SubscriptionPage } from './subscriptions-page.tsx';

const hidden = { schema: { hide: true } };
const pageSize = 50;

const listQuery = z.object({ page: z.coerce.number().int().min(1).max(1_000_000).catch(1) });

/** The buyer himself. */
export async function ownRecord({ runtime }: MarketSite, { organizationId, buyerId }: BuyerParty) {
  const buyer = await findPartyBuyer(runtime.db, organizationId, buyerId);
  if (!buyer) throw missing('Buyer not found');
  return buyer;
}

/** Where everyone of the marketplace begins: sellers at their campaigns, buyers at those that they can subscribe to. */
export function marketHome(app: FastifyInstance, site: MarketSite): void {
  app.get('/market', hidden, async (request, reply) => {
    const party = partyOf(request);
    if (party.role === 'seller') return reply.redirect('/market/campaigns', 303);
    const { page } = listQuery.parse(request.query);
    const filter = { status: null, limit: pageSize, offset: (page - 1) * pageSize };
    const [visit, buyer, { campaigns, total }] = await Promise.all([
      site.visit(request),
      ownRecord(site, party),
      listCampaigns(site.runtime.db.reader, party, filter),
    ]);
    const pages = pagination({ page, limit: pageSize }, total);
    return site.send(reply, BuyerHomePage({ visit, buyer, campaigns, ...pages }));
  });
}

/** What the API takes of the same order. States are typed as one text. */
const orderIn = ({ states, ...values }: Record<string, string>): Given => ({
  ...values,
  ...(states === undefined ? {} : { states: states.split(/[\s,;]+/).filter((code) => code !== '') }),
});

const actions = [
  ['pause', 'PAUSED'],
  ['resume', 'ACTIVE'],
] as const;

/** A buyer's subscription to one campaign: its address has the campaign's id, so that it is there before it is made. */
export function subscriptionPages(app: FastifyInstance, site: MarketSite): void {
  const { db } = site.runtime;
  const find = async (request: FastifyRequest) => {
    const buyer = buyerOf(request);
    const id = idOf(request.params, unknownCampaign);
    const [campaign, own] = await Promise.all([
      findCampaign(db, buyer, id),
      ownSubscriptions(db, buyer, [id]),
    ]);
    if (!campaign) throw missing(unknownCampaign);
    return { campaign, own: own[0] ?? null };
  };
  const show = async (request: FastifyRequest, reply: FastifyReply, form: FormState) => {
    const [visit, buyer, found] = await Promise.all([
      site.visit(request),
      ownRecord(site, buyerOf(request)),
      find(request),
    ]);
    const isActive = buyer.status === 'ACTIVE';
    const hasPhone = buyer.phone !== null && buyer.phoneConfirmed;
    return site.send(reply, SubscriptionPage({ visit, isActive, hasPhone, form, ...found }));
  };
  const url = '/market/subscriptions/:id';
  app.get(url, hidden, async (request, reply) => show(request, reply, untouched));
  app.post(url, hidden, async (request, reply) => {
    const buyer = buyerOf(request);
    const { campaign, own } = await find(request);
    const values = formOf(request);
    const given = orderIn(values);
    try {
      if (own) await updateSubscription(db, buyer, { id: own.id, change: subscriptionChangeOf(given) });
      else
        await subscribe(site.runtime, buyer, { ...orderOf(given), campaignId: campaign.id }, buyer.person.id);
      return reply.redirect('/market', 303);
    } catch (error) {
      return show(request, reply.status(400), refusedForm(error, values));
    }
  });
  const ownOf = async (request: FastifyRequest) => {
    const { own } = await find(request);
    if (!own) throw missing(unknownSubscription);
    return own;
  };
  for (const [name, status] of actions)
    app.post(`${url}/${name}`, hidden, async (request, reply) => {
      const { id } = await ownOf(request);
      await updateSubscription(db, buyerOf(request), { id, change: { status } });
      return reply.redirect('/market', 303);
    });
  app.post(`${url}/end`, hidden, async (request, reply) => {
    const buyer = buyerOf(request);
    const { id } = await ownOf(request);
    if (!(await endSubscription(db, buyer, id, buyer.person.id))) throw missing(unknownSubscription);
    return reply.redirect('/market', 303);
  });
}
