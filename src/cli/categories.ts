import { readFile } from 'node:fs/promises';
import { Command, type OptionValues } from 'commander';
import { validate as isUuid } from 'uuid';
import { categoryChangeOf, newCategoryOf, updateCategory } from '../api/marketplace/categories.ts';
import { type Category, findCategory, listCategories } from '../db/marketplace/categories.ts';
import { createCategory } from '../usecases/marketplace/categories.ts';
import {
  addOptions,
  changeIn,
  type FieldOptions,
  fieldsIn,
  mandatory,
  namingOptions,
  optional,
} from './field-options.ts';
import { actor, type OfSeller, sellerCommand, sellerIdOf, unchanged } from './of-seller.ts';
import { CommandError, type Session, say, withSession } from './session.ts';
import { commandQuotas } from './stored-limit.ts';

const file = 'a JSON file: [{ "name": "phone", "type": "phone", "required": true }, …]';

const ofNew: FieldOptions = {
  name: mandatory('--name <name>'),
  fields: mandatory('--fields <file>', file),
  description: optional('--description <text>'),
};
const ofChange: FieldOptions = {
  name: optional('--name <name>'),
  fields: optional('--fields <file>', `${file}; it replaces all fields`),
  description: optional('--description <text>', '"" for none'),
};

export function categoryCommands(): Command {
  const category = new Command('category').description('categories: the kinds of leads that a seller sells');
  sellerCommand(category, 'list', 'list the active categories of a seller')
    .option('--deleted', 'list the deleted ones instead')
    .action((options: OfSeller & { deleted?: boolean }) => withSession((session) => list(session, options)));
  addOptions(sellerCommand(category, 'create', 'make a category'), ofNew).action(
    (options: OfSeller & OptionValues) => withSession((session) => create(session, options)),
  );
  addOptions(
    sellerCommand(category, 'set <name-or-id>', 'change the given values of a category'),
    ofChange,
  ).action((which: string, options: OfSeller & OptionValues) =>
    withSession((session) => set(session, which, options)),
  );
  addMove(category, 'delete', false, 'delete a category that no active campaign sells');
  addMove(category, 'restore', true, 'make a deleted category active again');
  return category;
}

async function list(session: Session, { organization, deleted = false }: OfSeller & { deleted?: boolean }) {
  const organizationId = await sellerIdOf(session, organization);
  for (const { id, name, fields } of await listCategories(session.db, organizationId, { isActive: !deleted }))
    say(`${id}  ${name}  (${fields.length} field${fields.length === 1 ? '' : 's'})`);
}

async function create(session: Session, options: OfSeller & OptionValues): Promise<void> {
  const organizationId = await sellerIdOf(session, options.organization);
  const given = await withFile(fieldsIn(ofNew, options));
  const made = await namingOptions(ofNew, () =>
    createCategory(
      { db: session.db, quotas: commandQuotas(session) },
      organizationId,
      newCategoryOf(given),
      actor,
    ),
  );
  say(`Created ${made.name} (${made.id}).`);
}

async function set(session: Session, which: string, options: OfSeller & OptionValues): Promise<void> {
  const organizationId = await sellerIdOf(session, options.organization);
  const given = await withFile(changeIn(ofChange, options));
  const { id } = await categoryNamed(session, organizationId, which, options);
  const changed = await namingOptions(ofChange, () =>
    updateCategory(session.db, organizationId, { id, changes: categoryChangeOf(given) }, actor),
  );
  say(`Changed ${changed.name} (${changed.id}).`);
}

function addMove(category: Command, verb: string, isActive: boolean, about: string): void {
  sellerCommand(category, `${verb} <name-or-id>`, about).action((which: string, options: OfSeller) =>
    withSession(async (session) => {
      const organizationId = await sellerIdOf(session, options.organization);
      const { id } = await categoryNamed(session, organizationId, which, options);
      const { name } = await updateCategory(session.db, organizationId, { id, changes: { isActive } }, actor);
      say(`${name} is ${isActive ? 'active' : 'deleted'}.`);
    }),
  );
}

/** The category with this name, in any case, or id; it may be deleted. */
async function categoryNamed(
  { db }: Session,
  organizationId: string,
  which: string,
  { organization }: OfSeller,
): Promise<Category> {
  const category = await findCategory(db, organizationId, isUuid(which) ? { id: which } : { name: which });
  if (!category) throw new CommandError(`${organization} has no category ${which}. ${unchanged}`);
  return category;
}

/** The given values, with the fields that the file lists. */
const withFile = async ({ fields, ...given }: Readonly<Record<string, unknown>>) =>
  fields === undefined ? given : { ...given, fields: await jsonIn(String(fields)) };

async function jsonIn(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) throw new CommandError(`${path} cannot be read. ${unchanged}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(`${path} is not JSON. ${unchanged}`);
  }
}
