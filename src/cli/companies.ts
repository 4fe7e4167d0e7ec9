import { Command } from 'commander';
import { createKey } from '../db/account/api-keys.ts';
import { companyTaken, listCompanies, registerCompany } from '../db/account/companies.ts';
import { readRegistration } from '../domain/account/company.ts';
import { uploadScopes } from '../domain/account/scopes.ts';
import { CommandError, say, withSession } from './session.ts';
import { mostStored } from './stored-limit.ts';

type RegisterOptions = {
  name: string;
  ownerName: string;
  ownerEmail: string;
  ownerPhone: string;
  location: string;
  region?: string;
  key?: boolean;
};

export function companyCommands(): Command {
  const company = new Command('company').description('companies that upload leads to their CRM');
  company
    .command('register')
    .description('register a company and print its number (the company_id of uploads)')
    .requiredOption('--name <name>')
    .requiredOption('--owner-name <name>')
    .requiredOption('--owner-email <email>', 'each address can own one company')
    .requiredOption('--owner-phone <phone>')
    .requiredOption('--location <id>', 'its GoHighLevel location')
    .option('--region <code>', 'region of phones without a country code; default: the owner’s country')
    .option('--key', 'also create an API key for uploads and print it; it is shown only once')
    .action((options: RegisterOptions) => register(options));
  company
    .command('list')
    .description('list companies by number, with the state of their CRM')
    .option('--search <text>', 'match number, names, e-mail address or location')
    .action(({ search }: { search?: string }) => list(search));
  return company;
}

async function register(options: RegisterOptions): Promise<void> {
  const read = readRegistration({
    company_name: options.name,
    owner_name: options.ownerName,
    owner_email: options.ownerEmail,
    owner_phone: options.ownerPhone,
    ghl_location_id: options.location,
    default_region: options.region,
  });
  if (!read.ok) {
    const lines = Object.entries(read.errors).map(([field, reasons]) => `${field} ${reasons.join(', ')}`);
    throw new CommandError(lines.join('\n'));
  }
  await withSession(async ({ db, config }) => {
    const company = await registerCompany({ db }, read.value, { by: 'command line' }).catch(
      (error: unknown) => {
        const taken = companyTaken(error);
        throw taken ? new CommandError(taken.message) : error;
      },
    );
    say(String(company.number));
    process.stderr.write(
      `${company.name} is company ${company.number}. Its CRM is not connected yet; leads are sent once it is.\n`,
    );
    if (!options.key) return;
    const { organizationId } = company;
    const most = await mostStored({ db, config }, 'api_keys', organizationId);
    const request = { organizationId, owner: 'organization', name: 'uploads', scopes: uploadScopes } as const;
    const made = await createKey(db, request, most);
    say(made.key);
    process.stderr.write(`Key ${made.prefix}… (${made.id}). It cannot be shown again.\n`);
  });
}

const pageSize = 200;

async function list(search: string | undefined): Promise<void> {
  await withSession(async ({ db }) => {
    let after = 0;
    for (;;) {
      const page = await listCompanies(db, { limit: pageSize, after, search: search ?? null });
      if (after === 0 && page.length === 0)
        say(search ? 'No company matches.' : 'No companies yet. See: leadgate company register --help');
      for (const { number, name, ownerEmail, accountId, pausedAt, connected } of page) {
        const crm = pausedAt ? 'paused' : connected ? 'connected' : 'no credentials of its own';
        say([number, name, ownerEmail, accountId ?? 'no location', crm].join('  '));
      }
      if (page.length < pageSize) return;
      after = page.at(-1)!.number;
    }
  });
}
