import { Empty } from '../../web/parts.tsx';
import type { CompaniesView, Visit } from '../view-types.ts';
import { CrmBadge, home, OuterPage, whole } from './frame.tsx';

export function CompaniesPage({ visit, view }: { visit: Visit; view: CompaniesView }) {
  const { companies, search, next } = view;
  return (
    <OuterPage title="Companies" place="companies" visit={visit} stream="/console/live">
      <section class="panel">
        <div class="panel-head">
          <h1>Companies</h1>
          <div class="head-tools">
            <form class="filters" method="get" action="/companies">
              <input
                class="input"
                type="search"
                name="q"
                value={search}
                placeholder="Name, number, owner’s email"
                aria-label="Search by name, number or owner’s email"
                maxlength={100}
                autocomplete="off"
                spellcheck={false}
              />
              <span class="kbd-hint" aria-hidden="true">
                /
              </span>
            </form>
            <a class="btn" data-size="sm" href="/company/register">
              Register a company
            </a>
          </div>
        </div>
        <div data-live="companies">
          {companies.length === 0 ? <NoCompanies search={search} /> : <Rows companies={companies} />}
          {next ? (
            <nav class="more" aria-label="Pages of the list">
              <a
                href={`/companies?${new URLSearchParams({ ...(search ? { q: search } : {}), after: String(next) })}`}
              >
                More →
              </a>
            </nav>
          ) : null}
        </div>
      </section>
    </OuterPage>
  );
}

function NoCompanies({ search }: { search: string }) {
  return search ? (
    <Empty title="No results">
      <p>
        Search for part of a name, a company number, or the owner’s email.{' '}
        <a href="/companies">Show everything</a>
      </p>
    </Empty>
  ) : (
    <Empty title="No company yet.">
      <p>A company uploads its leads to its CRM: from a spreadsheet, one by one, or through the API.</p>
      <ol class="steps">
        <li>
          <b>Register the company.</b> Its name, its owner, and its account in the CRM.
        </li>
        <li>
          <b>Connect its CRM</b> with a private token, or by signing in to the CRM.
        </li>
        <li>
          <b>Upload its leads.</b> The columns of the usual exports are recognized.
        </li>
      </ol>
      <p>
        <a class="btn" href="/company/register">
          Register a company
        </a>
      </p>
    </Empty>
  );
}

function Rows({ companies }: Pick<CompaniesView, 'companies'>) {
  return (
    <table class="rows cards">
      <thead>
        <tr>
          <th>Company</th>
          <th>CRM</th>
          <th class="number">Leads</th>
          <th class="number">In the CRM</th>
          <th class="number">Waiting</th>
          <th class="number">Failed</th>
        </tr>
      </thead>
      <tbody>
        {companies.map(({ company, statistics }) => (
          <tr data-row={`company-${company.number}`}>
            <td>
              <a class="row-link" href={home(company)}>
                {company.name}
              </a>
              <span class="sub clip">
                {company.number} · {company.ownerEmail}
              </span>
            </td>
            <td>
              <CrmBadge crm={company.crm} />
            </td>
            <td class="number" data-label="Leads">
              {whole(statistics.total)}
            </td>
            <td class="number" data-label="In the CRM">
              {whole(statistics.success)}
            </td>
            <td class="number" data-label="Waiting">
              {whole(statistics.pending + statistics.processing)}
            </td>
            <td class={`number ${statistics.failed > 0 ? 'tone-bad' : ''}`} data-label="Failed">
              {whole(statistics.failed)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
