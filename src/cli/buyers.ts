import { createReadStream } from 'node:fs';
import { Command } from 'commander';
import { validate as isUuid } from 'uuid';
import { makeBuyerPasswordToken, passwordLinkHours } from '../db/account/members.ts';
import {
  changePartyBuyer,
  insertPartyBuyer,
  isEmailTaken,
  listPartyBuyers,
} from '../db/marketplace/buyers.ts';
import { findSellerBySlug, type Seller } from '../db/marketplace/sellers.ts';
import { isEmail } from '../domain/lead/email.ts';
import { minorToDollars } from '../domain/marketplace/dollars.ts';
import { priorities } from '../domain/marketplace/party.ts';
import { partyPhone } from '../domain/phone/party-phone.ts';
import { passwordLink } from '../usecases/account/invite.ts';
import {
  buyersCsv,
  importBuyers,
  importSubscriptions,
  subscriptionsCsv,
} from '../usecases/marketplace/buyer-files.ts';
import { CommandError, type Session, say, withSession } from './session.ts';
import { commandQuotas, mostStored } from './stored-limit.ts';

type Of = { organization: string };
type CreateOptions = Of & { email: string; name: string; company?: string; priority: string; phone?: string };
type FileOptions = Of & { subscriptions?: boolean };

const actor = 'cli';
const pageSize = 200;

/** The seller of `--organization`. */
export async function sellerNamed({ db }: Pick<Session, 'db'>, slug: string): Promise<Seller> {
  const seller = await findSellerBySlug(db, slug);
  if (!seller) throw new CommandError(`No organization ${slug} sells on the marketplace.`);
  return seller;
}

export function buyerCommands(): Command {
  const buyer = new Command('buyer').description('buyers of an organization that sells on the marketplace');
  const command = (name: string, about: string) =>
    buyer.command(name).description(about).requiredOption('--organization <slug>');
  command('list', 'list buyers, newest first').action((options: Of) =>
    withSession((session) => list(session, options)),
  );
  command('create', 'create a buyer and print the link with which the person sets a password')
    .requiredOption('--email <email>')
    .requiredOption('--name <name>')
    .option('--company <name>', 'default: the name')
    .option('--priority <number>', '1 to 10', String(priorities.usual))
    .option('--phone <number>', 'of the United States unless it has a country code')
    .action((options: CreateOptions) => withSession((session) => create(session, options)));
  command('deactivate <id>', 'deactivate a buyer; it keeps what it bought').action(
    (id: string, options: Of) => withSession((session) => deactivate(session, id, options)),
  );
  command('import <file>', 'import buyers from CSV; repeating a file changes nothing')
    .option('--subscriptions', 'import the subscriptions of buyers instead')
    .action((file: string, options: FileOptions) =>
      withSession((session) => importFile(session, file, options)),
    );
  command('export', 'print the buyers as CSV')
    .option('--subscriptions', 'print the subscriptions of buyers instead')
    .action((options: FileOptions) => withSession((session) => exportFile(session, options)));
  return buyer;
}

async function list(session: Session, { organization }: Of): Promise<void> {
  const { id } = await sellerNamed(session, organization);
  for (let offset = 0; ; offset += pageSize) {
    const { rows } = await listPartyBuyers(session.db, id, { status: null, limit: pageSize, offset });
    for (const row of rows)
      say(
        [
          row.id,
          row.status,
          row.user?.email ?? row.phone ?? '',
          row.companyName ?? '',
          `priority ${row.priority}`,
          `${row.purchases} bought for $${minorToDollars(row.spentMinor)}`,
        ].join('  '),
      );
    if (rows.length < pageSize) return;
  }
}

async function create(session: Session, options: CreateOptions): Promise<void> {
  const { db, config } = session;
  const email = options.email.trim().toLowerCase();
  if (!isEmail(email)) throw new CommandError(`${options.email} is not an e-mail address.`);
  const priority = /^\d{1,2}$/.test(options.priority) ? Number(options.priority) : 0;
  if (priority < priorities.least || priority > priorities.most)
    throw new CommandError(`The priority is a whole number from ${priorities.least} to ${priorities.most}.`);
  const phone = options.phone === undefined ? null : partyPhone(options.phone);
  if (options.phone !== undefined && phone === null)
    throw new CommandError(`${options.phone} is not a valid phone number.`);
  const seller = await sellerNamed(session, options.organization);
  if (await isEmailTaken(db, email))
    throw new CommandError(`${email} is a user already. Nothing was changed.`);
  const { name, company: companyName = name } = options;
  const most = await mostStored(session, 'buyers', seller.id);
  const fields = { email, name, companyName, priority, phone, passwordHash: null, most };
  const made = await insertPartyBuyer(db, seller.id, fields, actor);
  const token = await makeBuyerPasswordToken(db, seller.id, made.id, actor);
  if (token) say(passwordLink(config, token));
  process.stderr.write(
    `${email} is buyer ${made.id}. The link sets its password, once, within ${passwordLinkHours} hours.\n`,
  );
}

async function deactivate(session: Session, id: string, { organization }: Of): Promise<void> {
  const seller = await sellerNamed(session, organization);
  const by = { actor, action: 'buyer.deactivated' };
  const found = isUuid(id) && (await changePartyBuyer(session.db, seller.id, id, { status: 'INACTIVE' }, by));
  if (!found) throw new CommandError(`${organization} has no buyer ${id}.`);
  say(`${id} is inactive.`);
}

async function importFile(session: Session, file: string, options: FileOptions): Promise<void> {
  const { id: organizationId } = await sellerNamed(session, options.organization);
  const store = options.subscriptions ? importSubscriptions : importBuyers;
  const deps = { db: session.db, quotas: commandQuotas(session) };
  const { rows, created, updated, unchanged, rejected } = await store(deps, createReadStream(file), {
    organizationId,
    actor,
    inTurn: (work) => work(),
    knownAddresses: null,
  });
  for (const { row, errors } of rejected) process.stderr.write(`row ${row}: ${errors.join('; ')}\n`);
  say(
    `${rows} rows: ${created} created, ${updated} updated, ${unchanged} unchanged, ${rejected.length} rejected.`,
  );
  if (rejected.length > 0) process.exitCode = 1;
}

async function exportFile(session: Session, options: FileOptions): Promise<void> {
  const seller = await sellerNamed(session, options.organization);
  const csv = options.subscriptions ? subscriptionsCsv(session, seller.id) : buyersCsv(session, seller.id);
  for await (const line of csv) process.stdout.write(line);
}
