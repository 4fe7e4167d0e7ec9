import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requestSync } from '../../db/crm/syncs.ts';
import { localPath } from '../auth/local-path.ts';
import { formOf } from '../http/forms.ts';
import { notFound } from '../http/problem.ts';
import { type CompanySite, companyOf } from './site.ts';

const hidden = { schema: { hide: true } };
const uuid = z.uuid();
/** How long a page waits for a retry that continues in the background. */
const patienceMs = 3_000;

/** Retries failed syncs with the CRM: of one lead, or all. */
export function retries(app: FastifyInstance, { runtime: { db, log }, views }: CompanySite): void {
  const retry = async (request: FastifyRequest, reply: FastifyReply, leadIds?: string[]) => {
    const { organizationId, number } = companyOf(request);
    const requesting = requestSync(db, { organizationId, ...(leadIds ? { leadIds } : {}) });
    // A large number takes long. What was not requested when the process ends is still failed and can be retried.
    requesting.catch((error: unknown) =>
      log.warn({ error: (error as Error).name }, 'a retry was interrupted'),
    );
    await Promise.race([requesting, pause(patienceMs, undefined, { ref: false })]);
    views.changed();
    return reply.redirect(localPath(formOf(request).back, `/dashboard/${number}`), 303);
  };
  app.post('/dashboard/:company_id/retry', hidden, async (request, reply) => retry(request, reply));
  app.post('/dashboard/:company_id/leads/:lead_id/retry', hidden, async (request, reply) => {
    const id = uuid.safeParse((request.params as { lead_id: string }).lead_id);
    if (!id.success) throw notFound('lead');
    return retry(request, reply, [id.data]);
  });
}
