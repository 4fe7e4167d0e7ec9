import { Command } from 'commander';
import { validate as isUuid } from 'uuid';
import { listSuppliers } from '../db/marketplace/suppliers.ts';
import { isEmail } from '../domain/lead/email.ts';
import { createSupplier, rotateKey, updateSupplier } from '../usecases/marketplace/suppliers.ts';
import { sellerNamed } from './buyers.ts';
import { CommandError, type Session, say, withSession } from './session.ts';
import { commandQuotas } from './stored-limit.ts';

type Of = { organization: string };
type CreateOptions = Of & { name: string; email: string; category: string[] };

const actor = 'cli';

export function supplierCommands(): Command {
  const supplier = new Command('supplier').description(
    'suppliers of an organization that sells on the marketplace',
  );
  const command = (name: string, about: string) =>
    supplier.command(name).description(about).requiredOption('--organization <slug>');
  command('list', 'list suppliers, newest first').action((options: Of) =>
    withSession((session) => list(session, options)),
  );
  command('create', 'create a supplier in test mode and print its key; it is shown only once')
    .requiredOption('--name <name>')
    .requiredOption('--email <email>')
    .option(
      '--category <id>',
      'a category that it may send; can be repeated',
      (id: string, all: string[]) => [...all, id],
      [],
    )
    .action((options: CreateOptions) => withSession((session) => create(session, options)));
  command('rotate-key <id>', 'replace the key of a supplier and print the new one').action(
    (id: string, options: Of) => withSession((session) => rotate(session, id, options)),
  );
  command('deactivate <id>', 'deactivate a supplier: its key is refused').action((id: string, options: Of) =>
    withSession((session) => deactivate(session, id, options)),
  );
  return supplier;
}

/** The command line counts among no rates. */
const depsOf = (session: Session) => ({ db: session.db, quotas: commandQuotas(session) });

async function list(session: Session, { organization }: Of): Promise<void> {
  const seller = await sellerNamed(session, organization);
  for (const row of await listSuppliers(session.db, seller.id, null))
    say(
      [
        row.id,
        row.status,
        row.testMode ? 'test' : 'live',
        row.email,
        row.name,
        row.keyPrefix === null ? 'no key' : `${row.keyPrefix}…`,
      ].join('  '),
    );
}

async function create(session: Session, { organization, name, email, category }: CreateOptions) {
  const address = email.trim().toLowerCase();
  if (!isEmail(address)) throw new CommandError(`${email} is not an e-mail address.`);
  const wrong = category.find((id) => !isUuid(id));
  if (wrong !== undefined) throw new CommandError(`${wrong} is not the id of a category.`);
  const seller = await sellerNamed(session, organization);
  const fields = { name, email: address, categories: category };
  const { supplier, apiKey } = await createSupplier(depsOf(session), seller.id, fields, actor);
  say(apiKey);
  process.stderr.write(`${name} is supplier ${supplier.id}, in test mode. The key cannot be shown again.\n`);
}

async function rotate(session: Session, id: string, { organization }: Of): Promise<void> {
  const seller = await sellerNamed(session, organization);
  const key = isUuid(id) ? await rotateKey(depsOf(session), seller.id, id, actor) : null;
  if (key === null) throw new CommandError(`${organization} has no supplier ${id}.`);
  say(key);
  process.stderr.write('The former key is refused from now on. This one cannot be shown again.\n');
}

async function deactivate(session: Session, id: string, { organization }: Of): Promise<void> {
  const seller = await sellerNamed(session, organization);
  const by = { actor, action: 'supplier.deactivated' };
  const found = isUuid(id) && (await updateSupplier(session, seller.id, id, { status: 'INACTIVE' }, by));
  if (!found) throw new CommandError(`${organization} has no supplier ${id}.`);
  say(`${id} is inactive, and its key is refused.`);
}
