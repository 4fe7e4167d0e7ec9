import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Company } from '../../db/account/companies.ts';
import type { Access } from '../auth/access.ts';
import { callerOf } from '../auth/caller.ts';
import { wantsPage } from '../auth/local-path.ts';
import { notFound } from '../http/problem.ts';
import { pageErrors } from '../web/error-page.ts';
import { companyJson } from './company-json.ts';
import { DashboardPage } from './pages/dashboard-page.tsx';
import { type CompanySite, companyInAddress } from './site.ts';
import type { StatisticsView } from './view-types.ts';

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
 * The dashboard: a page for browsers, `{ company, statistics }` for programs (docs/contracts.md). A session opens both, an
 * API key only the second.
 */
export function dashboardRoutes(site: CompanySite, access: Access): FastifyPluginAsync {
  const { runtime, views } = site;
  const { config } = runtime;
  const asProgram = access.company('leads:read');
  const onRequest = (request: FastifyRequest, reply: FastifyReply) =>
    wantsPage(request) ? access.signedIn(request, reply) : asProgram(request, reply);

  const answer = async (company: Company) => ({
    company: companyJson(company),
    statistics: statisticsJson(await views.statistics(company)),
  });

  return async (app) => {
    app.setErrorHandler(pageErrors(runtime));
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers({ 'cache-control': 'no-store', vary: 'accept' });
    });

    app.get(
      '/dashboard',
      { onRequest, ...documented('The dashboard of the only company the caller may act for') },
      async (request, reply) => {
        const operator = callerOf(request).organizations === null;
        if (wantsPage(request) && operator) return reply.redirect('/companies', 303);
        const company = await views.onlyCompany(callerOf(request));
        if (wantsPage(request)) return reply.redirect(company ? `/dashboard/${company.number}` : '/', 303);
        if (!company) throw notFound('company: name one, /dashboard/{company_id}');
        return answer(company);
      },
    );

    app.get(
      '/dashboard/:company_id',
      { onRequest, ...documented('Statistics of a company’s leads: a page for browsers, JSON for programs') },
      async (request, reply) => {
        const company = await companyInAddress(runtime, request);
        if (!wantsPage(request)) return answer(company);
        const { status, q, import: importId, before } = logQuery.parse(request.query);
        const filter = { status, search: q, importId, before };
        const [visit, view] = await Promise.all([
          site.visit(request),
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
    error,
    leads,
    last_at: lastAt?.toISOString() ?? null,
  })),
});

const firstLead = (publicUrl: string, number: number) =>
  `curl -X POST ${publicUrl}/leads/single \\
  -H "X-API-Key: $LEADGATE_KEY" -H "Content-Type: application/json" \\
  -d '{"name":"Sarah Johnson","phone":"+1 305 555 0123","company_id":${number}}'`;
