import type { FastifyRequest } from 'fastify';
import { type Company, findCompany } from '../../db/account/companies.ts';
import { findImport, type Import } from '../../db/imports/imports.ts';
import { RefusedError } from '../../domain/errors.ts';
import { companyIdOf } from '../../domain/lead/given.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { type Caller, callerOf, mayActFor, onlyOrganization } from '../auth/caller.ts';
import { notFound } from '../http/problem.ts';

type Deps = Pick<Runtime, 'db'>;

/** The import in the address. Throws 404 when it does not exist or the caller may not act for its company. */
export async function importOf({ db }: Deps, request: FastifyRequest): Promise<Import> {
  const { import_id: id } = request.params as { import_id: string };
  const row = await findImport(db, id);
  if (!row || !mayActFor(callerOf(request), row.organizationId)) throw notFound('import');
  return row;
}

/** The company that an import belongs to. */
export async function ownerOf({ db }: Deps, { organizationId }: Import): Promise<Company> {
  const company = await findCompany(db, { organizationId });
  if (!company) throw notFound('company');
  return company;
}

/** The organization whose imports are listed. It need not be a company yet: then its list is empty. */
export async function listedOrganization(
  runtime: Deps,
  request: FastifyRequest,
  fields: { company_id?: string | undefined },
): Promise<string> {
  const own = onlyOrganization(callerOf(request));
  if (own !== null && fields.company_id === undefined) return own;
  return (await companyOf(runtime, request, fields)).organizationId;
}

/** The caller's only company, else the one that `company_id` names. Throws 404 when the caller may not act for it. */
export async function companyOf(
  { db }: Deps,
  request: FastifyRequest,
  fields: { company_id?: string | undefined },
): Promise<Company> {
  const caller = callerOf(request);
  const own = onlyOrganization(caller);
  if (own !== null) {
    const company = await findCompany(db, { organizationId: own });
    if (!company) throw notFound('company');
    assertCompany(company, fields);
    return company;
  }
  const named = fields.company_id?.trim();
  if (named === undefined)
    throw new RefusedError(
      400,
      'company_required',
      'Name the company: company_id. In a form, send it before the file.',
      {
        fields: [{ path: 'company_id', message: 'required' }],
      },
    );
  const number = /^[1-9]\d{0,8}$/.test(named) ? Number(named) : 0;
  const company = await findCompany(db, { number });
  if (!company || !mayActFor(caller, company.organizationId)) throw notFound('company');
  return company;
}

export function assertCompany(
  company: Company,
  { company_id: named }: { company_id?: string | undefined },
): void {
  if (named !== undefined && named.trim() !== String(company.number)) throw notFound('company');
}

/**
 * The company of a request's leads: the caller's only one, else the one the first lead names. Returns null when the
 * caller may not act for it.
 */
export async function companyOfLeads(
  { db }: Deps,
  caller: Caller,
  leads: readonly unknown[],
): Promise<Company | null> {
  const own = onlyOrganization(caller);
  if (own !== null) return findCompany(db, { organizationId: own });
  for (const lead of leads) {
    const number = companyIdOf(lead);
    if (number === null) continue;
    const company = await findCompany(db, { number });
    return company && mayActFor(caller, company.organizationId) ? company : null;
  }
  return null;
}
