import { leadsPerRequest } from '../../../domain/lead/limits.ts';
import { Act, Ago, Command, ConfirmForm, Empty } from '../../web/parts.tsx';
import type {
  CompanyView,
  CrmView,
  DashboardView,
  StatisticsView,
  SyncStatus,
  Visit,
} from '../view-types.ts';
import { CompanyPage, count, home, SyncBadge, syncLabel, Tile, TryAgain, whole } from './frame.tsx';
import { FileItems } from './upload-page.tsx';

export function DashboardPage(props: { visit: Visit; company: CompanyView; view: DashboardView }) {
  const { visit, company, view } = props;
  const { statistics, filter } = view;
  const filtered = Boolean(filter.status || filter.search || filter.importId);
  const nothing = statistics.total === 0 && view.imports.length === 0 && !filtered;
  return (
    <CompanyPage title="Dashboard" visit={visit} company={company} tab="dashboard" live>
      <div data-live="hint">
        <CrmHint company={company} waiting={statistics.pending + statistics.processing} />
      </div>
      {nothing ? (
        <FirstSteps company={company} curl={view.curl} />
      ) : (
        <>
          <section class="tiles" data-live="tiles" aria-label="Leads by state">
            <Tiles statistics={statistics} crm={company.crm.state} />
          </section>
          <div class="columns">
            <section class="panel" aria-labelledby="log-title">
              <LogHead company={company} view={view} />
              <div data-live="log">
                <Log company={company} view={view} />
              </div>
            </section>
            <div class="side">
              <section class="panel first" data-live="errors" aria-labelledby="errors-title">
                <Errors company={company} statistics={statistics} now={view.now} />
              </section>
              <section class="panel" data-live="imports" aria-labelledby="imports-title">
                <div class="panel-head">
                  <h2 id="imports-title">Newest files</h2>
                  <a class="quiet" href={home(company, '/imports')}>
                    All files
                  </a>
                </div>
                {view.imports.length === 0 ? (
                  <Empty title="No file yet.">
                    <p>
                      <a href={home(company, '/imports')}>Upload a CSV</a> of the leads you have.
                    </p>
                  </Empty>
                ) : (
                  <FileItems
                    files={view.imports.map((file) => ({
                      company: { number: company.number, crm: company.crm.state },
                      file,
                    }))}
                    now={view.now}
                  />
                )}
              </section>
            </div>
          </div>
        </>
      )}
    </CompanyPage>
  );
}

function CrmHint({ company, waiting }: { company: CompanyView; waiting: number }) {
  const { crm } = company;
  if (crm.state === 'connected') return null;
  const rest = waiting > 0 ? ` ${count(waiting, 'lead is', 'leads are')} waiting; none is lost.` : '';
  return (
    <div class={`note tone-${crm.state === 'paused' ? 'bad' : 'wait'} with-button`}>
      <p>
        {crm.state === 'paused' ? (
          <>
            <b>The CRM is paused.</b> {crm.reason ?? 'It rejects the credentials.'}
            {rest} Syncing continues once the CRM is reconnected or accepts the credentials again.
          </>
        ) : (
          <>
            <b>The CRM is not connected yet.</b>
            {rest || ' You can already upload leads: they are sent once it is connected.'}
          </>
        )}
      </p>
      <div class="buttons">
        {crm.state === 'paused' ? <TryAgain company={company} /> : null}
        <a class="btn" data-size="sm" href={home(company, '/settings#crm')}>
          {crm.state === 'paused' ? 'Reconnect' : 'Connect the CRM'}
        </a>
      </div>
    </div>
  );
}

function Tiles({ statistics: s, crm }: { statistics: StatisticsView; crm: CrmView['state'] }) {
  const waiting = s.pending + s.processing;
  const share = s.total > 0 ? Math.floor((100 * s.success) / s.total) : 0;
  const held = { paused: 'the CRM is paused', unconnected: 'until the CRM is connected', connected: null }[
    crm
  ];
  return (
    <>
      <Tile label="Leads" value={s.total}>
        {s.cancelled > 0 ? `${whole(s.cancelled)} canceled` : 'uploaded so far'}
      </Tile>
      <Tile label="In the CRM" value={s.success} tone="good">
        {share}% of all
      </Tile>
      <Tile
        label={crm === 'paused' && waiting > 0 ? 'Paused' : 'Waiting'}
        value={waiting}
        tone={crm === 'paused' && waiting > 0 ? 'bad' : undefined}
      >
        {waiting === 0
          ? 'nothing waiting'
          : (held ?? (s.processing > 0 ? `${whole(s.processing)} in progress` : 'queued'))}
      </Tile>
      <Tile label="Failed" value={s.failed} tone={s.failed > 0 ? 'bad' : undefined}>
        {s.failed > 0 ? 'can be retried' : 'none'}
      </Tile>
      <Tile label="Throughput" value={`${whole(s.perMinute)}/min`}>
        {held === null && waiting > 0 && s.perMinute > 0
          ? `about ${left(waiting / s.perMinute)} left`
          : 'in the last minute'}
      </Tile>
    </>
  );
}

function left(minutes: number): string {
  if (minutes < 1.5) return 'a minute';
  if (minutes < 90) return `${Math.round(minutes)} min`;
  return `${Math.round(minutes / 60)} h`;
}

const statuses: SyncStatus[] = ['pending', 'processing', 'success', 'failed', 'cancelled'];

