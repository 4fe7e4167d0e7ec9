import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import {
  changePartyBuyer,
  clearFlag,
  findFlag,
  findPartyBuyer,
  listPartyBuyers,
} from '../../../db/marketplace/buyers.ts';
import { partyStatuses } from '../../../domain/marketplace/party.ts';
import { createBuyer, type HashPassword } from '../../../usecases/marketplace/buyers.ts';
import { sellerOf } from '../../auth/caller.ts';
import { missing, pagination } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { untouched } from '../../web/form-parts.tsx';
import { listedBuyer } from '../buyer-json.ts';
import { buyerOf, settingsBySeller } from '../buyers.ts';
import { idOf } from '../fields.ts';
import { BuyerPage, BuyersPage, NewBuyerPage } from './buyers-page.tsx';
import { type MarketSite, refusedForm } from './site.ts';

const hidden = { schema: { hide: true } };
const pageSize = 50;

const listQuery = z.object({
  status: z.enum(partyStatuses).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(1_000_000).catch(1),
});

/** Buyers of a seller: the list, a new one, its settings. */
export function buyerPages(app: FastifyInstance, site: MarketSite, hashPassword: HashPassword): void {
  const { db } = site.runtime;
  app.get('/market/buyers', hidden, async (request, reply) => {
    const { organizationId } = sellerOf(request);
    const { status, page } = listQuery.parse(request.query);
    const wanted = { status, limit: pageSize, offset: (page - 1) * pageSize };
    const [visit, { rows, total }] = await Promise.all([
      site.visit(request),
      listPartyBuyers(db.reader, organizationId, wanted),
    ]);
    const pages = pagination({ page, limit: pageSize }, total);
    return site.send(reply, BuyersPage({ visit, buyers: rows.map(listedBuyer), status, ...pages }));
  });
  app.get('/market/buyers/new', hidden, async (request, reply) =>
    site.send(reply, NewBuyerPage({ visit: await site.visit(request), form: untouched })),
  );
  app.post('/market/buyers', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const values = formOf(request);
    try {
      const { id } = await createBuyer(
        { ...site.runtime, hashPassword },
        organizationId,
        buyerOf(values),
        person.id,
      );
      return reply.redirect(`/market/buyers/${id}`, 303);
    } catch (error) {
      const { password: _, ...shown } = values;
      const form = refusedForm(error, shown);
      return site.send(reply.status(400), NewBuyerPage({ visit: await site.visit(request), form }));
    }
  });
  oneBuyer(app, site);
}

const unknown = 'Buyer not found';

function oneBuyer(app: FastifyInstance, site: MarketSite): void {
  const { db } = site.runtime;
  const find = async (organizationId: string, id: string) => {
    const [row, flaggedAt] = await Promise.all([
      findPartyBuyer(db, organizationId, id),
      findFlag(db, organizationId, id),
    ]);
    if (!row) throw missing(unknown);
    return { buyer: listedBuyer(row), flaggedAt };
  };
  app.get('/market/buyers/:id', hidden, async (request, reply) => {
    const id = idOf(request.params, unknown);
    const [visit, found] = await Promise.all([
      site.visit(request),
      find(sellerOf(request).organizationId, id),
    ]);
    return site.send(reply, BuyerPage({ visit, ...found, form: untouched }));
  });
  app.post('/market/buyers/:id/unflag', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const id = idOf(request.params, unknown);
    if (!(await clearFlag(db, organizationId, id, person.id))) throw missing(unknown);
    return reply.redirect(`/market/buyers/${id}`, 303);
  });
  app.post('/market/buyers/:id', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const id = idOf(request.params, unknown);
    const values = formOf(request);
    try {
      const by = { actor: person.id };
      if (!(await changePartyBuyer(db, organizationId, id, settingsBySeller(values), by)))
        throw missing(unknown);
      return reply.redirect(`/market/buyers/${id}`, 303);
    } catch (error) {
      const found = await find(organizationId, id);
      const form = refusedForm(error, values);
      return site.send(reply.status(400), BuyerPage({ visit: await site.visit(request), ...found, form }));
    }
  });
}
