import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type AuditEntry, listAudit } from '../../db/marketplace/audit-list.ts';
import { auditView } from '../../domain/marketplace/audit-view.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { sellerOf } from '../auth/caller.ts';
import { contractProblems, pageOf, pagination, paginationSchema, queryOf, read } from '../http/contract.ts';
import { text } from '../http/fields.ts';
import * as examples from './catalog-examples.ts';
import { iso } from './fields.ts';

const filter = z.object({ subject: text(200).optional() });

export const auditEntrySchema = z.object({
  id: z.string(),
  at: z.string(),
  who: z.string().describe('Name of a user, `API key <name>`, or `command line`'),
  action: z.string(),
  subject: z.string(),
  before: z.record(z.string(), z.unknown()).nullable().describe('Null for what was created'),
  after: z.record(z.string(), z.unknown()).nullable().describe('Null for what was removed'),
});

/** Who changed what in a seller's marketplace. */
export function auditRoutes({ db }: Pick<Runtime, 'db'>, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/audit',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['audit'],
          summary: 'List who changed what, newest first',
          querystring: z
            .object({
              subject: z.string().describe('Such as `campaign:<id>`'),
              page: z.int(),
              limit: z.int().max(200),
            })
            .partial(),
          response: {
            200: z.object({ entries: z.array(auditEntrySchema), pagination: paginationSchema }).meta({
              examples: [
                { entries: [examples.auditEntry], pagination: { page: 1, limit: 50, total: 1, pages: 1 } },
              ],
            }),
            ...contractProblems(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = sellerOf(request);
        const { subject = null } = read(filter, queryOf(request));
        const page = pageOf(request);
        const { entries, total } = await listAudit(db.reader, organizationId, {
          subject,
          limit: page.limit,
          offset: (page.page - 1) * page.limit,
        });
        return { entries: entries.map(shownEntry), pagination: pagination(page, total) };
      },
    );
  };
}

export const shownEntry = (row: AuditEntry): z.infer<typeof auditEntrySchema> => ({
  id: String(row.id),
  at: iso(row.at),
  who: whoIn(row),
  action: row.action,
  subject: row.subject,
  before: auditView(row.before),
  after: auditView(row.after),
});

function whoIn({ actor, userName, keyName }: AuditEntry): string {
  if (actor === 'cli') return 'command line';
  if (keyName !== null) return `API key ${keyName}`;
  return userName ?? 'a former user';
}
