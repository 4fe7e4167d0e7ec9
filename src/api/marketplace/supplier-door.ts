import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Queryable } from '../../db/client.ts';
import { type Category, listCategoriesOfSupplier } from '../../db/marketplace/categories.ts';
import { ContractError, RefusedError } from '../../domain/errors.ts';
import type { Access } from '../auth/access.ts';
import { callerOf, onlyOrganization, partyOf } from '../auth/caller.ts';
import { bringsKey } from '../auth/credential.ts';

/** Who reads the categories: a session's seller or buyer, or the supplier of an API key. */
export type CatalogCaller =
  | { kind: 'seller' | 'buyer'; organizationId: string }
  | { kind: 'supplier'; organizationId: string; supplierId: string };

/** The credential decides: an API key is a supplier's, anything else a session. */
export function supplierOrParty(access: Access) {
  const byKey = access.organization('leads:read');
  const bySession = access.market('seller', 'buyer');
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!bringsKey(request.raw)) return bySession(request, reply);
    await byKey(request, reply).catch((error: unknown) => {
      throw error instanceof RefusedError && error.status === 401
        ? new ContractError(401, 'key_invalid', 'Invalid API key')
        : error;
    });
    const { role, supplierId } = callerOf(request);
    if (role !== 'supplier' || supplierId === null)
      throw new ContractError(403, 'forbidden', 'Forbidden', 'Only a supplier’s key opens this.');
  };
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
