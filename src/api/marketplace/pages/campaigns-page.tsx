import { type Campaign, mostLeadsCounted } from '../../../db/marketplace/campaigns.ts';
import type { SubscriptionOfBuyer } from '../../../db/marketplace/subscriptions.ts';
import { type CampaignStatus, leadTtlHours } from '../../../domain/marketplace/campaign.ts';
import { minorToDollars } from '../../../domain/marketplace/dollars.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { ConfirmForm, Empty } from '../../web/parts.tsx';
import {
  Choices,
  listAddress,
  logics,
  MarketPage,
  type MarketVisit,
  money,
  Pages,
  StatusBadge,
} from './frame.tsx';

const filters = [
  [null, 'All'],
  ['ACTIVE', 'Active'],
  ['PAUSED', 'Paused'],
  ['ARCHIVED', 'Archived'],
] as const;

const leadsOf = ({ leadCount }: Campaign) =>
  `${leadCount.toLocaleString('en-US')}${leadCount === mostLeadsCounted ? '+' : ''}`;

type ListProps = {
  visit: MarketVisit;
  campaigns: Campaign[];
  status: CampaignStatus | null;
  page: number;
  pages: number;
  total: number;
};

export function CampaignsPage({ visit, campaigns, status, page, pages, total }: ListProps) {
  const address = (wanted: CampaignStatus | null, number = 1) =>
    listAddress('/market/campaigns', { status: wanted }, number);
  return (
    <MarketPage title="Campaigns" at="campaigns" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2>
            Campaigns <span class="quiet">{total.toLocaleString('en-US')}</span>
          </h2>
          <div class="head-tools">
            <Choices label="Status" options={filters} chosen={status} href={(value) => address(value)} />
            <a class="btn" data-size="sm" href="/market/campaigns/new">
              New campaign
            </a>
          </div>
        </div>
        {campaigns.length === 0 ? (
          <Empty title="No campaign here.">
            <p>
              A campaign sells the leads of a <a href="/market/categories">category</a> to the buyers who
              subscribe to it.
            </p>
          </Empty>
        ) : (
          <Rows campaigns={campaigns} />
        )}
        <Pages page={page} pages={pages} href={(number) => address(status, number)} />
      </section>
    </MarketPage>
  );
}

