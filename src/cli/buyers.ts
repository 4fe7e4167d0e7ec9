import { createReadStream } from 'node:fs';
import { Command, type OptionValues } from 'commander';
import { validate as isUuid } from 'uuid';
import { invitedBuyerOf, settingsBySeller } from '../api/marketplace/buyers.ts';
import { makeBuyerPasswordToken, passwordLinkHours } from '../db/account/members.ts';
import {
  type BuyerRecord,
  changePartyBuyer,
  findPartyBuyer,
  listPartyBuyers,
} from '../db/marketplace/buyers.ts';
import { ContractError } from '../domain/errors.ts';
import { minorToDollars } from '../domain/marketplace/dollars.ts';
import { partyStatuses, priorities } from '../domain/marketplace/party.ts';
import { passwordLink } from '../usecases/account/invite.ts';
import { createBuyer } from '../usecases/marketplace/buyers.ts';
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

type FileOptions = OfSeller & { subscriptions?: boolean };
type GiveBackOptions = OfSeller & { amount?: string; all?: boolean };

const pageSize = 200;

const range = `${priorities.least} to ${priorities.most}`;
const ofNew: FieldOptions = {
  email: mandatory('--email <email>'),
  name: mandatory('--name <name>'),
  companyName: optional('--company <name>', 'default: the name'),
  priority: optional('--priority <number>', `${range}; default: ${priorities.usual}`),
  phoneNumber: optional('--phone <number>', 'of the United States unless it has a country code'),
};
const ofChange: FieldOptions = {
  companyName: optional('--company <name>', '"" for none'),
  priority: optional('--priority <number>', range),
  status: optional('--status <status>', `${partyStatuses.join(' or ')}: whether it is given leads`),
  weeklySpendingLimit: optional('--weekly-limit <dollars>', '"" for no limit'),
  monthlySpendingLimit: optional('--monthly-limit <dollars>', '"" for no limit'),
  phoneNumber: optional('--phone <number>', 'of the United States unless it has a country code; "" for none'),
};
const ofGiveBack: FieldOptions = { amount: optional('--amount <dollars>') };

