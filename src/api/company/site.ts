import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Company, findCompany } from '../../db/account/companies.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { maySee, visitorOf } from '../auth/member.ts';
import { sendPage } from '../http/forms.ts';
import { notFound } from '../http/problem.ts';
import { render } from '../web/layout.tsx';
import type { Visit } from './pages/view-types.ts';
import { type CompanyViews, createCompanyViews } from './views.ts';

export type SiteRuntime = Pick<Runtime, 'config' | 'db' | 'log' | 'vault' | 'relay' | 'crm'>;

/** What the routes of the company pages share. */
export type CompanySite = {
  runtime: SiteRuntime;
  views: CompanyViews;
  visit(request: FastifyRequest): Promise<Visit>;
  send(reply: FastifyReply, page: unknown): Promise<FastifyReply>;
};

export function createSite(runtime: SiteRuntime): CompanySite {
  const views = createCompanyViews(runtime);
  return {
    runtime,
    views,
    visit: (request) => views.visit(visitorOf(request)),
    send: async (reply, page) => sendPage(reply, runtime.config, await render(page)),
  };
}

export const companyNumber = z.coerce.number().int().positive().max(2_147_483_647);
const companies = new WeakMap<FastifyRequest, Company>();

/**
 * For a scope whose routes all have `:company_id`: it is found before anything of the body is read, and is not there
 * for whoever may not see it. A route that is added later cannot forget to ask.
 */
export function withinCompany(app: FastifyInstance, { runtime: { db } }: Pick<CompanySite, 'runtime'>): void {
  app.addHook('onRequest', async (request) => {
    companies.set(request, await seenCompany(db, request));
  });
}

export async function seenCompany(db: Runtime['db'], request: FastifyRequest): Promise<Company> {
  const { company_id: given } = request.params as { company_id?: string };
  const number = companyNumber.safeParse(given);
  const company = number.success ? await findCompany(db, { number: number.data }) : null;
  if (!company || !maySee(visitorOf(request), company.organizationId)) throw notFound('company');
  return company;
}

/** Only behind `withinCompany`. */
export function companyOf(request: FastifyRequest): Company {
  const company = companies.get(request);
  if (!company) throw new Error('this route is not behind withinCompany');
  return company;
}

/** A posted form as texts; what is not text is not there. */
export function formOf(request: FastifyRequest): Record<string, string> {
  const entries = Object.entries((request.body ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
