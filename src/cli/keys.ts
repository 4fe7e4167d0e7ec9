import { Command } from 'commander';
import { validate as isUuid } from 'uuid';
import {
  createKey,
  findOrganizationId,
  isSupplierOf,
  type KeyOwner,
  listKeys,
  revokeKey,
} from '../db/account/api-keys.ts';
import type { Database } from '../db/client.ts';
import { isScope, type Scope, scopes, supplierScopes } from '../domain/account/scopes.ts';
import { CommandError, say, withSession } from './session.ts';
import { mostStored } from './stored-limit.ts';

type CreateOptions = {
  organization?: string;
  operator?: boolean;
  /** True for a new supplier. */
  supplier?: string | true;
  name: string;
  scopes: string;
};

export function keyCommands(): Command {
  const key = new Command('key').description('API keys; a key is shown only once, when it is created');
  key
    .command('create')
    .description('create a key and print it; it is shown only once')
    .option('--organization <slug>', 'the organization it gives access to')
    .option('--operator', 'an operator’s key: access to every organization and to /metrics')
    .option(
      '--supplier [id]',
      'a supplier’s key of the organization; with its id, a further key of that supplier',
    )
    .requiredOption('--name <name>', 'a name to identify it by')
    .option('--scopes <list>', `comma-separated, of: ${scopes.join(', ')}`, 'leads:read,leads:write')
    .action((options: CreateOptions) =>
      withSession(async ({ db, config }) => {
        const owner = ownerOf(options);
        const granted = parseScopes(options.scopes, owner);
        const organizationId = owner === 'operator' ? null : await organizationOf(db, options.organization);
        const supplierId = await supplierOf(db, organizationId, options.supplier);
        const most = organizationId
          ? await mostStored({ db, config }, 'api_keys', organizationId)
          : undefined;
        const request = { organizationId, owner, supplierId, name: options.name, scopes: granted };
        const made = await createKey(db, request, most);
        say(made.key);
        const whose = made.supplierId ? `, supplier ${made.supplierId}` : '';
        process.stderr.write(`Key ${made.prefix}… (${made.id}${whose}). It cannot be shown again.\n`);
      }),
    );
  key
    .command('revoke <id-or-prefix>')
    .description('revoke a key, effective immediately')
    .action((idOrPrefix: string) =>
      withSession(async ({ db }) => {
        const ok = await revokeKey(db, idOrPrefix.replace(/…$/, ''));
        if (!ok) throw new CommandError(`There is no active key ${idOrPrefix}.`);
        say(`${idOrPrefix} is revoked.`);
      }),
    );
  key
    .command('list')
    .description('list keys with their details, never the key itself')
    .option('--organization <slug>', 'only keys of one organization')
    .action((options: { organization?: string }) =>
      withSession(async ({ db }) => {
        const organizationId = options.organization ? await organizationOf(db, options.organization) : null;
        const rows = await listKeys(db, organizationId);
        if (rows.length === 0)
          say('No keys yet. Create one: leadgate key create --organization <slug> --name <name>');
        for (const row of rows) {
          const state = row.revokedAt ? `revoked ${row.revokedAt.toISOString()}` : 'active';
          const used = row.lastUsedAt ? `used ${row.lastUsedAt.toISOString()}` : 'never used';
          const owner = row.supplierId ? `${row.owner} ${row.supplierId}` : row.owner;
          say([`${row.prefix}…`, row.id, owner, row.name, row.scopes.join(','), state, used].join('  '));
        }
      }),
    );
  return key;
}

function parseScopes(list: string, owner: KeyOwner): Scope[] {
  const named = list
    .split(',')
    .map((scope) => scope.trim())
    .filter(Boolean);
  const unknown = named.filter((scope) => !isScope(scope));
  if (unknown.length > 0 || named.length === 0) {
    throw new CommandError(
      `Unknown scope ${unknown.join(', ') || '(none)'}. Known scopes: ${scopes.join(', ')}.`,
    );
  }
  const beyond = named.filter(
    (scope) => owner === 'supplier' && !supplierScopes.some((own) => own === scope),
  );
  if (beyond.length > 0)
    throw new CommandError(
      `A supplier’s key can have the scopes ${supplierScopes.join(' and ')} only, not ${beyond.join(', ')}.`,
    );
  return named.filter(isScope);
}

function ownerOf({ operator, supplier, organization }: CreateOptions): KeyOwner {
  if (operator && (supplier || organization))
    throw new CommandError('An operator’s key belongs to no organization.');
  if (operator) return 'operator';
  return supplier ? 'supplier' : 'organization';
}

/** Returns null for a new supplier, and for a key that is not a supplier's. */
async function supplierOf(
  db: Database,
  organizationId: string | null,
  supplier: string | true | undefined,
): Promise<string | null> {
  if (typeof supplier !== 'string' || organizationId === null) return null;
  if (!isUuid(supplier) || !(await isSupplierOf(db, organizationId, supplier)))
    throw new CommandError(
      `The organization has no supplier ${supplier}. Leave the id out to create a new supplier.`,
    );
  return supplier;
}

async function organizationOf(db: Database, slug: string | undefined): Promise<string> {
  if (!slug) throw new CommandError('Name the organization: --organization <slug> (or --operator).');
  const id = await findOrganizationId(db, slug);
  if (!id)
    throw new CommandError(
      `There is no organization ${slug}. Create it: leadgate organization create --slug ${slug} --name <name>`,
    );
  return id;
}
