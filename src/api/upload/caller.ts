import type { FastifyRequest } from 'fastify';
import { type Company, findCompany } from '../../db/account/companies.ts';
import { findImport, type Import } from '../../db/imports/imports.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { companyCallerOf, mayActFor } from '../auth/company-caller.ts';
import { notFound } from '../http/problem.ts';

type Deps = Pick<Runtime, 'db'>;

/** The import of the address. Somebody else's is as if it did not exist. */
export async function importOf({ db }: Deps, request: FastifyRequest): Promise<Import> {
  const { import_id: id } = request.params as { import_id: string };
  const row = await findImport(db, id);
  if (!row || !mayActFor(companyCallerOf(request), row.organizationId)) throw notFound('import');
  return row;
}

/** The import's own company. */
export async function ownerOf({ db }: Deps, { organizationId }: Import): Promise<Company> {
  const company = await findCompany(db, { organizationId });
  if (!company) throw notFound('company');
  return company;
}

/** A list is empty, not missing, for an organization that is no company yet. */
export async function organizationOf(
  runtime: Deps,
  request: FastifyRequest,
  fields: { company_id?: string | undefined },
): Promise<string> {
  const [own, ...others] = companyCallerOf(request).organizations ?? [];
  if (own !== undefined && others.length === 0 && fields.company_id === undefined) return own;
  return (await companyOf(runtime, request, fields)).organizationId;
}

/** The caller's only company, or the one that is named; somebody else's is as if it did not exist. */
export async function companyOf(
  { db }: Deps,
  request: FastifyRequest,
  fields: { company_id?: string | undefined },
): Promise<Company> {
  const caller = companyCallerOf(request);
  const [own, ...others] = caller.organizations ?? [];
  const named = fields.company_id?.trim();
  if (own !== undefined && others.length === 0) {
    const company = await findCompany(db, { organizationId: own });
    if (!company) throw notFound('company');
    assertCompany(company, fields);
    return company;
  }
  if (named === undefined)
    throw new RefusedError(
      400,
      'company_required',
      'Name the company: company_id, in a form before the file.',
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

export const causeOf = (request: FastifyRequest) => ({ correlationId: request.id, causationId: null });
