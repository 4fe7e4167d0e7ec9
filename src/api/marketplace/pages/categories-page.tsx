import type { Category } from '../../../db/marketplace/categories.ts';
import { type CategoryField, fieldTypes, mostFields } from '../../../domain/marketplace/category-fields.ts';
import { Check, Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { ConfirmForm, Empty, When } from '../../web/parts.tsx';
import { emptyRows, fieldName, rowsIn, typedOf } from './category-form.ts';
import { Choices, listAddress, MarketPage, type MarketVisit } from './frame.tsx';

const filters = [
  [null, 'Active'],
  ['deleted', 'Deleted'],
] as const;

/** `most`: how many the seller may have. */
type ListProps = { visit: MarketVisit; categories: Category[]; isActive: boolean; most: number | null };

export function CategoriesPage({ visit, categories, isActive, most }: ListProps) {
  return (
    <MarketPage title="Categories" at="categories" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2>
            Categories <span class="quiet">{categories.length}</span>
          </h2>
          <div class="head-tools">
            <Choices
              label="Status"
              options={filters}
              chosen={isActive ? null : 'deleted'}
              href={(value) => listAddress('/market/categories', { status: value })}
            />
            <a class="btn" data-size="sm" href="/market/categories/new">
              New category
            </a>
          </div>
        </div>
        {categories.length > 0 ? (
          <Rows categories={categories} />
        ) : isActive ? (
          <Empty title="No category yet.">
            <p>A category says which fields a lead has. Campaigns sell the leads of one category.</p>
          </Empty>
        ) : (
          <Empty title="No deleted category.">
            {most !== null && <p>You have at most {most} categories, deleted ones included.</p>}
          </Empty>
        )}
      </section>
    </MarketPage>
  );
}

function Rows({ categories }: { categories: Category[] }) {
  return (
    <table class="rows cards">
      <thead>
        <tr>
          <th>Category</th>
          <th class="number">Fields</th>
          <th class="number">Locked</th>
          <th>Changed</th>
        </tr>
      </thead>
      <tbody>
        {categories.map(({ id, name, description, fields, updatedAt }) => (
          <tr>
            <td>
              <a class="row-link" href={`/market/categories/${id}`}>
                {name}
              </a>
              {description ? <span class="sub clip">{description}</span> : null}
            </td>
            <td class="number" data-label="Fields">
              {fields.length}
            </td>
            <td class="number" data-label="Locked">
              {fields.filter(({ locked }) => locked).length}
            </td>
            <td data-label="Changed">
              <When at={new Date(updatedAt)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Props = {
  visit: MarketVisit;
  /** Null for a new one. */
  category: Category | null;
  form: FormState;
  /** Empty rows below those that are filled in. */
  more?: number;
};

export function CategoryPage({ visit, category, form, more = emptyRows }: Props) {
  const title = category?.name ?? 'New category';
  const typed = rowsIn(form.values);
  const rows = Math.min(mostFields, typed > 0 ? typed + more : (category?.fields.length ?? 0) + emptyRows);
  return (
    <MarketPage title={title} at="categories" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2 class="clip">{title}</h2>
          <a class="quiet" href="/market/categories" data-up>
            Categories
          </a>
        </div>
        <form
          class="form"
          method="post"
          action={category ? `/market/categories/${category.id}` : '/market/categories'}
        >
          <Problem form={form} />
          <Field
            name="name"
            label="Name"
            form={form}
            max={200}
            value={category?.name ?? ''}
            autofocus={!category && typed === 0}
          />
          <Field
            name="description"
            label="Description"
            form={form}
            rows={2}
            max={2_000}
            optional
            value={category?.description ?? ''}
          />
          <Fields rows={rows} own={category?.fields ?? []} form={form} />
          <div class="form-end">
            <button type="submit" class="btn">
              {category ? 'Save' : 'Create category'}
            </button>
            <button
              type="submit"
              class="btn"
              data-variant="outline"
              name="more"
              value="1"
              formnovalidate
              disabled={rows >= mostFields}
            >
              More rows
            </button>
          </div>
        </form>
      </section>
      {category ? <Life category={category} /> : null}
    </MarketPage>
  );
}

function Fields({ rows, own, form }: { rows: number; own: CategoryField[]; form: FormState }) {
  const errors = form.errors.fields ?? [];
  return (
    <fieldset class="field-rows">
      <legend>Fields of a lead</legend>
      <p class="sub">
        Locked fields are shown only to the buyer of a lead: names, addresses, phones and e-mails unless you
        say otherwise. A field whose texts are all cleared is removed.
      </p>
      {errors.length > 0 ? <p class="field-error">{errors.join(', ')}</p> : null}
      {Array.from({ length: rows }, (_, row) => (
        <FieldRow row={row} own={own[row]} form={form} />
      ))}
    </fieldset>
  );
}

const types = fieldTypes.map((type) => [type, type] as const);

function FieldRow({ row, own, form }: { row: number; own: CategoryField | undefined; form: FormState }) {
  const typed = typedOf(own);
  const locks = [
    ['', 'If personal'],
    ['true', 'Yes'],
    ['false', 'No'],
  ] as const;
  return (
    <fieldset class="field-row">
      <legend class="visually-hidden">Field {row + 1}</legend>
      <Field
        name={fieldName(row, 'name')}
        label="Name"
        form={form}
        max={60}
        optional="unsaid"
        value={typed.name}
      />
      <Field name={fieldName(row, 'type')} label="Type" form={form} options={types} value={typed.type} />
      <Field
        name={fieldName(row, 'locked')}
        label="Locked"
        form={form}
        optional="unsaid"
        options={locks}
        value={typed.locked}
      />
      <Check name={fieldName(row, 'required')} label="Required" form={form} checked={typed.isRequired} />
      <Field
        name={fieldName(row, 'description')}
        label="Description"
        form={form}
        max={500}
        optional="unsaid"
        value={typed.description}
      />
      <Field
        name={fieldName(row, 'options')}
        label="Values of a select, one a line"
        form={form}
        rows={2}
        optional="unsaid"
        value={typed.options}
      />
    </fieldset>
  );
}

function Life({ category }: { category: Category }) {
  const { id, isActive } = category;
  return (
    <section class="panel form-panel" aria-labelledby="life-title">
      <div class="panel-head">
        <h2 id="life-title">{isActive ? 'Delete' : 'Deleted'}</h2>
        <a class="quiet" href={listAddress('/market/audit', { subject: `category:${id}` })}>
          Changes
        </a>
      </div>
      <div class="form">
        {isActive ? (
          <ConfirmForm
            action={`/market/categories/${id}/delete`}
            label="Delete category"
            question="It takes no further leads. What was sold stays, and you can restore it."
            confirm="Delete it"
          />
        ) : (
          <form method="post" action={`/market/categories/${id}/restore`}>
            <p>It is in no list, and keeps its name.</p>
            <button type="submit" class="btn" data-size="sm">
              Restore category
            </button>
          </form>
        )}
      </div>
    </section>
  );
}
