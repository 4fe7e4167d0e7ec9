import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Company, findCompany } from '../../db/account/companies.ts';
import { type Scope, scopes } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { notFound } from '../http/problem.ts';
import { type Access, keyIn } from './api-key.ts';
import { createAuth } from './better-auth.ts';
import { findVisitor } from './member.ts';
import { assertSameOrigin, trustedOrigins } from './origin.ts';

/** Who asks something of a company, and of which they may. */
export type CompanyCaller = {
  /** A key's or a user's id. */
  actor: string;
  /** Null: every one, as an operator. */
  organizations: readonly string[] | null;
  scopes: readonly Scope[];
};

const callers = new WeakMap<FastifyRequest, CompanyCaller>();

/** Only inside routes behind one of the hooks below. */
export function companyCallerOf(request: FastifyRequest): CompanyCaller {
  const caller = callers.get(request);
  if (!caller) throw new Error('this route does not ask who calls');
  return caller;
}

export const mayActFor = ({ organizations }: CompanyCaller, organizationId: string): boolean =>
  organizations === null || organizations.includes(organizationId);

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

export type CompanyAccess = {
  /** A key with this scope of the company's own or of an operator; a session; in the sandbox, this machine. */
  require(scope: Scope): Hook;
  /** The same without those who belong to one company. */
  operators(scope: Scope): Hook;
};

/** onRequest hooks: nothing of the body is read before the caller is known. */
export function createCompanyAccess(
  runtime: Pick<Runtime, 'config' | 'db' | 'log'>,
  access: Access,
): CompanyAccess {
  const auth = createAuth(runtime);
  const trusted = trustedOrigins(runtime.config.publicUrl);
  const find = async (request: FastifyRequest, reply: FastifyReply, scope: Scope): Promise<CompanyCaller> => {
    const signedIn =
      keyIn(request) === undefined ? await findVisitor({ auth, db: runtime.db }, request) : null;
    if (signedIn) {
      // A browser sends its cookie along with whatever another site's page asks for.
      assertSameOrigin(request, trusted);
      const { person, organizations } = signedIn;
      return { actor: person.id, organizations, scopes: scopes.filter((each) => each !== 'admin') };
    }
    const {
      actor,
      owner,
      organizationId,
      keyless,
      scopes: granted,
    } = await access.identify(request, reply, scope);
    if (owner === 'supplier')
      throw new RefusedError(
        403,
        'forbidden',
        'A supplier’s key offers leads by POST /api/leads. For a company’s own leads it takes a key of the company.',
      );
    const any = keyless || (owner === 'operator' && organizationId === null);
    return { actor, organizations: any ? null : [organizationId!], scopes: granted };
  };
  return {
    require: (scope) => async (request, reply) => {
      callers.set(request, await find(request, reply, scope));
    },
    operators: (scope) => async (request, reply) => {
      const caller = await find(request, reply, scope);
      if (caller.organizations !== null) throw new RefusedError(403, 'forbidden', 'This is for operators.');
      callers.set(request, caller);
    },
  };
}

/** The company of the address. Somebody else's is as if it did not exist. */
export async function companyOfAddress(
  { db }: Pick<Runtime, 'db'>,
  request: FastifyRequest<{ Params: { company_id: number } }>,
): Promise<Company> {
  const company = await findCompany(db, { number: request.params.company_id });
  if (!company || !mayActFor(companyCallerOf(request), company.organizationId)) throw notFound('company');
  return company;
}
