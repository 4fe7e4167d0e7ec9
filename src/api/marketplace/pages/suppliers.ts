import type { FastifyInstance, FastifyRequest } from 'fastify';
import { categoryNames, findSupplier, listSuppliers } from '../../../db/marketplace/suppliers.ts';
import { createSupplier, rotateKey, updateSupplier } from '../../../usecases/marketplace/suppliers.ts';
import { sellerOf } from '../../auth/caller.ts';
import { missing } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { untouched } from '../../web/form-parts.tsx';
import { idOf } from '../fields.ts';
import { supplierChangeOf, supplierOf } from '../suppliers.ts';
import { type MarketSite, refusedForm } from './site.ts';
import { SupplierPage, SuppliersPage } from './suppliers-page.tsx';

const hidden = { schema: { hide: true } };
const unknown = 'Supplier not found';

/** The boxes that are ticked: one field for each category, by its id. */
const categoriesIn = (values: Record<string, string>) =>
  Object.keys(values)
    .filter((name) => name.startsWith('category-'))
    .map((name) => name.slice('category-'.length));

/** Suppliers of a seller: the list, a new one, its settings and key. */
export function supplierPages(app: FastifyInstance, site: MarketSite): void {
  const { runtime } = site;
  const { db } = runtime;
  const show = async (request: FastifyRequest) => {
    const { organizationId } = sellerOf(request);
    const [visit, categories] = await Promise.all([site.visit(request), categoryNames(db, organizationId)]);
    return { visit, categories };
  };
  app.get('/market/suppliers', hidden, async (request, reply) => {
    const { organizationId } = sellerOf(request);
    const [visit, suppliers] = await Promise.all([
      site.visit(request),
      listSuppliers(db.reader, organizationId, null),
    ]);
    return site.send(reply, SuppliersPage({ visit, suppliers }));
  });
  app.get('/market/suppliers/new', hidden, async (request, reply) =>
    site.send(reply, SupplierPage({ ...(await show(request)), supplier: null, form: untouched })),
  );
  app.post('/market/suppliers', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const values = formOf(request);
    try {
      const fields = supplierOf({ ...values, categories: categoriesIn(values) });
      const made = await createSupplier(runtime, organizationId, fields, person.id);
      const view = { supplier: made.supplier, newKey: made.apiKey, form: untouched };
      return site.send(reply.status(201), SupplierPage({ ...(await show(request)), ...view }));
    } catch (error) {
      const form = refusedForm(error, values);
      const page = SupplierPage({ ...(await show(request)), supplier: null, form });
      return site.send(reply.status(400), page);
    }
  });
  oneSupplier(app, site, show);
}

type Show = (
  request: FastifyRequest,
) => Promise<Pick<Parameters<typeof SupplierPage>[0], 'visit' | 'categories'>>;

function oneSupplier(app: FastifyInstance, site: MarketSite, show: Show): void {
  const { runtime } = site;
  const { db } = runtime;
  const find = async (request: FastifyRequest) => {
    const id = idOf(request.params, unknown);
    const supplier = await findSupplier(db, sellerOf(request).organizationId, id);
    if (!supplier) throw missing(unknown);
    return supplier;
  };
  app.get('/market/suppliers/:id', hidden, async (request, reply) => {
    const supplier = await find(request);
    return site.send(reply, SupplierPage({ ...(await show(request)), supplier, form: untouched }));
  });
  app.post('/market/suppliers/:id', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const supplier = await find(request);
    const { testMode, ...values } = formOf(request);
    try {
      const fields = supplierChangeOf({
        ...values,
        categories: categoriesIn(values),
        ...(testMode === undefined ? {} : { testMode: testMode !== 'false' }),
      });
      await updateSupplier({ db }, organizationId, supplier.id, fields, { actor: person.id });
      return reply.redirect(`/market/suppliers/${supplier.id}`, 303);
    } catch (error) {
      const form = refusedForm(error, { ...values, testMode: testMode ?? 'true' });
      return site.send(reply.status(400), SupplierPage({ ...(await show(request)), supplier, form }));
    }
  });
  app.post('/market/suppliers/:id/rotate-key', hidden, async (request, reply) => {
    const { organizationId, person } = sellerOf(request);
    const newKey = await rotateKey(runtime, organizationId, idOf(request.params, unknown), person.id);
    if (newKey === null) throw missing(unknown);
    const supplier = await find(request);
    return site.send(reply, SupplierPage({ ...(await show(request)), supplier, newKey, form: untouched }));
  });
}
