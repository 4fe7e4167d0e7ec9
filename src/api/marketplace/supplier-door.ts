import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Queryable } from '../../db/client.ts';
import { type Category, listCategoriesOfSupplier } from '../../db/marketplace/categories.ts';
import type { Scope } from '../../domain/account/scopes.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import type { Access } from '../auth/access.ts';
import { callerOf, onlyOrganization, organizationOf, partyOf } from '../auth/caller.ts';
import { bringsKey } from '../auth/credential.ts';

/** Who reads the categories: a session's seller or buyer, or the supplier of an API key. */
export type CatalogCaller =
  | { kind: 'seller' | 'buyer'; organizationId: string }
  | { kind: 'supplier'; organizationId: string; supplierId: string };

type Door = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** The credential decides: an API key is a supplier's, anything else a session. */
export function supplierOrParty(access: Access): Door {
  const byKey = supplierKey(access, 'leads:read');
  const bySession = access.market('seller', 'buyer');
  return async (request, reply) =>
    bringsKey(request.raw) ? byKey(request, reply) : bySession(request, reply);
}

/** A supplier's key with this scope, and nothing else. */
export function supplierOnly(access: Access, scope: Scope): Door {
  const byKey = supplierKey(access, scope);
  return async (request, reply) => {
    const given = request.headers['x-api-key'];
    if (!bringsKey(request.raw) || (request.headers.authorization === undefined && given === ''))
      throw new ContractError(401, 'key_required', 'Missing API key', 'Send your key as X-API-Key.');
    return byKey(request, reply);
  };
}

function supplierKey(access: Access, scope: Scope): Door {
  const byKey = access.organization(scope);
  return async (request, reply) => {
    await byKey(request, reply).catch((error: unknown) => {
      throw inTheWordsOf(error);
    });
    const { role, supplierId } = callerOf(request);
    if (role !== 'supplier' || supplierId === null)
      throw new ContractError(403, 'forbidden', 'Forbidden', 'Only a supplier’s key opens this.');
  };
}

function inTheWordsOf(error: unknown): unknown {
  if (!(error instanceof RefusedError) || error instanceof ContractError) return error;
  if (error.status === 401) return new ContractError(401, 'key_invalid', 'Invalid API key');
  return error.code === 'scope_missing'
    ? new ContractError(403, error.code, 'Forbidden', error.message)
    : error;
}

/** The supplier of a request that `supplierOnly` let in. */
export function supplierOf(request: FastifyRequest): { organizationId: string; supplierId: string } {
  const { supplierId } = callerOf(request);
  if (supplierId === null) throw new Error('this route is open to others than suppliers');
  return { organizationId: organizationOf(request), supplierId };
}

export function catalogCallerOf(request: FastifyRequest): CatalogCaller {
  const caller = callerOf(request);
  const organizationId = onlyOrganization(caller);
  if (caller.supplierId !== null && organizationId !== null)
    return { kind: 'supplier', organizationId, supplierId: caller.supplierId };
  const party = partyOf(request);
  return { kind: party.role, organizationId: party.organizationId };
}

/** Throws 403 for a supplier that is not active. */
export async function categoriesOfSupplier(
  db: Queryable,
  supplier: { organizationId: string; supplierId: string },
): Promise<Category[]> {
  const found = await listCategoriesOfSupplier(db, supplier);
  if (found === null) throw new ContractError(403, 'forbidden', 'Supplier account is not active');
  return found;
}
