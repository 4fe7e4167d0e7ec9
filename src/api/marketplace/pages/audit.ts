import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { listAudit } from '../../../db/marketplace/audit-list.ts';
import { sellerOf } from '../../auth/caller.ts';
import { pagination } from '../../http/contract.ts';
import { text } from '../../http/fields.ts';
import { shownEntry } from '../audit.ts';
import { AuditPage } from './audit-page.tsx';
import type { MarketSite } from './site.ts';

const pageSize = 50;

const listQuery = z.object({
  subject: text(200).nullable().catch(null),
  page: z.coerce.number().int().min(1).max(1_000_000).catch(1),
});

/** Who changed what in a seller's marketplace. */
export function auditPages(app: FastifyInstance, site: MarketSite): void {
  app.get('/market/audit', { schema: { hide: true } }, async (request, reply) => {
    const { organizationId } = sellerOf(request);
    const { subject, page } = listQuery.parse(request.query);
    const wanted = { subject, limit: pageSize, offset: (page - 1) * pageSize };
    const [visit, { entries, total }] = await Promise.all([
      site.visit(request),
      listAudit(site.runtime.db.reader, organizationId, wanted),
    ]);
    const { pages } = pagination({ page, limit: pageSize }, total);
    return site.send(reply, AuditPage({ visit, entries: entries.map(shownEntry), subject, page, pages }));
  });
}
