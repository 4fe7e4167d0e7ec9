import { randomInt } from 'node:crypto';
import { Command } from 'commander';
import { createSeller, listSellers } from '../db/account/sellers.ts';
import { violatedUnique } from '../db/constraints.ts';
import { handedLinkHours } from '../domain/account/links.ts';
import { newInviteCode } from '../domain/account/registration.ts';
import { isEmail } from '../domain/lead/email.ts';
import { accountLinksOf } from '../usecases/account/links.ts';
import { CommandError, say, withSession } from './session.ts';

type Options = { slug: string; email: string; name: string; company?: string };

export function sellerCommands(): Command {
  const seller = new Command('seller').description('organizations that sell leads on the marketplace');
  seller
    .command('create')
    .description('make an organization a seller, with an owner who sets a password by a link')
    .requiredOption('--slug <slug>', 'of an existing organization, or of a new one with --company')
    .requiredOption('--email <email>', 'of the owner')
    .requiredOption('--name <name>', 'of the owner')
    .option('--company <name>', 'make a new organization with this name')
    .action(create);
  seller
    .command('list')
    .description('list the sellers')
    .action(() =>
      withSession(async ({ db }) => {
        for (const { slug, name, inviteCode, people } of await listSellers(db))
          say([slug, name, inviteCode, people > 0 ? `people: ${people}` : 'closed: no people'].join('  '));
      }),
    );
  seller
    .command('invite-code')
    .description('print the code with which buyers register')
    .requiredOption('--slug <slug>')
    .action(({ slug }: { slug: string }) =>
      withSession(async ({ db, config }) => {
        const [found] = await listSellers(db, slug);
        if (!found) throw new CommandError(`There is no seller ${slug}. See: leadgate seller list`);
        say(found.inviteCode);
        say(`${config.publicUrl}/register/buyer?code=${found.inviteCode}`);
      }),
    );
  return seller;
}

async function create({ slug, email: given, name, company }: Options): Promise<void> {
  const email = given.trim().toLowerCase();
  if (!isEmail(email)) throw new CommandError(`${given} is not an e-mail address.`);
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(slug))
    throw new CommandError('A slug consists of at most 63 characters of a-z, 0-9 and -.');
  if ([name, company ?? 'x'].some((each) => each.trim() === '' || each.length > 200))
    throw new CommandError('A name has 1 to 200 characters.');
  await withSession(async ({ db, config, keyProblems }) => {
    // The link is signed with a key that the server must have too.
    if (keyProblems.length > 0) throw new CommandError(keyProblems.join('\n'));
    const inviteCode = newInviteCode(randomInt);
    const draft = { slug, newOrganization: company ?? null, email, name, inviteCode };
    const linkId = await createSeller(db, draft).catch((error: unknown) => {
      const taken = violatedUnique(error);
      if (taken === 'organizations_slug_unique')
        throw new CommandError(`The organization ${slug} already exists; nothing was changed.`);
      if (taken === 'members_user_id_organization_id_pk')
        throw new CommandError(`${email} has another role in ${slug} already; nothing was changed.`);
      throw error;
    });
    if (linkId === null)
      throw new CommandError(
        `There is no organization ${slug}, or it is a seller already; nothing was changed.`,
      );
    say(`${slug} sells on the marketplace. Its buyers register with the code ${inviteCode}.`);
    say(`${email} sets a password here, within ${handedLinkHours} hours:`);
    say(accountLinksOf(config).url('reset_password', linkId));
  });
}
