import { addCompanyFields, type Company } from '../../db/account/companies.ts';
import { checkMapping, type Mapping, type Target } from '../../domain/csv/mapping.ts';
import { RefusedError } from '../../domain/errors.ts';
import { type CrmFields, createCrmField, fieldById, fieldNamed } from '../../usecases/crm/fields.ts';
import type { SessionDeps } from '../../usecases/crm/session.ts';

/**
 * What the form of a preview offers for a column besides the targets of a mapping: `crm:<id>`, a field of the CRM that the
 * company has no name for yet, and `create:<name>`, a new one.
 */
export type Choice = string | null;

/** `company` has the chosen fields as if they were stored already. */
export type ChosenColumns = {
  mapping: Choice[];
  company: Company;
  /** Of the CRM's fields: name here -> id. */
  fields: Record<string, string>;
  create: string[];
};

/** Resolves the choices into a mapping, without changing anything. Throws RefusedError for a field that is gone. */
export function readChoices(
  company: Company,
  choices: readonly Choice[],
  crm: CrmFields | null,
): ChosenColumns {
  const names = new Map(Object.entries(company.fieldMapping));
  const fields = new Map<string, string>();
  const create: string[] = [];
  const name = (id: string, wanted: string): string => {
    const known = [...names].find(([, known]) => known === id);
    if (known) return known[0];
    const free = names.has(wanted) ? `${wanted} (${id})` : wanted;
    names.set(free, id);
    fields.set(free, id);
    return free;
  };
  const mapping = choices.map((choice): Choice => {
    if (choice?.startsWith('create:')) {
      const wanted = choice.slice('create:'.length);
      if (!names.has(wanted)) create.push(wanted);
      return `custom:${wanted}`;
    }
    const field = fieldOf(choice, names, crm);
    if (field) return `custom:${name(field.id, field.name.slice(0, 180))}`;
    // Checked with the other targets by the preview and by the start.
    return choice;
  });
  const planned = [...names, ...create.map((wanted) => [wanted, 'new'] as const)];
  return {
    mapping,
    company: { ...company, fieldMapping: Object.fromEntries(planned) },
    fields: Object.fromEntries(fields),
    create: [...new Set(create)],
  };
}

/** The company with those of its fields that are in the CRM: values for others would be ignored there. */
export function withKnownFields(company: Company, crm: CrmFields | null): Company {
  if (crm === null) return company;
  const known = Object.entries(company.fieldMapping).filter(([, id]) => fieldById(crm.fields, id));
  return { ...company, fieldMapping: Object.fromEntries(known) };
}

/** The company as if the CRM's fields were all its own, under the names they have there. */
export function withCrmFields(company: Company, crm: CrmFields | null): Company {
  const theirs = (crm?.fields ?? []).map(({ id, name }) => [name.slice(0, 180), id] as const);
  return { ...company, fieldMapping: { ...Object.fromEntries(theirs), ...company.fieldMapping } };
}

/** The CRM's field that was chosen by id, or that has the name of a custom field without a place. */
function fieldOf(choice: Choice, names: ReadonlyMap<string, string>, crm: CrmFields | null) {
  if (choice?.startsWith('crm:')) {
    const field = crm?.fields.find(({ id }) => id === choice.slice('crm:'.length));
    if (field) return field;
    throw new RefusedError(
      400,
      'invalid_mapping',
      'A chosen field is not in the CRM any more, or the CRM does not answer. Choose again.',
    );
  }
  const name = choice?.startsWith('custom:') ? choice.slice('custom:'.length) : null;
  return name === null || names.has(name) ? undefined : fieldNamed(crm?.fields ?? [], name);
}

/** The value of a column's select for a target of the mapping. */
export function choiceOf(target: Target | null, company: Company, crm: CrmFields | null): Choice {
  if (!target?.startsWith('custom:')) return target;
  const name = target.slice('custom:'.length);
  if (Object.hasOwn(company.fieldMapping, name)) return target;
  const field = fieldNamed(crm?.fields ?? [], name);
  return field ? `crm:${field.id}` : target;
}

/** Creates what is to be created in the CRM and stores the names of its fields. Returns the company as it is then. */
export async function placeColumns(
  deps: SessionDeps,
  company: Company,
  chosen: ChosenColumns,
  header: readonly string[],
): Promise<{ company: Company; mapping: Mapping }> {
  // Before anything is created: a mapping that is refused leaves no fields in the CRM.
  const mapping = checkMapping(chosen.mapping, header);
  const fields = new Map(Object.entries(chosen.fields));
  for (const name of chosen.create)
    fields.set(name, (await createCrmField(deps, company.organizationId, name)).id);
  if (fields.size === 0) return { company, mapping };
  const added = Object.fromEntries(fields);
  await addCompanyFields(deps.db, company.organizationId, added);
  return { company: { ...company, fieldMapping: { ...company.fieldMapping, ...added } }, mapping };
}
