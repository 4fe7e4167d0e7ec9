import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Company, findCompany, listCompanies } from '../../db/account/companies.ts';
import { createAccess } from '../auth/api-key.ts';
import type { Auth } from '../auth/better-auth.ts';
import { companyCallerOf, createCompanyAccess, mayActFor } from '../auth/company-caller.ts';
import { findVisitor, maySee } from '../auth/member.ts';
import { wantsPage } from '../auth/operator.ts';
import { createLimiter, defaultLimits } from '../http/limits.ts';
import { notFound } from '../http/problem.ts';
import { pageErrors } from '../web/error-page.ts';
import { companyJson } from './json.ts';
import { DashboardPage } from './pages/dashboard-page.tsx';
import type { StatisticsView } from './pages/view-types.ts';
import { type CompanySite, companyNumber } from './site.ts';

const documented = (summary: string) => ({ schema: { tags: ['companies'], summary } });
const logQuery = z.object({
  status: z.string().max(20).catch(''),
  q: z
    .string()
    .max(100)
    .transform((typed) => typed.replace(/\p{Cc}/gu, '').trim())
    .catch(''),
  import: z.uuid().nullable().catch(null),
  before: z.string().max(60).nullable().catch(null),
});

/**
 * The dashboard as older clients know it: a page for a browser, `{ company, statistics }` for a program
 * (contracts.md 4). Sessions open both, API keys the second.
 */
export function dashboardRoutes(site: CompanySite, auth: Auth): FastifyPluginAsync {
  const { runtime, views } = site;
  const { db, config } = runtime;
  const access = createAccess(runtime, createLimiter(defaultLimits));
  const asProgram = createCompanyAccess(runtime, access).require('leads:read');

  const answer = async (company: Company) => ({
    company: companyJson(company),
    statistics: statisticsJson(await views.statistics(company)),
  });
  /** The company somebody means who names none: the only one they have. */
  const onlyOne = async (organizations: readonly string[] | null): Promise<Company | null> => {
    const rows = await listCompanies(db, { limit: 2, organizations });
    return rows.length === 1 ? rows[0]! : null;
  };
  const named = async (request: FastifyRequest): Promise<Company | null> => {
    const number = companyNumber.safeParse((request.params as { company_id: string }).company_id);
    return number.success ? findCompany(db, { number: number.data }) : null;
  };
  const toSignIn = (request: FastifyRequest, reply: FastifyReply) =>
    reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);

  return async (app) => {
    app.setErrorHandler(pageErrors(runtime));
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers({ 'cache-control': 'no-store', vary: 'accept' });
    });

    app.get(
      '/dashboard',
      documented('The same of the only company the caller has'),
      async (request, reply) => {
        if (!wantsPage(request)) {
          await asProgram(request, reply);
          const company = await onlyOne(companyCallerOf(request).organizations);
          if (!company) throw notFound('company: name one, /dashboard/{company_id}');
          return answer(company);
        }
        const visitor = await findVisitor({ auth, db }, request);
        if (!visitor) return toSignIn(request, reply);
        if (visitor.organizations === null) return reply.redirect('/companies', 303);
        const company = await onlyOne(visitor.organizations);
        return reply.redirect(company ? `/dashboard/${company.number}` : '/', 303);
      },
    );

    app.get(
      '/dashboard/:company_id',
      documented('What became of a company’s leads: a page for a browser, JSON for a program'),
      async (request, reply) => {
        if (!wantsPage(request)) {
          await asProgram(request, reply);
          const company = await named(request);
          if (!company || !mayActFor(companyCallerOf(request), company.organizationId))
            throw notFound('company');
          return answer(company);
        }
        const visitor = await findVisitor({ auth, db }, request);
        if (!visitor) return toSignIn(request, reply);
        const company = await named(request);
        if (!company || !maySee(visitor, company.organizationId)) throw notFound('company');
        const { status, q, import: importId, before } = logQuery.parse(request.query);
        const filter = { status, search: q, importId, before };
        const [visit, view] = await Promise.all([
          views.visit(visitor),
          views.dashboard(company, filter, firstLead(config.publicUrl, company.number)),
        ]);
        return site.send(reply, DashboardPage({ visit, company: views.company(company), view }));
      },
    );
  };
}

const statisticsJson = (statistics: StatisticsView) => ({
  total_leads: statistics.total,
  pending: statistics.pending,
  processing: statistics.processing,
  success: statistics.success,
  failed: statistics.failed,
  cancelled: statistics.cancelled,
  per_minute: statistics.perMinute,
  last_errors: statistics.lastErrors.map(({ error, leads, lastAt }) => ({
    ...{ error, leads },
    last_at: lastAt?.toISOString() ?? null,
  })),
});

const firstLead = (publicUrl: string, number: number) =>
  `curl -X POST ${publicUrl}/leads/single \\
  -H "X-API-Key: $LEADGATE_KEY" -H "Content-Type: application/json" \\
  -d '{"name":"Sarah Johnson","phone":"+1 305 555 0123","company_id":${number}}'`;