export function buyerCommands(): Command {
  const buyer = new Command('buyer').description('buyers of an organization that sells on the marketplace');
  const command = (name: string, about: string) => sellerCommand(buyer, name, about);
  command('list', 'list buyers, newest first').action((options: OfSeller) =>
    withSession((session) => list(session, options)),
  );
  addOptions(
    command('create', 'create a buyer and print the link with which the person sets a password'),
    ofNew,
  ).action((options: OfSeller & OptionValues) => withSession((session) => create(session, options)));
  addOptions(
    command('set <id>', 'change the given settings of a buyer, such as --status ACTIVE'),
    ofChange,
  ).action((id: string, options: OfSeller & OptionValues) =>
    withSession((session) => set(session, id, options)),
  );
  command('deactivate <id>', 'deactivate a buyer; it keeps what it bought').action(
    (id: string, options: OfSeller) => withSession((session) => deactivate(session, id, options)),
  );
  addOptions(
    command('give-back <id>', 'refund unspent balance to the cards it came from, the newest charge first'),
    ofGiveBack,
  )
    .option('--all', 'all that can go back, instead of an amount')
    .action((id: string, options: GiveBackOptions) =>
      withSession((session) => giveBackTo(session, id, options)),
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

function lineOf(row: BuyerRecord): string {
  const limits = [
    ['week', row.weeklySpendingLimitMinor],
    ['month', row.monthlySpendingLimitMinor],
  ] as const;
  return [
    row.id,
    row.status,
    row.user?.email ?? row.phone ?? '',
    row.companyName ?? '',
    `priority ${row.priority}`,
    `${row.purchases} bought for $${minorToDollars(row.spentMinor)}`,
    ...limits.flatMap(([span, minor]) =>
      minor === null ? [] : [`at most $${minorToDollars(minor)} a ${span}`],
    ),
  ].join('  ');
}

async function list(session: Session, { organization }: OfSeller): Promise<void> {
  const organizationId = await sellerIdOf(session, organization);
  for (let offset = 0; ; offset += pageSize) {
    const page = { status: null, limit: pageSize, offset };
    const { rows } = await listPartyBuyers(session.db, organizationId, page);
    for (const row of rows) say(lineOf(row));
    if (rows.length < pageSize) return;
  }
}

async function create(session: Session, options: OfSeller & OptionValues): Promise<void> {
  const { db, config } = session;
  const buyer = await namingOptions(ofNew, () => invitedBuyerOf(fieldsIn(ofNew, options)));
  const organizationId = await sellerIdOf(session, options.organization);
  const hashPassword = () => Promise.reject(new Error('a link sets the password'));
  const deps = { db, quotas: commandQuotas(session), hashPassword };
  const made = await createBuyer(deps, organizationId, buyer, actor).catch((error: unknown) => {
    const isTaken = error instanceof ContractError;
    const email = buyer.email.toLowerCase();
    throw isTaken ? new CommandError(`${email} is a user already. ${unchanged}`) : error;
  });
  const token = await makeBuyerPasswordToken(db, organizationId, made.id, actor);
  if (token) say(passwordLink(config, token));
  process.stderr.write(
    `${made.email} is buyer ${made.id}. The link sets its password, once, within ${passwordLinkHours} hours.\n`,
  );
}

async function set(session: Session, id: string, options: OfSeller & OptionValues): Promise<void> {
  const settings = await namingOptions(ofChange, () => settingsBySeller(changeIn(ofChange, options)));
  const organizationId = await sellerIdOf(session, options.organization);
  const found = isUuid(id) && (await changePartyBuyer(session.db, organizationId, id, settings, { actor }));
  const row = found ? await findPartyBuyer(session.db, organizationId, id) : null;
  if (!row) throw unknown(options, id);
  say(lineOf(row));
}

async function deactivate(session: Session, id: string, options: OfSeller): Promise<void> {
  const organizationId = await sellerIdOf(session, options.organization);
  const by = { actor, action: 'buyer.deactivated' };
  const found =
    isUuid(id) && (await changePartyBuyer(session.db, organizationId, id, { status: 'INACTIVE' }, by));
  if (!found) throw unknown(options, id);
  say(`${id} is inactive.`);
}

async function giveBackTo(session: Session, id: string, options: GiveBackOptions): Promise<void> {
  const { db } = session;
  const [{ amountOf }, { giveBack }, { findWallet }, { createOutboxRelay }] = await Promise.all([
    import('../api/marketplace/fields.ts'),
    import('../usecases/payment/wallet-give-back.ts'),
    import('../db/payment/wallets.ts'),
    import('./outbox-relay.ts'),
  ]);
  const { amount, all = false } = options;
  if ((amount !== undefined) === all) throw new CommandError(`Give --amount or --all. ${unchanged}`);
  const asked = all ? null : await namingOptions(ofGiveBack, () => amountOf({ amount }));
  const organizationId = await sellerIdOf(session, options.organization);
  const wallet = isUuid(id) ? await findWallet(db, organizationId, id) : null;
  if (!wallet) throw unknown(options, id);
  const owner = { organizationId, buyerId: id };
  const given = await giveBack({ db, relay: createOutboxRelay({ db }) }, owner, asked, actor);
  say(`$${(given / 100).toFixed(2)} goes back to the cards of ${wallet.name}.`);
}

async function importFile(session: Session, file: string, options: FileOptions): Promise<void> {
  const { importBuyers, importSubscriptions } = await import('../usecases/marketplace/buyer-files.ts');
  const organizationId = await sellerIdOf(session, options.organization);
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
  const { buyersCsv, subscriptionsCsv } = await import('../usecases/marketplace/buyer-files.ts');
  const organizationId = await sellerIdOf(session, options.organization);
  const csv = options.subscriptions
    ? subscriptionsCsv(session, organizationId)
    : buyersCsv(session, organizationId);
  for await (const line of csv) process.stdout.write(line);
}

const unknown = ({ organization }: OfSeller, id: string) =>
  new CommandError(`${organization} has no buyer ${id}. ${unchanged}`);