function Rows({ campaigns }: { campaigns: Campaign[] }) {
  return (
    <table class="rows cards">
      <thead>
        <tr>
          <th>Campaign</th>
          <th>Status</th>
          <th class="number">Price</th>
          <th>Distribution</th>
          <th class="number">Buyers</th>
          <th class="number">Leads</th>
        </tr>
      </thead>
      <tbody>
        {campaigns.map((campaign) => (
          <tr>
            <td>
              <a class="row-link" href={`/market/campaigns/${campaign.id}`}>
                {campaign.name}
              </a>
              <span class="sub clip">{campaign.category.name}</span>
            </td>
            <td>
              <StatusBadge status={campaign.status} />
            </td>
            <td class="number" data-label="Price">
              {money(minorToDollars(campaign.priceMinor))}
            </td>
            <td data-label="Distribution">{logics[campaign.distributionLogic]}</td>
            <td class="number" data-label="Buyers">
              {campaign.subscriptionCount.toLocaleString('en-US')}
            </td>
            <td class="number" data-label="Leads">
              {leadsOf(campaign)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type NewProps = { visit: MarketVisit; categories: { id: string; name: string }[]; form: FormState };

export function NewCampaignPage({ visit, categories, form }: NewProps) {
  return (
    <MarketPage title="New campaign" at="campaigns" visit={visit}>
      <section class="panel form-panel">
        <Head title="New campaign" />
        {categories.length === 0 ? (
          <Empty title="A campaign needs a category.">
            <a class="btn" href="/market/categories/new">
              New category
            </a>
          </Empty>
        ) : (
          <form class="form" method="post" action="/market/campaigns">
            <Problem form={form} />
            <div class="pair">
              <Field
                name="categoryId"
                label="Category"
                form={form}
                options={categories.map(({ id, name }) => [id, name])}
              />
              <Field
                name="status"
                label="Status"
                form={form}
                options={[
                  ['ACTIVE', 'Active'],
                  ['PAUSED', 'Paused: not shown to buyers'],
                ]}
              />
            </div>
            <Values campaign={null} form={form} />
            <div class="form-end">
              <button type="submit" class="btn">
                Create campaign
              </button>
            </div>
          </form>
        )}
      </section>
    </MarketPage>
  );
}

function Head({ title }: { title: string }) {
  return (
    <div class="panel-head">
      <h2 class="clip">{title}</h2>
      <a class="quiet" href="/market/campaigns" data-up>
        Campaigns
      </a>
    </div>
  );
}

function Values({ campaign, form }: { campaign: Campaign | null; form: FormState }) {
  return (
    <>
      <Field
        name="name"
        label="Name"
        form={form}
        max={200}
        value={campaign?.name ?? ''}
        autofocus={!campaign}
      />
      <Field
        name="description"
        label="Description"
        form={form}
        rows={2}
        max={2_000}
        optional
        value={campaign?.description ?? ''}
        hint="Buyers see it."
      />
      <div class="pair">
        <Field
          name="pricePerLead"
          label="Price of a lead in dollars"
          form={form}
          value={campaign ? String(minorToDollars(campaign.priceMinor)) : ''}
        />
        <Field
          name="distributionLogic"
          label="Distribution"
          form={form}
          value={campaign?.distributionLogic ?? 'ROUND_ROBIN'}
          options={Object.entries(logics)}
        />
      </div>
      <div class="pair">
        <Field
          name="maxSales"
          label="Most buyers of a lead"
          type="number"
          form={form}
          min={1}
          max={100_000}
          optional
          value={String(campaign?.maxSales ?? '')}
          hint="Empty for no limit."
        />
        <Field
          name="leadTtlHours"
          label="Hours that a lead waits for a buyer"
          type="number"
          form={form}
          min={1}
          max={leadTtlHours.most}
          value={String(campaign?.leadTtlHours ?? leadTtlHours.usual)}
        />
      </div>
      <Field
        name="allowStateSelection"
        label="States"
        form={form}
        value={String(campaign?.allowStateSelection ?? true)}
        options={[
          ['true', 'Buyers choose their states'],
          ['false', 'Every buyer gets leads of all states'],
        ]}
      />
    </>
  );
}

type Props = {
  visit: MarketVisit;
  campaign: Campaign;
  subscriptions: SubscriptionOfBuyer[];
  form: FormState;
};

export function CampaignPage({ visit, campaign, subscriptions, form }: Props) {
  const { id, name, category, status } = campaign;
  return (
    <MarketPage title={name} at="campaigns" visit={visit}>
      <section class="panel form-panel">
        <Head title={name} />
        <div class="market-facts">
          <StatusBadge status={status} />
          <span class="sub">
            {leadsOf(campaign)} {campaign.leadCount === 1 ? 'lead' : 'leads'} of{' '}
            <a href={`/market/categories/${category.id}`}>{category.name}</a>
            {category.isActive ? '' : ', which is deleted'}.{' '}
            <a href={listAddress('/market/audit', { subject: `campaign:${id}` })}>Changes</a>
          </span>
          <Actions campaign={campaign} />
        </div>
        <form class="form" method="post" action={`/market/campaigns/${id}`}>
          <Problem form={form} />
          <Values campaign={campaign} form={form} />
          <div class="form-end">
            <button type="submit" class="btn">
              Save
            </button>
          </div>
        </form>
      </section>
      <Subscriptions campaign={campaign} subscriptions={subscriptions} />
    </MarketPage>
  );
}

function Actions({ campaign: { id, status } }: { campaign: Campaign }) {
  const action = (name: string) => `/market/campaigns/${id}/${name}`;
  return (
    <div class="buttons">
      {status === 'ACTIVE' ? (
        <form method="post" action={action('pause')}>
          <button type="submit" class="btn" data-size="sm" data-variant="outline">
            Pause
          </button>
        </form>
      ) : (
        <form method="post" action={action('resume')}>
          <button type="submit" class="btn" data-size="sm">
            {status === 'PAUSED' ? 'Resume' : 'Restore'}
          </button>
        </form>
      )}
      {status === 'ARCHIVED' ? null : (
        <ConfirmForm
          action={action('archive')}
          label="Archive"
          question="It gets no further leads and is shown to no buyer. What was sold stays."
          confirm="Archive it"
        />
      )}
    </div>
  );
}

function Subscriptions({ campaign, subscriptions }: Pick<Props, 'campaign' | 'subscriptions'>) {
  const { subscriptionCount: count, distributionLogic } = campaign;
  const isWaterfall = distributionLogic === 'WATERFALL';
  return (
    <section class="panel" aria-labelledby="subscriptions-title">
      <div class="panel-head">
        <h2 id="subscriptions-title">
          Subscriptions <span class="quiet">{count.toLocaleString('en-US')}</span>
        </h2>
        {count > subscriptions.length ? <span class="quiet">The newest {subscriptions.length}</span> : null}
      </div>
      {subscriptions.length === 0 ? (
        <Empty title="No buyer subscribes yet." />
      ) : (
        <table class="rows cards">
          <thead>
            <tr>
              <th>Buyer</th>
              <th>Status</th>
              <th class="number">Daily cap</th>
              <th>States</th>
              <th class="number">{isWaterfall ? 'Place' : 'Priority'}</th>
            </tr>
          </thead>
          <tbody>
            {subscriptions.map((row) => (
              <tr>
                <td>
                  <a class="row-link" href={`/market/buyers/${row.buyerId}`}>
                    {row.companyName ?? row.userName ?? 'Unnamed'}
                  </a>
                  <span class="sub clip">{row.userEmail ?? 'Does not sign in'}</span>
                </td>
                <td>
                  <StatusBadge status={row.buyerStatus === 'ACTIVE' ? row.status : row.buyerStatus} />
                </td>
                <td class="number" data-label="Daily cap">
                  {row.dailyCap?.toLocaleString('en-US') ?? 'No limit'}
                </td>
                <td data-label="States">{row.states.length > 0 ? row.states.join(', ') : 'All'}</td>
                <td class="number" data-label={isWaterfall ? 'Place' : 'Priority'}>
                  {isWaterfall ? (row.waterfallPriority ?? 'Last') : row.priority}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
