import { randomInt } from 'node:crypto';
import { Command, type OptionValues } from 'commander';
import { settingsOf, shownSettings } from '../api/marketplace/sellers.ts';
import { createSeller, listSellers } from '../db/account/sellers.ts';
import { violatedUnique } from '../db/constraints.ts';
import { changeSeller, findSellerBySlug, type Seller } from '../db/marketplace/sellers.ts';
import { handedLinkHours } from '../domain/account/links.ts';
import { newInviteCode } from '../domain/account/registration.ts';
import { isEmail } from '../domain/lead/email.ts';
import { brandingKeys } from '../domain/marketplace/seller-settings.ts';
import { accountLinksOf } from '../usecases/account/links.ts';
import { inviteUrl, rotateInviteCode } from '../usecases/marketplace/invite-code.ts';
import { addOptions, type FieldOptions, fieldsIn, namingOptions, optional } from './field-options.ts';
import { actor } from './of-seller.ts';
import { CommandError, type Session, say, withSession } from './session.ts';

type Options = { slug: string; email: string; name: string; company?: string };

const slugOption = ['--slug <slug>', 'of the organization of the seller'] as const;

/** By the fields of the API; shown by the names of the options. */
const settings: FieldOptions = {
  smsMarkup: optional('--sms-markup <percent>'),
  emailMarkup: optional('--email-markup <percent>'),
  timeZone: optional('--time-zone <zone>', 'such as America/New_York'),
  'branding.logoUrl': optional('--logo-url <url>', 'with https; "" for none'),
  'branding.primaryColor': optional('--primary-color <color>', 'such as #0a7cff; "" for none'),
  'branding.senderName': optional('--sender-name <name>', '"" for none'),
  'branding.footer': optional('--footer <text>', 'of its mails; "" for none'),
};

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
    .requiredOption(...slugOption)
    .action((options: OfSlug) =>
      withSession(async (session) => sayCode(session, await sellerOf(session, options))),
    );
  seller
    .command('rotate-code')
    .description('replace the code with which buyers register, and print the new one')
    .requiredOption(...slugOption)
    .action((options: OfSlug) => withSession((session) => rotateCode(session, options)));
  addOptions(
    seller
      .command('settings')
      .description('show the settings of a seller, or change the given ones')
      .requiredOption(...slugOption),
    settings,
  ).action((options: OfSlug & OptionValues) => withSession((session) => change(session, options)));
  return seller;
}

type OfSlug = { slug: string };

async function sellerOf({ db }: Session, { slug }: OfSlug): Promise<Seller> {
  const found = await findSellerBySlug(db, slug);
  if (!found) throw new CommandError(`There is no seller ${slug}. See: leadgate seller list`);
  return found;
}

function sayCode({ config }: Session, { inviteCode }: Seller): void {
  say(inviteCode);
  say(inviteUrl(config.publicUrl, inviteCode));
}

async function rotateCode(session: Session, options: OfSlug): Promise<void> {
  const { id } = await sellerOf(session, options);
  await rotateInviteCode(session, id, actor);
  sayCode(session, await sellerOf(session, options));
  process.stderr.write('The former code is refused from now on.\n');
}

async function change(session: Session, options: OfSlug & OptionValues): Promise<void> {
  const given = fieldsIn(settings, options);
  const { id } = await sellerOf(session, options);
  if (Object.keys(given).length > 0) {
    const changes = await namingOptions(settings, () => settingsOf(given));
    await changeSeller(session.db, id, changes, actor);
  }
  const { branding, platformFeePercent, ...shown } = shownSettings(await sellerOf(session, options));
  const values: Record<string, string | number | undefined> = shown;
  for (const [path, { long }] of Object.entries(settings)) {
    const key = brandingKeys.find((each) => path === `branding.${each}`);
    say(`${long?.slice(2)}: ${(key ? branding[key] : values[path]) ?? 'none'}`);
  }
  say(`platform-fee: ${platformFeePercent}`);
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
