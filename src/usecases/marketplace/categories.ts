import type { Queryable } from '../../db/client.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  type Category,
  categoryNameConstraint,
  findCategory,
  insertCategory,
} from '../../db/marketplace/categories.ts';
import { StoredQuotaError } from '../../domain/account/quotas.ts';
import { ContractError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import type { Quotas } from '../account/quotas.ts';
import type { Runtime } from '../runtime.ts';

/**
 * Runs a change that names a category. Throws 400 `Category with this name already exists` when the organization has
 * another with this name, in any case; deleted ones keep their names, and `detail` says how to restore one.
 */
export async function namingCategory<T>(
  db: Queryable,
  organizationId: string,
  name: string | undefined,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (violatedUnique(error) !== categoryNameConstraint || name === undefined) throw error;
    const other = await findCategory(db, organizationId, { name });
    const isDeleted = other !== null && !other.isActive;
    const detail = isDeleted
      ? `A deleted category has this name. PUT /api/categories/${other!.id} with isActive true restores it.`
      : undefined;
    const message = `is the name of ${isDeleted ? 'a deleted' : 'another'} category`;
    throw new ContractError(400, 'invalid_input', 'Category with this name already exists', detail, {
      fields: [{ path: 'name', message }],
    });
  }
}

type Deps = Pick<Runtime, 'db'> & { quotas: Pick<Quotas, 'stored'> };

/** Throws 400 for a name in use, and for more categories than a seller may have. */
export async function createCategory(
  { db, quotas }: Deps,
  organizationId: string,
  category: Pick<Category, 'name' | 'description' | 'fields'>,
  actor: string,
): Promise<Category> {
  try {
    return await namingCategory(db, organizationId, category.name, () =>
      quotas.stored('categories', organizationId, (most) =>
        insertCategory(db, organizationId, { id: newId(), ...category, most }, actor),
      ),
    );
  } catch (error) {
    if (!(error instanceof StoredQuotaError)) throw error;
    throw new ContractError(
      400,
      'invalid_input',
      'Too many categories',
      `A seller has at most ${error.most} categories.`,
    );
  }
}
