import { newId } from '../../../events/new-id.ts';
import { mostRowsOfLeads } from '../../../usecases/marketplace/ingest-file.ts';
import { Empty } from '../../web/parts.tsx';
import type { importFile } from '../lead-file.ts';
import { MarketPage, type MarketVisit } from './frame.tsx';

type Imported = Awaited<ReturnType<typeof importFile>>;
type Props = { visit: MarketVisit; campaignId: string; imported: Imported | null; problem: string | null };

/** What an import of leads did. */
export function LeadFilePage({ visit, campaignId, imported, problem }: Props) {
  return (
    <MarketPage title="Import" at="campaigns" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2>Import of leads</h2>
          <a class="quiet" href={`/market/campaigns/${campaignId}`} data-up>
            Campaign
          </a>
        </div>
        {imported ? (
          <Result imported={imported} />
        ) : (
          <div class="form">
            <p class="problem" role="alert">
              {problem}
            </p>
          </div>
        )}
      </section>
    </MarketPage>
  );
}

function Result({ imported: { summary, rejectedRows } }: { imported: Imported }) {
  const { rows, accepted, rejected } = summary;
  const count = (n: number) => n.toLocaleString('en-US');
  return (
    <>
      <div class="market-facts">
        <p role="status">
          {count(accepted)} of {count(rows)} rows were stored and are distributed now.{' '}
          <a href="/market/leads">Leads</a>
        </p>
      </div>
      {rejected === 0 ? null : (
        <table class="rows cards">
          <thead>
            <tr>
              <th class="number">Row</th>
              <th>Why it was not stored</th>
            </tr>
          </thead>
          <tbody>
            {rejectedRows.map(({ row, errors }) => (
              <tr>
                <td class="number" data-label="Row">
                  {row}
                </td>
                <td>{errors.join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rejected > rejectedRows.length ? (
        <Empty title={`The first ${count(rejectedRows.length)} of ${count(rejected)} rejected rows.`} />
      ) : null}
    </>
  );
}

/** Each form has a key of its own, so that a file that is sent twice by it is stored once. */
export function LeadFileForm({
  campaignId,
  fields,
}: {
  campaignId: string;
  fields: readonly { name: string }[];
}) {
  return (
    <section class="panel form-panel" aria-labelledby="file-title">
      <div class="panel-head">
        <h2 id="file-title">Import leads</h2>
      </div>
      <form
        class="form"
        method="post"
        enctype="multipart/form-data"
        action={`/market/campaigns/${campaignId}/leads?key=${newId()}`}
      >
        <div class="form-field">
          <label for="file">CSV file</label>
          <input
            class="input"
            type="file"
            id="file"
            name="file"
            accept=".csv,text/csv"
            required
            aria-describedby="file-hint"
          />
          <p class="sub" id="file-hint">
            Up to {mostRowsOfLeads.toLocaleString('en-US')} rows. The first row names the columns:{' '}
            {fields.map(({ name }) => name).join(', ')}, and if wanted state and quality.
          </p>
        </div>
        <div class="form-end">
          <button type="submit" class="btn">
            Import
          </button>
        </div>
      </form>
    </section>
  );
}
