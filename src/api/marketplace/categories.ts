import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Database } from '../../db/client.ts';
import {
  type Category,
  type CategoryChange,
  type ChangedCategory,
  changeCategory,
  findCategory,
  listCategories,
} from '../../db/marketplace/categories.ts';
import { readFields } from '../../domain/marketplace/category-fields.ts';
import { createCategory, namingCategory } from '../../usecases/marketplace/categories.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { partyOf, sellerOf } from '../auth/caller.ts';
import {
  assertGiven,
  bodyOf,
  clearable,
  contractProblems,
  type Given,
  missing,
  read,
  refused,
} from '../http/contract.ts';
import { text } from '../http/fields.ts';
import * as examples from './catalog-examples.ts';
import { anyCategorySchema, briefCategory, categorySchema, shownCategory } from './catalog-json.ts';
import { idOf } from './fields.ts';
import {
  type CatalogCaller,
  catalogCallerOf,
  categoriesOfSupplier,
  supplierOrParty,
} from './supplier-door.ts';

export const unknownCategory = 'Category not found';
const inUse = 'Cannot delete category that is used in active campaigns';
const params = z.object({ id: z.string() });

const fieldsShape = z.array(
  z.object({
    name: z.string(),
    type: z.string(),
    required: z.boolean(),
    description: z.string().nullish(),
    locked: z.boolean().optional(),
    options: z.array(z.string()).optional(),
  }),
);
const values = z
  .object({ name: text(200), description: clearable(text(2_000)), isActive: z.boolean() })
  .partial();

/** Null when the fields are not given. */
function fieldsIn({ fields: given }: Given) {
  if (given === undefined) return null;
  const found = readFields(given);
  if (found.ok) return found.fields;
  const { path, message } = found;
  throw refused('Invalid fields', `${path}: ${message}.`, [{ path, message }]);
}

/** The category that a seller makes. Throws 400. */
export function newCategoryOf(given: Given) {
  const wording = 'Name and fields are required';
  assertGiven(given, ['name', 'fields'], wording);
  if (Array.isArray(given.fields) && given.fields.length === 0)
    throw refused(wording, undefined, [{ path: 'fields', message: 'must have at least one field' }]);
  const { name = '', description = null } = read(values, given);
  return { name, description, fields: fieldsIn(given) ?? [] };
}

/** What a seller changes of a category. Throws 400. */
export function categoryChangeOf(given: Given): CategoryChange {
  const fields = fieldsIn(given);
  return { ...read(values, given), ...(fields ? { fields } : {}) };
}

/** Throws 404, and 400 for what may not be changed, or has a name in use. */
export async function updateCategory(
  db: Database,
  organizationId: string,
  { id, changes }: { id: string; changes: CategoryChange },
  actor: string,
): Promise<Category> {
  const change = () => changeCategory(db, organizationId, id, changes, actor);
  return changedCategory(await namingCategory(db, organizationId, changes.name, change));
}

function changedCategory(changed: ChangedCategory): Category {
  if (changed === 'unknown') throw missing(unknownCategory);
  if (changed === 'in_use') throw refused(inUse);
  return changed;
}

type Deps = Pick<Runtime, 'db' | 'quotas'>;

export function categoryRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const { db } = deps;
  const seen = async (caller: CatalogCaller) => {
    if (caller.kind === 'supplier') return (await categoriesOfSupplier(db, caller)).map(shownCategory);
    const rows = await listCategories(db.reader, caller.organizationId);
    return rows.map(caller.kind === 'seller' ? shownCategory : briefCategory);
  };
  return async (app) => {
    app.get(
      '/api/categories',
      {
        onRequest: supplierOrParty(access),
        schema: {
          tags: ['categories'],
          summary: 'List active categories by name; a supplier’s key lists those it may send',
          response: {
            200: z
              .object({ categories: z.array(anyCategorySchema) })
              .meta({ examples: [{ categories: [examples.category] }] }),
            ...contractProblems(401, 403, 429, 503),
          },
        },
      },
      async (request) => ({ categories: await seen(catalogCallerOf(request)) }),
    );
    app.post(
      '/api/categories',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['categories'],
          summary:
            'Make a category; e-mail, phone, names and street addresses are locked unless `locked` says otherwise',
          body: z
            .object({ name: z.string(), description: z.string().nullish(), fields: fieldsShape })
            .meta({ examples: [examples.newCategory] }),
          response: {
            201: z
              .object({ message: z.literal('Category created successfully'), category: categorySchema })
              .meta({
                examples: [{ message: 'Category created successfully', category: examples.category }],
              }),
            ...contractProblems(400, 401, 403, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { organizationId, person } = sellerOf(request);
        const category = await createCategory(
          deps,
          organizationId,
          newCategoryOf(bodyOf(request)),
          person.id,
        );
        return reply
          .status(201)
          .send({ message: 'Category created successfully', category: shownCategory(category) });
      },
    );
    await app.register(oneCategory(deps, access));
  };
}

function oneCategory({ db }: Deps, access: Access): FastifyPluginAsyncZod {
  const change = async (request: FastifyRequest) => {
    const { organizationId, person } = sellerOf(request);
    const changes = categoryChangeOf(bodyOf(request));
    const id = idOf(request.params, unknownCategory);
    const category = await updateCategory(db, organizationId, { id, changes }, person.id);
    return { message: 'Category updated successfully' as const, category: shownCategory(category) };
  };
  return async (app) => {
    app.get(
      '/api/categories/:id',
      {
        onRequest: access.market('seller', 'buyer'),
        schema: {
          tags: ['categories'],
          summary: 'Read a category; buyers read active ones',
          params,
          response: {
            200: z
              .object({ category: anyCategorySchema })
              .meta({ examples: [{ category: examples.category }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId, role } = partyOf(request);
        const category = await findCategory(db.reader, organizationId, {
          id: idOf(request.params, unknownCategory),
        });
        if (!category || (role === 'buyer' && !category.isActive)) throw missing(unknownCategory);
        return { category: role === 'seller' ? shownCategory(category) : briefCategory(category) };
      },
    );
    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/categories/:id',
        onRequest: access.market('seller'),
        schema: {
          tags: ['categories'],
          summary: 'Change the given values of a category; `fields` replaces all of them',
          params,
          body: z
            .object({
              name: z.string(),
              description: z.string().nullable(),
              fields: fieldsShape,
              isActive: z.boolean(),
            })
            .partial()
            .meta({ examples: [{ description: examples.newCategory.description, isActive: true }] }),
          response: {
            200: z
              .object({ message: z.literal('Category updated successfully'), category: categorySchema })
              .meta({
                examples: [{ message: 'Category updated successfully', category: examples.category }],
              }),
            ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503),
          },
        },
        handler: change,
      });
    }
    app.delete(
      '/api/categories/:id',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['categories'],
          summary: 'Deactivate a category that no active campaign sells',
          params,
          response: {
            200: z
              .object({ message: z.literal('Category deleted successfully') })
              .meta({ examples: [{ message: 'Category deleted successfully' }] }),
            ...contractProblems(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId, person } = sellerOf(request);
        const id = idOf(request.params, unknownCategory);
        await updateCategory(db, organizationId, { id, changes: { isActive: false } }, person.id);
        return { message: 'Category deleted successfully' as const };
      },
    );
  };
}
