import { Empty } from '../../web/parts.tsx';
import type { HomeView, StatisticsView, Visit } from '../view-types.ts';
import { CrmBadge, count, home, OuterPage, Tile, whole } from './frame.tsx';
import { FileItems } from './upload-page.tsx';

/** The first page after signing in: companies, their numbers, and the newest files. */
export function HomePage({ visit, view }: { visit: Visit; view: HomeView }) {
  const operator = visit.person.role === 'operator';
  const [first] = view.companies;
  const stream = operator ? '/console/live' : first ? home(first.company, '/live') : undefined;
  return (
    <OuterPage title="Home" place="home" visit={visit} stream={stream}>
      <div class="page-head">
        <div>
          <h1>{operator ? 'Home' : `Hello ${visit.person.name}`}</h1>
          <p class="sub">Leads, sold to buyers or synced to the CRM.</p>
        </div>
        {operator ? (
          <div class="buttons">
            <a class="btn" href="/company/register">
              Register a company
            </a>
            <a class="btn" data-variant="outline" href="/console">
              Sales console
            </a>
          </div>
        ) : null}
      </div>
      {view.companies.length === 0 ? <NoCompanies operator={operator} /> : <Work view={view} />}
    </OuterPage>
  );
}

function NoCompanies({ operator }: { operator: boolean }) {
  if (!operator)
    return (
      <section class="panel narrow">
        <Empty title="Your account belongs to no company yet.">
          <p>Ask the person who invited you to add you to your company.</p>
        </Empty>
      </section>
    );
  return (
    <section class="panel narrow">
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
            <b>Upload its leads.</b> The columns of the usual exports are recognised.
          </li>
        </ol>
        <p>
          <a class="btn" href="/company/register">
            Register a company
          </a>
        </p>
        <p>
          Selling leads to buyers by text message? That is in the <a href="/console">sales console</a>.
        </p>
      </Empty>
    </section>
  );
}

function Work({ view }: { view: HomeView }) {
  const sum = (of: (s: StatisticsView) => number) =>
    view.companies.reduce((all, { statistics }) => all + of(statistics), 0);
  const failed = sum((s) => s.failed);
  const waiting = sum((s) => s.pending + s.processing);
  return (
    <>
      <section class="tiles four" data-live="tiles" aria-label="All companies together">
        <Tile label="Leads uploaded" value={sum((s) => s.total)}>
          {view.more ? 'in these companies' : count(view.companies.length, 'company', 'companies')}
        </Tile>
        <Tile label="In the CRM" value={sum((s) => s.success)}>
          {whole(sum((s) => s.perMinute))} in the last minute
        </Tile>
        <Tile label="Waiting" value={waiting}>
          {waiting > 0 ? 'being sent' : 'nothing waiting'}
        </Tile>
        <Tile label="Failed" value={failed} tone={failed > 0 ? 'bad' : 'good'}>
          {failed > 0 ? 'need attention' : 'all clear'}
        </Tile>
      </section>
      <div class="columns">
        <section class="panel" data-live="companies" aria-labelledby="companies-title">
          <div class="panel-head">
            <h2 id="companies-title">Companies</h2>
            {view.more ? (
              <a class="quiet" href="/companies">
                All companies
              </a>
            ) : null}
          </div>
          <ul class="items">
            {view.companies.map((entry) => (
              <CompanyItem {...entry} />
            ))}
          </ul>
        </section>
        <section class="panel" data-live="imports" aria-labelledby="imports-title">
          <div class="panel-head">
            <h2 id="imports-title">Newest files</h2>
          </div>
          {view.imports.length === 0 ? (
            <Empty title="No file was uploaded yet.">
              <p>Choose a company and press Upload. Any CSV export works.</p>
            </Empty>
          ) : (
            <FileItems files={view.imports} now={view.now} />
          )}
        </section>
      </div>
    </>
  );
}

function CompanyItem({ company, statistics }: HomeView['companies'][number]) {
  return (
    <li class="item-row" data-row={`company-${company.number}`}>
      <div>
        <a class="item-title" href={home(company)}>
          <span class="clip">{company.name}</span>
        </a>
        <span class="sub">
          {statistics.total === 0
            ? 'no leads yet'
            : `${whole(statistics.success)} of ${whole(statistics.total)} in the CRM${statistics.failed > 0 ? `, ${whole(statistics.failed)} failed` : ''}`}
        </span>
        {company.crm.state === 'connected' ? null : (
          <span>
            <CrmBadge crm={company.crm} />
          </span>
        )}
      </div>
      <div class="buttons">
        {company.crm.state === 'connected' ? null : (
          <a class="btn" data-size="sm" data-variant="outline" href={home(company, '/settings#crm')}>
            Connect
          </a>
        )}
        <a class="btn" data-size="sm" href={home(company, '/upload')}>
          Upload
        </a>
      </div>
    </li>
  );
}
