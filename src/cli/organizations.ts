import { Command } from 'commander';
import { v7 as uuidv7 } from 'uuid';
import { createOrganization } from '../db/account/organizations.ts';
import { DEFAULT_FOOTER } from '../domain/messaging/templates.ts';
import { CommandError, say, withSession } from './session.ts';

type Options = { slug: string; name: string; support: string; footer: string };

export function organizationCommands(): Command {
  const organization = new Command('organization').description('lead sellers, the tenants');
  organization
    .command('create')
    .description('make an organization')
    .requiredOption('--slug <slug>', 'short name for commands: a-z, 0-9 and -')
    .requiredOption('--name <name>')
    .requiredOption('--support <contact>', 'e-mail or phone that HELP answers with')
    .option('--footer <text>', 'last paragraph of every text with details', DEFAULT_FOOTER)
    .action(async ({ slug, name, support, footer }: Options) => {
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(slug))
        throw new CommandError('A slug is made of a-z, 0-9 and -, 63 at most.');
      await withSession(async ({ db }) => {
        const made = await createOrganization(db, {
          id: uuidv7(),
          name,
          slug,
          footer,
          supportContact: support,
        });
        if (!made) throw new CommandError(`There is an organization ${slug} already; it is left as it is.`);
        say(`${slug} is there. Next: leadgate key create --organization ${slug} --name <name>`);
      });
    });
  return organization;
}
