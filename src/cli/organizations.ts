import { Command } from 'commander';
import { v7 as uuidv7 } from 'uuid';
import { createOrganization, setQueueWeight } from '../db/account/organizations.ts';
import { DEFAULT_FOOTER } from '../domain/messaging/templates.ts';
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
          id: uuidv7(),
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
  return organization;
}
