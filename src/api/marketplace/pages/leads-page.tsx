import type { SellerLead } from '../../../db/marketplace/leads.ts';
import type { DistributionStatus } from '../../../domain/marketplace/distribution.ts';
import { Empty, When } from '../../web/parts.tsx';
import { Choices, listAddress, MarketPage, type MarketVisit, Pages, StatusBadge } from './frame.tsx';

const statuses = [
  [null, 'All'],
  ['PENDING', 'Waiting'],
  ['DISTRIBUTED', 'Sold'],
  ['EXPIRED', 'Expired'],
  ['REJECTED', 'Rejected'],
  ['TEST', 'Tests'],
] as const;

type Chosen = {
  status: DistributionStatus | null;
  category: string | null;
  /** ISO days. */
  from: string | null;
  to: string | null;
};
type Props = {
  visit: MarketVisit;
  categories: { id: string; name: string }[];
  leads: SellerLead[];
  chosen: Chosen;
  page: number;
  pages: number;
  total: number;
};

export function LeadsPage({ visit, categories, leads, chosen, page, pages, total }: Props) {
  const address = (more: Partial<Chosen>, number = 1) =>
    listAddress('/market/leads', { ...chosen, ...more }, number);
  return (
    <MarketPage title="Leads" at="leads" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2>
            Leads <span class="quiet">{total.toLocaleString('en-US')}</span>
          </h2>
          <div class="head-tools">
            <Choices
              label="Status"
              options={statuses}
              chosen={chosen.status}
              href={(status) => address({ status })}
            />
          </div>
        </div>
        <Filters categories={categories} chosen={chosen} />
        {leads.length === 0 ? (
          <Empty title="No lead here.">
            <p>
              Suppliers send leads with <a href="/market/suppliers">a key of their own</a>; a file of leads is
              imported on the page of its <a href="/market/campaigns">campaign</a>.
            </p>
          </Empty>
        ) : (
          <Rows leads={leads} />
        )}
        <Pages page={page} pages={pages} href={(number) => address({}, number)} />
      </section>
    </MarketPage>
  );
}

function Filters({ categories, chosen }: Pick<Props, 'categories' | 'chosen'>) {
  return (
    <form class="market-filters" method="get" action="/market/leads">
      {chosen.status ? <input type="hidden" name="status" value={chosen.status} /> : null}
      <label>
        Category
        <select class="select" name="category">
          <option value="">All</option>
          {categories.map(({ id, name }) => (
            <option value={id} selected={id === chosen.category}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        From
        <input class="input" type="date" name="from" value={chosen.from ?? ''} />
      </label>
      <label>
        To
        <input class="input" type="date" name="to" value={chosen.to ?? ''} />
      </label>
      <button type="submit" class="btn" data-size="sm" data-variant="outline">
        Filter
      </button>
    </form>
  );
}

/** The first public values of a lead. */
const valuesShown = 3;
const longestValue = 40;

function publicText({ public: { data } }: SellerLead): string {
  const values = Object.values(data)
    .slice(0, valuesShown)
    .map((value) => String(value).slice(0, longestValue));
  return values.join(' · ') || 'No public values';
}

function Rows({ leads }: { leads: SellerLead[] }) {
  return (
    <table class="rows cards">
      <thead>
        <tr>
          <th>Lead</th>
          <th>Status</th>
          <th>Campaign</th>
          <th>State</th>
          <th>Supplier</th>
          <th class="number">Sold</th>
          <th>Received</th>
        </tr>
      </thead>
      <tbody>
        {leads.map((lead) => (
          <tr>
            <td>
              <a class="row-link mono" href={`/market/leads/${lead.id}`}>
                {lead.id}
              </a>
              <span class="sub clip">{publicText(lead)}</span>
            </td>
            <td>
              <StatusBadge status={lead.status} />
            </td>
            <td data-label="Campaign">{lead.campaign?.name ?? '–'}</td>
            <td data-label="State">{lead.state ?? '–'}</td>
            <td data-label="Supplier">{lead.supplier?.name ?? 'You'}</td>
            <td class="number" data-label="Sold">
              {lead.assignments.length}
            </td>
            <td data-label="Received">
              <When at={new Date(lead.receivedAt)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
