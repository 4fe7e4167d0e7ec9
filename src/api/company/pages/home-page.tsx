import { Empty } from '../../web/parts.tsx';
import type { HomeView, StatisticsView, Visit } from '../view-types.ts';
import { CrmBadge, count, home, OuterPage, Tile, whole } from './frame.tsx';
import { FileItems } from './upload-page.tsx';

/** The home of a person with several companies, or with none: their numbers and the newest files. */
export function HomePage({ visit, view }: { visit: Visit; view: HomeView }) {
  const [first] = view.companies;
  const stream = first ? home(first.company, '/live') : undefined;
  return (
    <OuterPage title="Home" place="home" visit={visit} stream={stream}>
      <div class="page-head">
        <div>
          <h1>Hello {visit.person.name}</h1>
          <p class="sub">Your companies, and what became of their leads.</p>
        </div>
      </div>
      {view.companies.length === 0 ? <NoCompanies /> : <Work view={view} />}
    </OuterPage>
  );
}

function NoCompanies() {
  return (
    <section class="panel narrow">
      <Empty title="Your account belongs to no company yet.">
        <p>Ask the person who invited you to add you to your company.</p>
      </Empty>
    </section>
  );
}

function Work({ view }: { view: HomeView }) {
  const sum = (of: (s: StatisticsView) => number) =>
    view.companies.reduce((all, { statistics }) => all + of(statistics), 0);
  const failed = sum((s) => s.failed);
  const waiting = sum((s) => s.pending + s.processing);
  const held = view.companies
    .filter(({ company }) => company.crm.state !== 'connected')
    .reduce((all, { statistics: s }) => all + s.pending + s.processing, 0);
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
          {waiting === 0
            ? 'nothing waiting'
            : held > 0
              ? `${whole(held)} until a CRM is connected`
              : 'being sent'}
        </Tile>
        <Tile label="Failed" value={failed} tone={failed > 0 ? 'bad' : 'good'}>
          {failed > 0 ? 'need attention' : 'all clear'}
        </Tile>
      </section>
      <div class="columns">
        <section class="panel" data-live="companies" aria-labelledby="companies-title">
          <div class="panel-head">
            <h2 id="companies-title">Companies</h2>
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
        <a class="btn" data-size="sm" href={home(company, '/imports')}>
          Upload
        </a>
      </div>
    </li>
  );
}
