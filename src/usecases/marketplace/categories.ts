import type { Queryable } from '../../db/client.ts';
import { violatedUnique } from '../../db/constraints.ts';
import {
  type Category,
  categoryNameConstraint,
  findCategory,
  insertCategory,
  mostCategories,
} from '../../db/marketplace/categories.ts';
import { ContractError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';

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

/** Throws 400 for a name in use, and for more categories than a seller may have. */
export async function createCategory(
  db: Queryable,
  organizationId: string,
  category: Pick<Category, 'name' | 'description' | 'fields'>,
  actor: string,
): Promise<Category> {
  const made = await namingCategory(db, organizationId, category.name, () =>
    insertCategory(db, organizationId, { id: newId(), ...category }, actor),
  );
  if (!made)
    throw new ContractError(
      400,
      'invalid_input',
      'Too many categories',
      `A seller has at most ${mostCategories} categories.`,
    );
  return made;
}
