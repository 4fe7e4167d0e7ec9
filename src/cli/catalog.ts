import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { validate as isUuid } from 'uuid';
import type { Database } from '../db/client.ts';
import { changeCampaign, insertCampaign, listCampaigns } from '../db/marketplace/campaigns.ts';
import { findCategory, listCategories } from '../db/marketplace/categories.ts';
import { findSellerId } from '../db/marketplace/seller-slug.ts';
import {
  type CampaignStatus,
  distributionLogics,
  leadTtlHours,
  mostPriceMinor,
} from '../domain/marketplace/campaign.ts';
import { readFields } from '../domain/marketplace/category-fields.ts';
import { dollarsToMinor, minorToDollars } from '../domain/marketplace/dollars.ts';
import { newId } from '../events/new-id.ts';
import { createCategory } from '../usecases/marketplace/categories.ts';
import { CommandError, type Session, say, withSession } from './session.ts';
import { commandQuotas, mostStored } from './stored-limit.ts';

const actor = 'cli';
const unchanged = 'Nothing was changed.';
const mostListed = 1_000;

type Seller = { organization: string };

type Act = (db: Database, organizationId: string, session: Session) => Promise<void>;

const onSeller = (slug: string, act: Act) =>
  withSession(async (session) => {
    const id = await findSellerId(session.db, slug);
    if (id === null) throw new CommandError(`There is no seller ${slug}. ${unchanged}`);
    await act(session.db, id, session);
  });

const sellerOption = ['--organization <slug>', 'the organization of the seller'] as const;

function assertName(name: string): void {
  if (name.trim() === '' || name.length > 200)
    throw new CommandError(`A name has 1 to 200 characters. ${unchanged}`);
}

export function categoryCommands(): Command {
  const category = new Command('category').description('categories: the kinds of leads that a seller sells');
  category
    .command('list')
    .description('list the active categories of a seller')
    .requiredOption(...sellerOption)
    .action(({ organization }: Seller) =>
      onSeller(organization, async (db, organizationId) => {
        for (const { id, name, fields } of await listCategories(db, organizationId))
          say(`${id}  ${name}  (${fields.length} field${fields.length === 1 ? '' : 's'})`);
      }),
    );
  category
    .command('create')
    .description('make a category')
    .requiredOption(...sellerOption)
    .requiredOption('--name <name>')
    .requiredOption(
      '--fields <file>',
      'a JSON file: [{ "name": "phone", "type": "phone", "required": true }, …]',
    )
    .option('--description <text>')
    .action((options: Seller & { name: string; fields: string; description?: string }) =>
      onSeller(options.organization, async (db, organizationId, session) => {
        assertName(options.name);
        const read = readFields(await jsonIn(options.fields));
        if (!read.ok) throw new CommandError(`${read.path} ${read.message}. ${unchanged}`);
        const { name, description = null } = options;
        const made = await createCategory(
          { db, quotas: commandQuotas(session) },
          organizationId,
          { name: name.trim(), description, fields: read.fields },
          actor,
        );
        say(`Created ${made.name} (${made.id}).`);
      }),
    );
  return category;
}

async function jsonIn(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) throw new CommandError(`${path} cannot be read. ${unchanged}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(`${path} is not JSON. ${unchanged}`);
  }
}

export function campaignCommands(): Command {
  const campaign = new Command('campaign').description('campaigns: categories sold at a price');
  campaign
    .command('list')
    .description(`list the ${mostListed.toLocaleString('en')} newest campaigns of a seller`)
    .requiredOption(...sellerOption)
    .action(({ organization }: Seller) =>
      onSeller(organization, async (db, organizationId) => {
        const page = { status: null, limit: mostListed, offset: 0 };
        const { campaigns, total } = await listCampaigns(db, { organizationId, buyerId: null }, page);
        for (const each of campaigns)
          say(
            `${each.id}  ${each.status}  $${minorToDollars(each.priceMinor).toFixed(2)}  ${each.distributionLogic}  ${each.name}`,
          );
        if (total > campaigns.length) say(`… and ${total - campaigns.length} older ones`);
      }),
    );
  addCreate(campaign);
  addMove(campaign, 'pause', 'PAUSED', 'stop giving leads of a campaign to buyers');
  addMove(campaign, 'resume', 'ACTIVE', 'sell leads of a campaign again');
  addMove(campaign, 'archive', 'ARCHIVED', 'end a campaign');
  return campaign;
}

type CreateOptions = Seller & { category: string; name: string; price: string; logic: string };

function addCreate(campaign: Command): void {
  campaign
    .command('create')
    .description('make a campaign')
    .requiredOption(...sellerOption)
    .requiredOption('--category <name-or-id>')
    .requiredOption('--name <name>')
    .requiredOption('--price <dollars>', 'price of a lead, such as 12.50')
    .option('--logic <logic>', distributionLogics.join(', '), distributionLogics[0])
    .action((options: CreateOptions) =>
      onSeller(options.organization, async (db, organizationId, session) => {
        assertName(options.name);
        const logic = distributionLogics.find((each) => each === options.logic);
        if (!logic)
          throw new CommandError(`The logic is one of ${distributionLogics.join(', ')}. ${unchanged}`);
        const priceMinor = dollarsToMinor(options.price);
        if (priceMinor === null || priceMinor < 1 || priceMinor > mostPriceMinor)
          throw new CommandError(`A price is $0.01 to $${minorToDollars(mostPriceMinor)}. ${unchanged}`);
        const by = isUuid(options.category) ? { id: options.category } : { name: options.category };
        const category = await findCategory(db, organizationId, by);
        const fields = {
          ...{ name: options.name.trim(), description: null, priceMinor, distributionLogic: logic },
          ...({ allowStateSelection: true, status: 'ACTIVE', maxSales: null } as const),
          leadTtlHours: leadTtlHours.usual,
        };
        const most = await mostStored(session, 'campaigns', organizationId);
        const made =
          category &&
          (await insertCampaign(
            db,
            organizationId,
            { id: newId(), categoryId: category.id, ...fields, most },
            actor,
          ));
        if (!made) throw new CommandError(`There is no active category ${options.category}. ${unchanged}`);
        say(`Created ${made.name} (${made.id}).`);
      }),
    );
}

function addMove(campaign: Command, verb: string, status: CampaignStatus, description: string): void {
  campaign
    .command(`${verb} <id>`)
    .description(description)
    .requiredOption(...sellerOption)
    .action((id: string, { organization }: Seller) =>
      onSeller(organization, async (db, organizationId) => {
        const action = status === 'ARCHIVED' ? 'campaign.archived' : 'campaign.updated';
        const changed = isUuid(id)
          ? await changeCampaign(db, organizationId, id, { status }, { actor, action })
          : 'unknown';
        if (changed === 'unknown')
          throw new CommandError(`${organization} has no campaign ${id}. ${unchanged}`);
        if (changed === 'category_inactive')
          throw new CommandError(`The category of this campaign is not active. ${unchanged}`);
        say(`${changed.name} is ${changed.status}.`);
      }),
    );
}