function LogHead({ company, view: { filter } }: { company: CompanyView; view: DashboardView }) {
  return (
    <div class="panel-head">
      <h2 id="log-title">Processing log</h2>
      <form class="filters" method="get" action={home(company)}>
        {filter.importId ? <input type="hidden" name="import" value={filter.importId} /> : null}
        <select class="select" name="status" aria-label="State" data-submit>
          <option value="">Any state</option>
          {statuses.map((status) => (
            <option value={status} selected={filter.status === status}>
              {syncLabel(status)}
            </option>
          ))}
        </select>
        <input
          class="input"
          type="search"
          name="q"
          value={filter.search}
          placeholder="Lead ID, phone, contact ID"
          aria-label="Search by full lead ID, phone or contact ID"
          maxlength={100}
          autocomplete="off"
          spellcheck={false}
        />
        <span class="kbd-hint" aria-hidden="true">
          /
        </span>
        <button type="submit" class="btn" data-size="sm" data-variant="outline">
          Search
        </button>
      </form>
    </div>
  );
}

/** What a lead waits for. */
const pendingText: Record<CrmView['state'], string> = {
  connected: 'queued',
  paused: 'waits until the CRM is reconnected',
  unconnected: 'waits until the CRM is connected',
};

function Log({ company, view }: { company: CompanyView; view: DashboardView }) {
  const { log, filter, older, now } = view;
  const query = (more: Record<string, string>) =>
    `?${new URLSearchParams(
      Object.entries({
        status: filter.status,
        q: filter.search,
        import: filter.importId ?? '',
        ...more,
      }).filter(([, value]) => value),
    )}`;
  if (log.length === 0)
    return (
      <Empty title="No results">
        <p>
          Search by full lead ID, phone or contact ID. <a href={home(company)}>Show everything</a>
        </p>
      </Empty>
    );
  return (
    <>
      {filter.importId ? (
        <p class="sub padded">
          Leads of one file only. <a href={home(company)}>Show all</a>
        </p>
      ) : null}
      <table class="rows cards log">
        <thead>
          <tr>
            <th>Lead</th>
            <th>State</th>
            <th>What happened</th>
            <th class="number">Attempts</th>
            <th class="number">Changed</th>
            <th>
              <span class="visually-hidden">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {log.map((row) => (
            <tr data-row={row.id}>
              <td>
                <span class="mono">{row.leadId}</span>
                <span class="sub clip">
                  {row.who} · …{row.phoneEnd}
                  {row.phoneValid ? '' : ' (not a valid number)'}
                </span>
              </td>
              <td>
                <SyncBadge status={row.status} paused={company.crm.state === 'paused'} />
              </td>
              <td class="what">
                {row.error ? (
                  <span class="error">{row.error}</span>
                ) : row.contactId ? (
                  <span class="mono small">contact {row.contactId}</span>
                ) : (
                  <span class="quiet">{row.status === 'pending' ? pendingText[company.crm.state] : ''}</span>
                )}
                {row.remark ? <span class="sub">{row.remark}</span> : null}
              </td>
              <td class="number" data-label="Attempts">
                {row.attempts}
              </td>
              <td class="number" data-label="Changed">
                <Ago at={row.at} now={now} short />
              </td>
              <td class="act">
                {row.status === 'failed' ? (
                  <Act
                    action={home(company, `/leads/${row.id}/retry`)}
                    back={home(company, query({}))}
                    label="Retry"
                    done="Retrying"
                    about={row.leadId}
                  />
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {older ? (
        <nav class="more" aria-label="Pages of the list">
          <a href={home(company, query({ before: older }))}>Older →</a>
        </nav>
      ) : null}
    </>
  );
}

function Errors(props: { company: CompanyView; statistics: StatisticsView; now: Date }) {
  const { company, statistics } = props;
  return (
    <>
      <div class="panel-head">
        <h2 id="errors-title">Last errors</h2>
        {statistics.failed > 0 ? (
          <ConfirmForm
            action={home(company, '/retry')}
            back={home(company)}
            label={`Retry all ${whole(statistics.failed)}`}
            question={`${count(statistics.failed, 'lead')} that the CRM rejected ${statistics.failed === 1 ? 'is' : 'are'} sent once more, except those of stopped files.`}
            confirm={`Retry ${count(statistics.failed, 'lead')}`}
            done="Retrying"
            primary
          />
        ) : null}
      </div>
      {statistics.lastErrors.length === 0 ? (
        <Empty title="No errors.">
          <p>Leads that the CRM rejects appear here with its error message and a button to retry.</p>
        </Empty>
      ) : (
        <ul class="items">
          {statistics.lastErrors.map(({ error, leads, lastAt }) => (
            <li class="item-row">
              <div>
                <p class="error">{error}</p>
                <span class="sub">
                  {count(leads, 'lead')}
                  {lastAt ? (
                    <>
                      , last <Ago at={lastAt} now={props.now} />
                    </>
                  ) : null}
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function FirstSteps({ company, curl }: { company: CompanyView; curl: string }) {
  return (
    <section class="panel narrow" data-live="first">
      <Empty title="No leads yet. Three ways to add them:">
        <div class="ways">
          <a class="way" href={home(company, '/imports')}>
            <b>Upload a file</b>
            <span>
              A CSV from a spreadsheet, an address book or another CRM. You see a preview before it starts.
            </span>
          </a>
          <a class="way" href={home(company, '/lead')}>
            <b>Add one lead</b>
            <span>Enter name, phone and notes in a form.</span>
          </a>
          <a class="way" href={home(company, '/settings#keys')}>
            <b>Send them by API</b>
            <span>
              Create an API key and send up to {leadsPerRequest.toLocaleString('en-US')} leads in one request.
            </span>
          </a>
        </div>
        <Command id="first-lead" text={curl} />
      </Empty>
    </section>
  );
}
