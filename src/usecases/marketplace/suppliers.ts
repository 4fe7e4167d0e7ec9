import { newMarketplaceKey } from '../../db/account/api-keys.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  changeSupplier,
  findSupplier,
  insertSupplier,
  rotateSupplierKey,
  type Supplier,
  type SupplierFields,
  supplierEmailConstraint,
} from '../../db/marketplace/suppliers.ts';
import { StoredQuotaError } from '../../domain/account/quotas.ts';
import { ContractError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import type { Quotas } from '../account/quotas.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db'> & { quotas: Pick<Quotas, 'take' | 'stored'> };

/**
 * Makes a supplier in test mode, and its key, which is returned here only. Throws ContractError 400 for an e-mail address
 * that another supplier has and for a category of others, and StoredQuotaError.
 */
export async function createSupplier(
  { db, quotas }: Deps,
  organizationId: string,
  fields: Pick<SupplierFields, 'name' | 'email' | 'categories'>,
  actor: string,
): Promise<{ supplier: Supplier; apiKey: string }> {
  const [id, key] = [newId(), newMarketplaceKey()];
  await quotas.take('keys_made', { organizationId, keyId: null });
  const made = await quotas.stored('suppliers', organizationId, async (most) => {
    const outcome = await onceByEmail(
      insertSupplier(db, organizationId, { ...fields, id, key, most }, actor),
    );
    if (outcome === 'too_many') throw new StoredQuotaError('suppliers', most);
    return outcome;
  });
  if (made === 'unknown_categories') throw unknownCategories();
  return { supplier: (await findSupplier(db, organizationId, id))!, apiKey: key };
}

/** Returns null when the organization has no such supplier. Throws ContractError 400 as `createSupplier`. */
export async function updateSupplier(
  { db }: Pick<Deps, 'db'>,
  organizationId: string,
  id: string,
  fields: Partial<SupplierFields>,
  by: { actor: string; action?: string },
): Promise<Supplier | null> {
  const outcome = await onceByEmail(changeSupplier(db, organizationId, id, fields, by));
  if (outcome === 'unknown_categories') throw unknownCategories();
  return outcome === 'unknown' ? null : findSupplier(db, organizationId, id);
}

/** The new key, from now on the only one of the supplier. Returns null when the organization has no such supplier. */
export async function rotateKey(
  { db, quotas }: Deps,
  organizationId: string,
  id: string,
  actor: string,
): Promise<string | null> {
  await quotas.take('keys_made', { organizationId, keyId: null });
  const key = newMarketplaceKey();
  return (await rotateSupplierKey(db, organizationId, id, { key, actor })) ? key : null;
}

async function onceByEmail<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (violatedUnique(error) === supplierEmailConstraint)
      throw new ContractError(400, 'invalid_input', 'Supplier with this email already exists');
    throw error;
  }
}

const unknownCategories = () =>
  new ContractError(
    400,
    'invalid_input',
    'Invalid categories',
    'categories: each must be the id of a category of your organization.',
  );
