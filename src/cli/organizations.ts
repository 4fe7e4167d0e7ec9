import { Command } from 'commander';
import { createOrganization, setPriceFloor, setQueueWeight } from '../db/account/organizations.ts';
import { chargeProblem } from '../domain/lead/terms.ts';
import { DEFAULT_FOOTER } from '../domain/messaging/templates.ts';
import { formatMoney, PRICE_MAX_MINOR, PRICE_MIN_MINOR, parseCurrency } from '../domain/money.ts';
import { newId } from '../events/new-id.ts';
import { addQuotaCommand } from './quotas.ts';
import { CommandError, say, withSession } from './session.ts';

type Options = { slug: string; name: string; support: string; footer: string };

export function organizationCommands(): Command {
  const organization = new Command('organization').description(
    'organizations: the tenants, which sell leads',
  );
  organization
    .command('create')
    .description('create an organization')
    .requiredOption('--slug <slug>', 'short name used in commands: a-z, 0-9 and -')
    .requiredOption('--name <name>')
    .requiredOption('--support <contact>', 'e-mail address or phone in the answer to HELP')
    .option('--footer <text>', 'last paragraph of every text with client details', DEFAULT_FOOTER)
    .action(async ({ slug, name, support, footer }: Options) => {
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(slug))
        throw new CommandError('A slug consists of at most 63 characters of a-z, 0-9 and -.');
      await withSession(async ({ db }) => {
        const made = await createOrganization(db, {
          id: newId(),
          name,
          slug,
          footer,
          supportContact: support,
        });
        if (!made) throw new CommandError(`The organization ${slug} already exists; nothing was changed.`);
        say(`Created ${slug}. Next: leadgate key create --organization ${slug} --name <name>`);
      });
    });
  organization
    .command('weight')
    .description('set the share of an organization in every queue, as a multiple of the others’ (1 to 100)')
    .requiredOption('--slug <slug>')
    .requiredOption('--weight <number>', '1 for all organizations unless set')
    .action(async ({ slug, weight }: { slug: string; weight: string }) => {
      if (!/^([1-9][0-9]?|100)$/.test(weight))
        throw new CommandError('The weight is a whole number from 1 to 100; nothing was changed.');
      await withSession(async ({ db }) => {
        if (!(await setQueueWeight(db, slug, Number(weight))))
          throw new CommandError(`There is no organization ${slug}; nothing was changed.`);
        say(`${slug} has weight ${weight} in every queue. Running processes use it within a second.`);
      });
    });
  addQuotaCommand(organization);
  organization
    .command('price-floor')
    .description('set the lowest price of an organization in a currency')
    .requiredOption('--slug <slug>')
    .requiredOption('--currency <code>', 'ISO 4217, such as usd')
    .requiredOption('--price <number>', 'in cents or other minor units; none removes it')
    .action(({ slug, currency, price }: { slug: string; currency: string; price: string }) =>
      withSession(async ({ db }) => {
        const floors = await setPriceFloor(db, slug, floorOf(currency, price));
        if (!floors) throw new CommandError(`There is no organization ${slug}; nothing was changed.`);
        const prices = Object.entries(floors).map(([code, minor]) => formatMoney(minor, code, 'en'));
        say(
          prices.length > 0
            ? `${slug} offers leads for at least ${prices.join(' or ')}, and in no other currency.`
            : `${slug} has no lowest price.`,
        );
      }),
    );
  return organization;
}

function floorOf(currency: string, price: string): { currency: string; minor: number | null } {
  const code = parseCurrency(currency);
  if (!code) throw new CommandError(`${currency} is not an ISO 4217 currency, such as usd.`);
  if (price === 'none') return { currency: code, minor: null };
  const minor = /^\d{1,9}$/.test(price) ? Number(price) : Number.NaN;
  if (!(minor >= PRICE_MIN_MINOR && minor <= PRICE_MAX_MINOR))
    throw new CommandError(
      `A price is a whole number from ${PRICE_MIN_MINOR} to ${PRICE_MAX_MINOR}: 5000 is ${formatMoney(5_000, code, 'en')}.`,
    );
  const problem = chargeProblem(minor, code);
  if (problem) throw new CommandError(`The ${problem.field} ${problem.message}. Nothing was changed.`);
  return { currency: code, minor };
}
