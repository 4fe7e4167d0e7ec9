import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findCampaign, listCampaigns } from '../../../db/marketplace/campaigns.ts';
import { listCategories } from '../../../db/marketplace/categories.ts';
import { newestSubscriptions } from '../../../db/marketplace/subscriptions.ts';
import { campaignStatuses } from '../../../domain/marketplace/campaign.ts';
import { sellerOf } from '../../auth/caller.ts';
import { type Given, missing, pagination } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import {
  campaignChangeOf,
  createCampaign,
  newCampaignOf,
  unknownCampaign,
  updateCampaign,
} from '../campaigns.ts';
import { idOf } from '../fields.ts';
import { CampaignPage } from './campaign-page.tsx';
import { createStandings } from './campaign-standing.ts';
import { CampaignsPage, NewCampaignPage } from './campaigns-page.tsx';
import { type MarketSite, refusedForm } from './site.ts';

const hidden = { schema: { hide: true } };
const pageSize = 50;
const mostSubscriptions = 100;

const listQuery = z.object({
  status: z.enum(campaignStatuses).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(1_000_000).catch(1),
});

/** What the API takes of the same campaign. */
const campaignIn = ({ allowStateSelection: chosen, ...values }: Record<string, string>): Given => ({
  ...values,
  ...(chosen === undefined ? {} : { allowStateSelection: chosen !== 'false' }),
});

/** Campaigns of a seller: the list, a new one, its settings and subscriptions. */
export function campaignPages(app: FastifyInstance, site: MarketSite): void {
  const { db } = site.runtime;
  const formFor = async (request: FastifyRequest, reply: FastifyReply, form: FormState) => {
    const [visit, categories] = await Promise.all([
      site.visit(request),
      listCategories(db, sellerOf(request).organizationId),
    ]);
    return site.send(reply, NewCampaignPage({ visit, categories, form }));
  };
  app.get('/market/campaigns', hidden, async (request, reply) => {
    const { status, page } = listQuery.parse(request.query);
    const filter = { status, limit: pageSize, offset: (page - 1) * pageSize };
    const [visit, { campaigns, total }] = await Promise.all([
      site.visit(request),
      listCampaigns(db.reader, sellerOf(request), filter),
    ]);
    const pages = pagination({ page, limit: pageSize }, total);
    return site.send(reply, CampaignsPage({ visit, campaigns, status, ...pages }));
  });
  app.get('/market/campaigns/new', hidden, async (request, reply) => formFor(request, reply, untouched));
  app.post('/market/campaigns', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const values = formOf(request);
    try {
      const campaign = newCampaignOf(campaignIn(values));
      const { id } = await createCampaign(site.runtime, organizationId, campaign, person.id);
      return reply.redirect(`/market/campaigns/${id}`, 303);
    } catch (error) {
      return formFor(request, reply.status(400), refusedForm(error, values));
    }
  });
  oneCampaign(app, site);
}

const actions = [
  ['pause', 'PAUSED', undefined],
  ['resume', 'ACTIVE', undefined],
  ['archive', 'ARCHIVED', 'campaign.archived'],
] as const;

function oneCampaign(app: FastifyInstance, site: MarketSite): void {
  const { db } = site.runtime;
  const standings = createStandings(site.runtime);
  const show = async (request: FastifyRequest, reply: FastifyReply, form: FormState) => {
    const party = sellerOf(request);
    const id = idOf(request.params, unknownCampaign);
    const [visit, campaign, subscriptions] = await Promise.all([
      site.visit(request),
      findCampaign(db, party, id),
      newestSubscriptions(db, party.organizationId, [id], mostSubscriptions),
    ]);
    if (!campaign) throw missing(unknownCampaign);
    const standing = await standings.of(campaign);
    return site.send(reply, CampaignPage({ visit, campaign, subscriptions, standing, form }));
  };
  const change = async (request: FastifyRequest, given: Given, action?: string) => {
    const { organizationId, person } = sellerOf(request);
    const id = idOf(request.params, unknownCampaign);
    await updateCampaign(db, organizationId, { id, change: campaignChangeOf(given), action }, person.id);
    return `/market/campaigns/${id}`;
  };
  app.get('/market/campaigns/:id', hidden, async (request, reply) => show(request, reply, untouched));
  app.post('/market/campaigns/:id', hidden, async (request, reply) => {
    const values = formOf(request);
    try {
      return reply.redirect(await change(request, campaignIn(values)), 303);
    } catch (error) {
      return show(request, reply.status(400), refusedForm(error, values));
    }
  });
  for (const [name, status, action] of actions)
    app.post(`/market/campaigns/:id/${name}`, hidden, async (request, reply) => {
      try {
        return reply.redirect(await change(request, { status }, action), 303);
      } catch (error) {
        return show(request, reply.status(400), refusedForm(error, {}));
      }
    });
}
