import { setTimeout as pause } from 'node:timers/promises';
import { fastifySSE } from '@fastify/sse';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { companyTaken, registerCompany } from '../../db/account/companies.ts';
import { passwordLinkHours } from '../../db/account/members.ts';
import { companyPulse } from '../../db/crm/processing-log.ts';
import { requestSync } from '../../db/crm/syncs.ts';
import { readRegistration } from '../../domain/account/company.ts';
import { inviteMember } from '../../usecases/account/invite.ts';
import { createAuth } from '../auth/better-auth.ts';
import { operatorsToo, signedIn, visitorOf } from '../auth/member.ts';
import { localPath } from '../auth/operator.ts';
import { trustedOrigins } from '../auth/origin.ts';
import { setPasswordRoutes } from '../auth/set-password.ts';
import { readForms } from '../http/forms.ts';
import { createHeartbeat, type Heartbeat } from '../http/heartbeat.ts';
import { notFound } from '../http/problem.ts';
import { createStreams } from '../http/streams.ts';
import { pageErrors } from '../web/error-page.ts';
import { dashboardRoutes } from './dashboard.ts';
import { companyFiles } from './files.ts';
import { companyLead } from './lead.ts';
import { CompaniesPage } from './pages/companies-page.tsx';
import { HomePage } from './pages/home-page.tsx';
import { RegisteredPage, RegisterPage } from './pages/register-page.tsx';
import { untouched } from './pages/view-types.ts';
import { companySettings } from './settings.ts';
import { type CompanySite, companyOf, createSite, formOf, type SiteRuntime, withinCompany } from './site.ts';

const hidden = { schema: { hide: true } };
const uuid = z.uuid();
/** A person waits no longer for what goes on by itself. */
const patienceMs = 3_000;
/** A mapping of some hundred columns is a form of its own size. */
const largestForm = 512 * 1024;

/** The pages of companies that bring leads into their CRM: an operator sees all, a member their own. */
export function companyPages(runtime: SiteRuntime): FastifyPluginAsync {
  return async (root) => {
    const site = createSite(runtime);
    const auth = createAuth(runtime);
    const trusted = trustedOrigins(runtime.config.publicUrl);
    await root.register(setPasswordRoutes(runtime));
    await root.register(dashboardRoutes(site, auth));
    await root.register(async (app) => {
      readForms(app, largestForm);
      app.addHook('onRequest', signedIn({ auth, db: runtime.db }, trusted));
      app.setErrorHandler(pageErrors(runtime));
      outerPages(app, site);
      await app.register(async (inner) => {
        withinCompany(inner, site);
        retries(inner, site);
        await inner.register(companyLead(site));
        await inner.register(companyFiles(site));
        await inner.register(companySettings(site));
        await live(inner, site);
      });
    });
  };
}

const listQuery = z.object({
  q: z
    .string()
    .max(100)
    .transform((typed) => typed.replace(/\p{Cc}/gu, '').trim())
    .catch(''),
  after: z.coerce.number().int().positive().max(2_147_483_647).nullable().catch(null),
});

function outerPages(app: FastifyInstance, site: CompanySite): void {
  const { views, runtime } = site;
  const operators = { ...hidden, preHandler: operatorsToo };
  app.get('/', hidden, async (request, reply) => {
    const [visit, view] = await Promise.all([site.visit(request), views.home(visitorOf(request))]);
    return site.send(reply, HomePage({ visit, view }));
  });
  app.get('/companies', operators, async (request, reply) => {
    const { q, after } = listQuery.parse(request.query);
    const [visit, view] = await Promise.all([site.visit(request), views.companies(q, after)]);
    return site.send(reply, CompaniesPage({ visit, view }));
  });
  app.get('/company/register', operators, async (request, reply) =>
    site.send(reply, RegisterPage({ visit: await site.visit(request), form: untouched })),
  );
  app.post('/companies', operators, async (request, reply) => {
    const visit = await site.visit(request);
    const values = formOf(request);
    const read = readRegistration(values);
    if (!read.ok)
      return site.send(reply.status(400), RegisterPage({ visit, form: { values, errors: read.errors } }));
    try {
      const company = await registerCompany(runtime, read.value, { by: visit.person.id });
      const owner = { name: company.ownerName, email: company.ownerEmail };
      const link = await inviteMember(runtime, company, owner);
      views.changed();
      const registered = {
        ...{ number: company.number, name: company.name, ownerName: company.ownerName },
        ...{ ownerEmail: company.ownerEmail, link, hours: passwordLinkHours },
      };
      return site.send(reply.status(201), RegisteredPage({ visit, registered }));
    } catch (error) {
      const taken = companyTaken(error);
      if (!taken) throw error;
      const errors = Object.fromEntries((taken.fields ?? []).map(({ path, message }) => [path, [message]]));
      return site.send(reply.status(taken.status), RegisterPage({ visit, form: { values, errors } }));
    }
  });
}

/** What failed in the CRM is tried again: one lead, or all. */
function retries(app: FastifyInstance, { runtime: { db, log }, views }: CompanySite): void {
  const again = async (request: FastifyRequest, reply: FastifyReply, leadIds?: string[]) => {
    const { organizationId, number } = companyOf(request);
    const asking = requestSync(db, { organizationId, ...(leadIds ? { leadIds } : {}) });
    // However many there are: what is not asked for when the process ends has still failed, and can be asked for again.
    asking.catch((error: unknown) => log.warn({ error: (error as Error).name }, 'a retry broke off'));
    await Promise.race([asking, pause(patienceMs, undefined, { ref: false })]);
    views.changed();
    return reply.redirect(localPath(formOf(request).back, `/dashboard/${number}`), 303);
  };
  app.post('/dashboard/:company_id/retry', hidden, async (request, reply) => again(request, reply));
  app.post('/dashboard/:company_id/leads/:lead_id/retry', hidden, async (request, reply) => {
    const id = uuid.safeParse((request.params as { lead_id: string }).lead_id);
    if (!id.success) throw notFound('lead');
    return again(request, reply, [id.data]);
  });
}

/** Says that something of the company changed, never what: the page fetches itself with its own session. */
async function live(app: FastifyInstance, { runtime: { db, log } }: CompanySite): Promise<void> {
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });
  const beats = new Map<string, { heartbeat: Heartbeat; watchers: number }>();
  app.addHook('preClose', async () => {
    for (const { heartbeat } of beats.values()) heartbeat.close();
  });
  const streams = createStreams(app);
  const beatOf = (organizationId: string) => {
    let beat = beats.get(organizationId);
    if (!beat) {
      const pulse = () => companyPulse(db.reader, organizationId);
      beat = { heartbeat: createHeartbeat({ pulse, log }), watchers: 0 };
      beats.set(organizationId, beat);
    }
    return beat;
  };
  app.get('/dashboard/:company_id/live', { ...hidden, sse: 'only' }, async (request, reply) => {
    const { organizationId } = companyOf(request);
    const stream = streams.open(reply, organizationId);
    const beat = beatOf(organizationId);
    beat.watchers += 1;
    const stop = beat.heartbeat.watch(() => stream.tell({ event: 'changed', data: 1 }));
    stream.onClose(() => {
      stop();
      beat.watchers -= 1;
      if (beat.watchers === 0) beats.delete(organizationId);
    });
    stream.tell({ event: 'hello', data: 1, retry: 2_000 });
  });
}
