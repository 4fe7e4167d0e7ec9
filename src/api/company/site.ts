import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Company, findCompany } from '../../db/account/companies.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { callerOf, mayActFor, personOf } from '../auth/caller.ts';
import { sendPage } from '../http/forms.ts';
import { notFound } from '../http/problem.ts';
import { render } from '../web/layout.tsx';
import type { Visit } from './view-types.ts';
import { type CompanyViews, createCompanyViews } from './views.ts';

type SiteRuntime = Pick<
  Runtime,
  'config' | 'db' | 'log' | 'vault' | 'relay' | 'crms' | 'quotas' | 'queues' | 'selfCheck'
>;

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
    visit: (request) => views.visit(personOf(request)),
    send: async (reply, page) => sendPage(reply, runtime.config, await render(page)),
  };
}

const companyNumber = z.coerce.number().int().positive().max(2_147_483_647);
const companies = new WeakMap<FastifyRequest, Company>();

/** The company in the address (`:company_id`). Throws 404 when it does not exist or the caller may not act for it. */
export async function companyInAddress(
  { db }: Pick<Runtime, 'db'>,
  request: FastifyRequest,
): Promise<Company> {
  const { company_id: given } = request.params as { company_id?: string | number };
  const number = companyNumber.safeParse(given);
  const company = number.success ? await findCompany(db, { number: number.data }) : null;
  if (!company || !mayActFor(callerOf(request), company.organizationId)) throw notFound('company');
  return company;
}

/**
 * For a scope whose routes all have `:company_id`: looks the company up before the body is read, so that a route added
 * later cannot forget to check access.
 */
export function withinCompany(app: FastifyInstance, { runtime }: Pick<CompanySite, 'runtime'>): void {
  app.addHook('onRequest', async (request) => {
    companies.set(request, await companyInAddress(runtime, request));
  });
}

/** The company of a route registered `withinCompany`. */
export function companyOf(request: FastifyRequest): Company {
  const company = companies.get(request);
  if (!company) throw new Error('this route is not registered withinCompany');
  return company;
}
