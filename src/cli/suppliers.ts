import { Command, type OptionValues } from 'commander';
import { validate as isUuid } from 'uuid';
import { supplierChangeOf, supplierOf } from '../api/marketplace/suppliers.ts';
import { listSuppliers, type Supplier } from '../db/marketplace/suppliers.ts';
import { partyStatuses } from '../domain/marketplace/party.ts';
import { createSupplier, rotateKey, updateSupplier } from '../usecases/marketplace/suppliers.ts';
import {
  addOptions,
  changeIn,
  eitherOf,
  type FieldOptions,
  fieldsIn,
  mandatory,
  namingOptions,
  optional,
  repeated,
} from './field-options.ts';
import { actor, type OfSeller, sellerCommand, sellerIdOf, unchanged } from './of-seller.ts';
import { CommandError, type Session, say, withSession } from './session.ts';
import { commandQuotas } from './stored-limit.ts';

const ofNew: FieldOptions = {
  name: mandatory('--name <name>'),
  email: mandatory('--email <email>'),
  categories: repeated('--category <id>', 'a category that it may send; can be repeated'),
};
const ofChange: FieldOptions = {
  name: optional('--name <name>'),
  email: optional('--email <email>'),
  testMode: eitherOf(['test', 'live'], '--mode <test|live>', 'whether its leads are tests or sold'),
  status: optional('--status <status>', `${partyStatuses.join(' or ')}: whether its key is accepted`),
  categories: repeated(
    '--category <id>',
    'a category that it may send; can be repeated. They replace all it had; "" for none',
  ),
};

export function supplierCommands(): Command {
  const supplier = new Command('supplier').description(
    'suppliers of an organization that sells on the marketplace',
  );
  sellerCommand(supplier, 'list', 'list suppliers, newest first').action((options: OfSeller) =>
    withSession((session) => list(session, options)),
  );
  addOptions(
    sellerCommand(
      supplier,
      'create',
      'create a supplier in test mode and print its key; it is shown only once',
    ),
    ofNew,
  ).action((options: OfSeller & OptionValues) => withSession((session) => create(session, options)));
  addOptions(
    sellerCommand(supplier, 'set <id>', 'change the given values of a supplier, such as --mode live'),
    ofChange,
  ).action((id: string, options: OfSeller & OptionValues) =>
    withSession((session) => set(session, id, options)),
  );
  sellerCommand(supplier, 'rotate-key <id>', 'replace the key of a supplier and print the new one').action(
    (id: string, options: OfSeller) => withSession((session) => rotate(session, id, options)),
  );
  sellerCommand(supplier, 'deactivate <id>', 'deactivate a supplier: its key is refused').action(
    (id: string, options: OfSeller) => withSession((session) => deactivate(session, id, options)),
  );
  return supplier;
}

const depsOf = (session: Session) => ({ db: session.db, quotas: commandQuotas(session) });

const lineOf = (row: Supplier): string =>
  [
    row.id,
    row.status,
    row.testMode ? 'test' : 'live',
    row.email,
    row.name,
    row.keyPrefix === null ? 'no key' : `${row.keyPrefix}…`,
    `categories: ${row.categories.length}`,
  ].join('  ');

async function list(session: Session, { organization }: OfSeller): Promise<void> {
  const organizationId = await sellerIdOf(session, organization);
  for (const row of await listSuppliers(session.db, organizationId, null)) say(lineOf(row));
}

async function create(session: Session, options: OfSeller & OptionValues): Promise<void> {
  const organizationId = await sellerIdOf(session, options.organization);
  const { supplier, apiKey } = await namingOptions(ofNew, () =>
    createSupplier(depsOf(session), organizationId, supplierOf(fieldsIn(ofNew, options)), actor),
  );
  say(apiKey);
  process.stderr.write(
    `${supplier.name} is supplier ${supplier.id}, in test mode. The key cannot be shown again.\n`,
  );
}

async function set(session: Session, id: string, options: OfSeller & OptionValues): Promise<void> {
  const fields = await namingOptions(ofChange, () => supplierChangeOf(changeIn(ofChange, options)));
  const organizationId = await sellerIdOf(session, options.organization);
  const changed = isUuid(id) ? await updateSupplier(session, organizationId, id, fields, { actor }) : null;
  if (!changed) throw unknown(options, id);
  say(lineOf(changed));
}

async function rotate(session: Session, id: string, options: OfSeller): Promise<void> {
  const organizationId = await sellerIdOf(session, options.organization);
  const key = isUuid(id) ? await rotateKey(depsOf(session), organizationId, id, actor) : null;
  if (key === null) throw unknown(options, id);
  say(key);
  process.stderr.write('The former key is refused from now on. This one cannot be shown again.\n');
}

async function deactivate(session: Session, id: string, options: OfSeller): Promise<void> {
  const organizationId = await sellerIdOf(session, options.organization);
  const by = { actor, action: 'supplier.deactivated' };
  const found = isUuid(id) && (await updateSupplier(session, organizationId, id, { status: 'INACTIVE' }, by));
  if (!found) throw unknown(options, id);
  say(`${id} is inactive, and its key is refused.`);
}

const unknown = ({ organization }: OfSeller, id: string) =>
  new CommandError(`${organization} has no supplier ${id}. ${unchanged}`);
