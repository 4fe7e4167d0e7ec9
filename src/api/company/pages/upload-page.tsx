import { Ago, Empty } from '../../web/parts.tsx';
import type { CompanyView, CrmView, ImportView, Visit } from '../view-types.ts';
import { CompanyPage, count, fileSize, home, ImportBadge, whole } from './frame.tsx';

export type ImportsView = {
  /** Largest file in bytes. */
  most: number;
  problem: string | null;
  imports: ImportView[];
  /** Where the next page begins; null on the last. */
  next: string | null;
  /** The first page, which begins with the form. */
  isFirst: boolean;
  now: Date;
};

/** The files of a company: one can be uploaded, and what became of the others. */
export function ImportsPage(props: {
  visit: Visit;
  company: CompanyView;
  view: ImportsView;
  still?: boolean;
}) {
  const { visit, company, view } = props;
  return (
    <CompanyPage
      title="Imports"
      visit={visit}
      company={company}
      tab="imports"
      live
      still={props.still ?? false}
    >
      {view.isFirst ? (
        <div class="columns">
          <UploadForm company={company} view={view} />
          <WhatHappens company={company} />
        </div>
      ) : null}
      <section class="panel" aria-labelledby="files-title">
        <div class="panel-head">
          <h2 id="files-title">{view.isFirst ? 'Files' : 'Older files'}</h2>
          {view.isFirst ? null : (
            <a class="quiet" href={home(company, '/imports')}>
              Newest files
            </a>
          )}
        </div>
        <div data-live="imports">
          {view.imports.length === 0 ? (
            <Empty title="No file was uploaded yet.">
              <p>
                Export your contacts as CSV and drop the file above. From a terminal:{' '}
                <code class="mono">npx leadgate import contacts.csv --company {company.number}</code>
              </p>
            </Empty>
          ) : (
            <ImportRows company={company} imports={view.imports} now={view.now} />
          )}
          {view.next ? (
            <nav class="more" aria-label="Pages of the list">
              <a href={home(company, `/imports?after=${encodeURIComponent(view.next)}`)}>Older →</a>
            </nav>
          ) : null}
        </div>
      </section>
    </CompanyPage>
  );
}

function UploadForm({ company, view }: { company: CompanyView; view: ImportsView }) {
  return (
    <section class="panel" aria-labelledby="upload-title">
      <div class="panel-head">
        <h2 id="upload-title">Upload a file</h2>
        <span class="quiet">CSV, up to {fileSize(view.most)}</span>
      </div>
      <form
        class="form"
        method="post"
        action={home(company, '/upload')}
        enctype="multipart/form-data"
        data-upload
        data-most={view.most}
      >
        <p class="problem" role="alert" data-problem hidden={!view.problem}>
          {view.problem ?? ''}
        </p>
        <label class="drop" data-drop for="file">
          <svg viewBox="0 0 24 24" width="32" height="32" aria-hidden="true">
            <path
              d="M12 16V4m0 0L7 9m5-5 5 5M4 16v2a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-2"
              fill="none"
              stroke="currentColor"
              stroke-width="1.6"
              stroke-linecap="round"
              stroke-linejoin="round"
            />
          </svg>
          <b>Drop a CSV here, or choose one</b>
          <span class="sub">Nothing is imported before you confirm the preview.</span>
          <input
            id="file"
            class="file-input"
            type="file"
            name="file"
            accept=".csv,.tsv,.txt,text/csv"
            required
          />
        </label>
        <div class="sending" data-progress>
          <b data-file-name />
          <progress aria-label="Upload" />
          <span class="sub" data-progress-text aria-live="polite" />
          <button type="button" class="btn" data-size="sm" data-variant="outline" data-stop>
            Stop
          </button>
        </div>
        <div class="form-end">
          <button type="submit" class="btn">
            Upload
          </button>
        </div>
      </form>
    </section>
  );
}

function WhatHappens({ company }: { company: CompanyView }) {
  return (
    <section class="panel" aria-labelledby="how-title">
      <div class="panel-head">
        <h2 id="how-title">What happens next</h2>
      </div>
      <ol class="steps padded">
        <li>
          <b>You see its columns</b> with examples, already matched to fields, and what would be new, a
          duplicate or rejected.
        </li>
        <li>
          <b>You start the import.</b>{' '}
          {company.dedupeWindowMs > 0
            ? `A phone uploaded in the last ${windowText(company.dedupeWindowMs)} is not stored twice.`
            : 'Every row is stored, also when its phone was uploaded before.'}
        </li>
        <li>
          <b>You follow its progress.</b> Rejected rows can be downloaded with their reasons.
        </li>
      </ol>
      <p class="sub padded">
        Exports of Google Contacts, Outlook, HubSpot, Salesforce, Meta lead ads, GoHighLevel and any
        spreadsheet saved as CSV work, with any common separator and encoding.
      </p>
    </section>
  );
}

function windowText(ms: number): string {
  const days = ms / 86_400_000;
  if (days >= 1) return count(Math.round(days), 'day');
  return count(Math.max(1, Math.round(ms / 3_600_000)), 'hour');
}

function ImportRows(props: { company: CompanyView; imports: ImportView[]; now: Date }) {
  return (
    <table class="rows cards">
      <thead>
        <tr>
          <th>File</th>
          <th>State</th>
          <th class="number">Imported</th>
          <th class="number">Duplicates</th>
          <th class="number">Rejected</th>
          <th class="number">Uploaded</th>
        </tr>
      </thead>
      <tbody>
        {props.imports.map((file) => (
          <tr data-row={file.id}>
            <td>
              <a class="row-link clip" href={home(props.company, `/imports/${file.id}`)}>
                {file.fileName}
              </a>
              <span class="sub">{fileSize(file.bytes)}</span>
            </td>
            <td>
              <ImportBadge file={file} crm={props.company.crm.state} />
            </td>
            <td class="number" data-label="Imported">
              {whole(file.created)}
            </td>
            <td class="number" data-label="Duplicates">
              {whole(file.duplicates)}
            </td>
            <td class={`number ${file.rejected > 0 ? 'tone-bad' : ''}`} data-label="Rejected">
              {whole(file.rejected)}
            </td>
            <td class="number" data-label="Uploaded">
              <Ago at={file.createdAt} now={props.now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The newest files, for a narrow column. */
export function FileItems(props: {
  files: readonly {
    company: { number: number; name?: string; crm: CrmView['state'] };
    file: ImportView;
  }[];
  now: Date;
}) {
  return (
    <ul class="items">
      {props.files.map(({ company, file }) => (
        <li class="item-row" data-row={file.id}>
          <div>
            <a class="item-title" href={home(company, `/imports/${file.id}`)}>
              <span class="clip">{file.fileName}</span>
            </a>
            <span class="sub">
              {company.name ? `${company.name}, ` : ''}
              {['uploading', 'ready'].includes(file.status) ? '' : `${count(file.created, 'lead')}, `}
              <Ago at={file.createdAt} now={props.now} />
            </span>
          </div>
          <ImportBadge file={file} crm={company.crm} />
        </li>
      ))}
    </ul>
  );
}
