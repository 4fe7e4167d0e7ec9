import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findCategory, listCategories } from '../../../db/marketplace/categories.ts';
import { createCategory } from '../../../usecases/marketplace/categories.ts';
import { sellerOf } from '../../auth/caller.ts';
import { missing } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { categoryChangeOf, newCategoryOf, unknownCategory, updateCategory } from '../categories.ts';
import { idOf } from '../fields.ts';
import { CategoriesPage, CategoryPage } from './categories-page.tsx';
import { categoryIn, emptyRows, fieldAt } from './category-form.ts';
import { type MarketSite, refusedForm } from './site.ts';

const hidden = { schema: { hide: true } };

const listQuery = z.object({ status: z.literal('deleted').nullable().catch(null) });

/** Categories of a seller: the list, a new one, its fields. */
export function categoryPages(app: FastifyInstance, site: MarketSite): void {
  const { db, quotas } = site.runtime;
  app.get('/market/categories', hidden, async (request, reply) => {
    const { organizationId } = sellerOf(request);
    const isActive = listQuery.parse(request.query).status === null;
    const [visit, categories, { perOrganization: most }] = await Promise.all([
      site.visit(request),
      listCategories(db.reader, organizationId, { isActive }),
      quotas.limitsOf('categories', organizationId),
    ]);
    return site.send(reply, CategoriesPage({ visit, categories, isActive, most }));
  });
  app.get('/market/categories/new', hidden, async (request, reply) =>
    site.send(reply, CategoryPage({ visit: await site.visit(request), category: null, form: untouched })),
  );
  app.post('/market/categories', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const { more, ...values } = formOf(request);
    const again = async (status: number, form: FormState, rows: number) => {
      const visit = await site.visit(request);
      return site.send(reply.status(status), CategoryPage({ visit, category: null, form, more: rows }));
    };
    if (more) return again(200, { values, errors: {} }, emptyRows);
    try {
      const { id } = await createCategory(
        site.runtime,
        organizationId,
        newCategoryOf(categoryIn(values)),
        person.id,
      );
      return reply.redirect(`/market/categories/${id}`, 303);
    } catch (error) {
      return again(400, refusedForm(error, values, fieldAt(values)), 0);
    }
  });
  oneCategory(app, site);
}

function oneCategory(app: FastifyInstance, site: MarketSite): void {
  const { db } = site.runtime;
  const find = async (request: FastifyRequest) => {
    const id = idOf(request.params, unknownCategory);
    const [visit, category] = await Promise.all([
      site.visit(request),
      findCategory(db, sellerOf(request).organizationId, { id }),
    ]);
    if (!category) throw missing(unknownCategory);
    return { visit, category };
  };
  app.get('/market/categories/:id', hidden, async (request, reply) =>
    site.send(reply, CategoryPage({ ...(await find(request)), form: untouched })),
  );
  app.post('/market/categories/:id', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const { visit, category } = await find(request);
    const { more, ...values } = formOf(request);
    if (more) return site.send(reply, CategoryPage({ visit, category, form: { values, errors: {} } }));
    try {
      const changes = categoryChangeOf(categoryIn(values));
      await updateCategory(db, organizationId, { id: category.id, changes }, person.id);
      return reply.redirect(`/market/categories/${category.id}`, 303);
    } catch (error) {
      const form = refusedForm(error, values, fieldAt(values));
      return site.send(reply.status(400), CategoryPage({ visit, category, form, more: 0 }));
    }
  });
  for (const [name, isActive] of [
    ['delete', false],
    ['restore', true],
  ] as const)
    app.post(`/market/categories/:id/${name}`, hidden, async (request, reply) => {
      const { organizationId, person } = sellerOf(request);
      const { visit, category } = await find(request);
      const { id } = category;
      try {
        await updateCategory(db, organizationId, { id, changes: { isActive } }, person.id);
        return reply.redirect(isActive ? `/market/categories/${id}` : '/market/categories', 303);
      } catch (error) {
        const form = refusedForm(error, {});
        return site.send(reply.status(400), CategoryPage({ visit, category, form }));
      }
    });
}
