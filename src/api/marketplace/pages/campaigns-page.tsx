import { type Campaign, mostLeadsCounted } from '../../../db/marketplace/campaigns.ts';
import { type CampaignStatus, leadTtlHours } from '../../../domain/marketplace/campaign.ts';
import { minorToDollars } from '../../../domain/marketplace/dollars.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { Empty } from '../../web/parts.tsx';
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

export const leadsOf = ({ leadCount }: Campaign) =>
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

export function Head({ title }: { title: string }) {
  return (
    <div class="panel-head">
      <h2 class="clip">{title}</h2>
      <a class="quiet" href="/market/campaigns" data-up>
        Campaigns
      </a>
    </div>
  );
}

export function Values({ campaign, form }: { campaign: Campaign | null; form: FormState }) {
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
