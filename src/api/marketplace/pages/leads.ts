import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { listCategories } from '../../../db/marketplace/categories.ts';
import { findDecisions, findReservation } from '../../../db/marketplace/distributions.ts';
import { findSellerLead, listSellerLeads } from '../../../db/marketplace/leads.ts';
import { distributionStatuses } from '../../../domain/marketplace/distribution.ts';
import { openValues } from '../../../usecases/marketplace/lead-values.ts';
import { sellerOf } from '../../auth/caller.ts';
import { missing, pagination } from '../../http/contract.ts';
import { unknownLead } from '../decisions.ts';
import { LeadPage } from './lead-page.tsx';
import { LeadsPage } from './leads-page.tsx';
import type { MarketSite } from './site.ts';

const hidden = { schema: { hide: true } };
const pageSize = 50;

const day = z.iso
  .date()
  .refine((value) => value >= '1970')
  .nullable()
  .catch(null);
const listQuery = z.object({
  status: z.enum(distributionStatuses).nullable().catch(null),
  category: z.uuid().nullable().catch(null),
  from: day,
  to: day,
  page: z.coerce.number().int().min(1).max(1_000_000).catch(1),
});

const boundOf = (given: string | null) => (given === null ? null : { day: given });

/** Leads of a seller: the list, and one with who got it and why others did not. */
export function leadPages(app: FastifyInstance, site: MarketSite): void {
  const { runtime } = site;
  const { db } = runtime;
  app.get('/market/leads', hidden, async (request, reply) => {
    const { organizationId } = sellerOf(request);
    const { page, status, category, from, to } = listQuery.parse(request.query);
    const filter = { status, category, from: boundOf(from), to: boundOf(to) };
    const slice = { limit: pageSize, offset: (page - 1) * pageSize };
    const [visit, categories, { rows, total }] = await Promise.all([
      site.visit(request),
      listCategories(db.reader, organizationId),
      listSellerLeads(db.reader, organizationId, filter, slice),
    ]);
    const pages = pagination({ page, limit: pageSize }, total);
    const chosen = { status, category, from, to };
    return site.send(reply, LeadsPage({ visit, categories, leads: rows, chosen, ...pages }));
  });
  app.get('/market/leads/:lead_id', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const { lead_id: publicId } = request.params as { lead_id: string };
    const [visit, lead, decisions, reservedUntil] = await Promise.all([
      site.visit(request),
      findSellerLead(db, organizationId, publicId),
      findDecisions(db, { organizationId, buyerId: null }, publicId),
      findReservation(db, organizationId, publicId),
    ]);
    if (!lead) throw missing(unknownLead);
    const [values] = await openValues(runtime, [lead], {
      organizationId,
      actor: person.id,
      isOpen: () => true,
    });
    const shown = { lead, values: values!, decisions: decisions ?? [], reservedUntil };
    return site.send(reply, LeadPage({ visit, ...shown }));
  });
}
