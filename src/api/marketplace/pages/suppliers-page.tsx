import { mostLeadsCounted, type Supplier } from '../../../db/marketplace/suppliers.ts';
import { Check, Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { Command, ConfirmForm, Empty, When } from '../../web/parts.tsx';
import { MarketPage, type MarketVisit, StatusBadge } from './frame.tsx';

export function SuppliersPage({ visit, suppliers }: { visit: MarketVisit; suppliers: Supplier[] }) {
  return (
    <MarketPage title="Suppliers" at="suppliers" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2>Suppliers</h2>
          <a class="btn" data-size="sm" href="/market/suppliers/new">
            New supplier
          </a>
        </div>
        {suppliers.length === 0 ? (
          <Empty title="No supplier yet.">
            <p>A supplier sends leads of its categories with a key of its own.</p>
          </Empty>
        ) : (
          <Rows suppliers={suppliers} />
        )}
      </section>
    </MarketPage>
  );
}

const leadsOf = ({ leadsDelivered }: Supplier) =>
  `${leadsDelivered.toLocaleString('en-US')}${leadsDelivered === mostLeadsCounted ? '+' : ''}`;

function Rows({ suppliers }: { suppliers: Supplier[] }) {
  return (
    <table class="rows cards">
      <thead>
        <tr>
          <th>Supplier</th>
          <th>Status</th>
          <th>Mode</th>
          <th class="number">Leads</th>
          <th>Last lead</th>
          <th>Key</th>
        </tr>
      </thead>
      <tbody>
        {suppliers.map((supplier) => (
          <tr>
            <td>
              <a class="row-link" href={`/market/suppliers/${supplier.id}`}>
                {supplier.name}
              </a>
              <span class="sub clip">{supplier.email}</span>
            </td>
            <td>
              <StatusBadge status={supplier.status} />
            </td>
            <td data-label="Mode">{supplier.testMode ? 'Test' : 'Live'}</td>
            <td class="number" data-label="Leads">
              {leadsOf(supplier)}
            </td>
            <td data-label="Last lead">
              {supplier.lastDeliveryAt ? <When at={new Date(supplier.lastDeliveryAt)} /> : '–'}
            </td>
            <td data-label="Key">
              {supplier.keyPrefix ? <span class="mono">{supplier.keyPrefix}…</span> : '–'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Category = { id: string; name: string };
type Props = {
  visit: MarketVisit;
  /** Null for a new one. */
  supplier: Supplier | null;
  categories: Category[];
  form: FormState;
  /** Shown in this response and never again. */
  newKey?: string;
};

export function SupplierPage({ visit, supplier, categories, form, newKey }: Props) {
  const title = supplier?.name ?? 'New supplier';
  return (
    <MarketPage title={title} at="suppliers" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2 class="clip">{title}</h2>
          <a class="quiet" href="/market/suppliers" data-up>
            Suppliers
          </a>
        </div>
        {newKey ? (
          <div class="form">
            <div class="secret">
              <p>
                <b>The key of {title}. Copy it now: it is shown only this once.</b>
              </p>
              <Command id="new-key" text={newKey} />
            </div>
          </div>
        ) : null}
        <form
          class="form"
          method="post"
          action={supplier ? `/market/suppliers/${supplier.id}` : '/market/suppliers'}
        >
          <Problem form={form} />
          <div class="pair">
            <Field
              name="name"
              label="Name"
              form={form}
              max={200}
              value={supplier?.name ?? ''}
              autofocus={!supplier}
            />
            <Field
              name="email"
              label="Email"
              type="email"
              form={form}
              max={320}
              value={supplier?.email ?? ''}
            />
          </div>
          {supplier ? <Switches supplier={supplier} form={form} /> : null}
          <Categories categories={categories} own={supplier?.categories ?? []} form={form} />
          <div class="form-end">
            <button type="submit" class="btn">
              {supplier ? 'Save' : 'Create supplier'}
            </button>
          </div>
        </form>
      </section>
      {supplier ? <Key supplier={supplier} /> : null}
    </MarketPage>
  );
}

function Switches({ supplier, form }: { supplier: Supplier; form: FormState }) {
  return (
    <div class="pair">
      <Field
        name="status"
        label="Status"
        form={form}
        value={supplier.status}
        options={[
          ['ACTIVE', 'Active'],
          ['INACTIVE', 'Inactive: its key is refused'],
        ]}
      />
      <Field
        name="testMode"
        label="Mode"
        form={form}
        value={String(supplier.testMode)}
        options={[
          ['true', 'Test: sold to no buyer'],
          ['false', 'Live'],
        ]}
      />
    </div>
  );
}

function Categories({ categories, own, form }: { categories: Category[]; own: string[]; form: FormState }) {
  const errors = form.errors.categories ?? [];
  return (
    <fieldset class="form-field">
      <legend>Categories that it may send</legend>
      {categories.length === 0 ? <p class="sub">There is no category yet.</p> : null}
      {categories.map(({ id, name }) => (
        <Check name={`category-${id}`} label={name} form={form} checked={own.includes(id)} />
      ))}
      {errors.length > 0 ? <p class="field-error">{errors.join(', ')}</p> : null}
    </fieldset>
  );
}

function Key({ supplier }: { supplier: Supplier }) {
  return (
    <section class="panel form-panel" aria-labelledby="key-title">
      <div class="panel-head">
        <h2 id="key-title">API key</h2>
        {supplier.keyPrefix ? <span class="mono">{supplier.keyPrefix}…</span> : null}
      </div>
      <div class="form">
        <p>
          <a href={`/market/suppliers/${supplier.id}/test`}>Send a test lead</a> to see who would get it.
        </p>
        <ConfirmForm
          action={`/market/suppliers/${supplier.id}/rotate-key`}
          label="New key"
          about={`for ${supplier.name}`}
          question="The present key is refused from then on. The new one is shown once."
          confirm="Replace the key"
        />
      </div>
    </section>
  );
}
