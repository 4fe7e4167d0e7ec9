import { Command, type OptionValues } from 'commander';
import { validate as isUuid } from 'uuid';
import { campaignChangeOf, createCampaign, newCampaignOf } from '../api/marketplace/campaigns.ts';
import { type CampaignChange, changeCampaign, listCampaigns } from '../db/marketplace/campaigns.ts';
import { findCategory } from '../db/marketplace/categories.ts';
import {
  type CampaignStatus,
  distributionLogics,
  leadTtlHours,
  mostPriceMinor,
} from '../domain/marketplace/campaign.ts';
import { dollarsToMinor, minorToDollars } from '../domain/marketplace/dollars.ts';
import {
  addOptions,
  changeIn,
  eitherOf,
  type FieldOptions,
  fieldsIn,
  mandatory,
  namingOptions,
  optional,
} from './field-options.ts';
import { actor, type OfSeller, sellerCommand, sellerIdOf, unchanged } from './of-seller.ts';
import { CommandError, type Session, say, withSession } from './session.ts';
import { commandQuotas } from './stored-limit.ts';

const mostListed = 1_000;

const price = ['--price <dollars>', 'price of a lead, such as 12.50'] as const;
const logic = ['--logic <logic>', distributionLogics.join(', ')] as const;
const others: FieldOptions = {
  description: optional('--description <text>', '"" for none'),
  allowStateSelection: eitherOf(
    ['yes', 'no'],
    '--allow-state-selection <yes|no>',
    'whether buyers choose states',
  ),
  maxSales: optional('--max-sales <number>', 'most buyers of one lead in a broadcast; "" for no limit'),
  leadTtlHours: optional(
    '--lead-ttl-hours <hours>',
    `how long a lead waits for a buyer; "" for ${leadTtlHours.usual}`,
  ),
};
const ofNew: FieldOptions = {
  name: mandatory('--name <name>'),
  pricePerLead: mandatory(...price),
  distributionLogic: optional(...logic).default(distributionLogics[0]),
  ...others,
};
const ofChange: FieldOptions = {
  name: optional('--name <name>'),
  pricePerLead: optional(...price),
  distributionLogic: optional(...logic),
  ...others,
};

export function campaignCommands(): Command {
  const campaign = new Command('campaign').description('campaigns: categories sold at a price');
  sellerCommand(
    campaign,
    'list',
    `list the ${mostListed.toLocaleString('en')} newest campaigns of a seller`,
  ).action((options: OfSeller) => withSession((session) => list(session, options)));
  addOptions(
    sellerCommand(campaign, 'create', 'make a campaign').requiredOption('--category <name-or-id>'),
    ofNew,
  ).action((options: CreateOptions) => withSession((session) => create(session, options)));
  addOptions(sellerCommand(campaign, 'set <id>', 'change the given values of a campaign'), ofChange).action(
    (id: string, options: OfSeller & OptionValues) => withSession((session) => set(session, id, options)),
  );
  addMove(campaign, 'pause', 'PAUSED', 'stop giving leads of a campaign to buyers');
  addMove(campaign, 'resume', 'ACTIVE', 'sell leads of a campaign again');
  addMove(campaign, 'archive', 'ARCHIVED', 'end a campaign');
  return campaign;
}

async function list(session: Session, { organization }: OfSeller): Promise<void> {
  const organizationId = await sellerIdOf(session, organization);
  const page = { status: null, limit: mostListed, offset: 0 };
  const { campaigns, total } = await listCampaigns(session.db, { organizationId, buyerId: null }, page);
  for (const each of campaigns)
    say(
      `${each.id}  ${each.status}  $${minorToDollars(each.priceMinor).toFixed(2)}  ${each.distributionLogic}  ${each.name}`,
    );
  if (total > campaigns.length) say(`… and ${total - campaigns.length} older ones`);
}

type CreateOptions = OfSeller & { category: string; price: string; logic: string } & OptionValues;

async function create(session: Session, options: CreateOptions): Promise<void> {
  const { db } = session;
  const organizationId = await sellerIdOf(session, options.organization);
  if (!distributionLogics.some((each) => each === options.logic))
    throw new CommandError(`The logic is one of ${distributionLogics.join(', ')}. ${unchanged}`);
  const priceMinor = dollarsToMinor(options.price);
  if (priceMinor === null || priceMinor < 1 || priceMinor > mostPriceMinor)
    throw new CommandError(`A price is $0.01 to $${minorToDollars(mostPriceMinor)}. ${unchanged}`);
  const by = isUuid(options.category) ? { id: options.category } : { name: options.category };
  const category = await findCategory(db, organizationId, by);
  if (!category?.isActive)
    throw new CommandError(`There is no active category ${options.category}. ${unchanged}`);
  const made = await namingOptions(ofNew, () =>
    createCampaign(
      { db, quotas: commandQuotas(session) },
      organizationId,
      newCampaignOf({ ...fieldsIn(ofNew, options), categoryId: category.id }),
      actor,
    ),
  );
  say(`Created ${made.name} (${made.id}).`);
}

async function set(session: Session, id: string, options: OfSeller & OptionValues): Promise<void> {
  const change = await namingOptions(ofChange, () => campaignChangeOf(changeIn(ofChange, options)));
  const changed = await update(session, options, { id, change });
  say(`Changed ${changed.name} (${changed.id}).`);
}

function addMove(campaign: Command, verb: string, status: CampaignStatus, description: string): void {
  sellerCommand(campaign, `${verb} <id>`, description).action((id: string, options: OfSeller) =>
    withSession(async (session) => {
      const action = status === 'ARCHIVED' ? 'campaign.archived' : 'campaign.updated';
      const changed = await update(session, options, { id, change: { status }, action });
      say(`${changed.name} is ${changed.status}.`);
    }),
  );
}

async function update(
  session: Session,
  { organization }: OfSeller,
  { id, change, action = 'campaign.updated' }: { id: string; change: CampaignChange; action?: string },
) {
  const organizationId = await sellerIdOf(session, organization);
  const changed = isUuid(id)
    ? await changeCampaign(session.db, organizationId, id, change, { actor, action })
    : 'unknown';
  if (changed === 'unknown') throw new CommandError(`${organization} has no campaign ${id}. ${unchanged}`);
  if (changed === 'category_inactive')
    throw new CommandError(
      `The category of this campaign is not active. ${unchanged} Restore it first: leadgate category restore`,
    );
  return changed;
}
