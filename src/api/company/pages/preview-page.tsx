import { LEAD_FIELDS } from '../../../domain/lead/candidate.ts';
import { fieldLabels } from '../labels.ts';
import type { CompanyView, ImportView, PreviewView, Visit } from '../view-types.ts';
import { CompanyPage, count, day, fileSize, home } from './frame.tsx';

type Props = {
  visit: Visit;
  company: CompanyView;
  file: ImportView;
  preview: PreviewView;
  problem: string | null;
};

/** The content of a file before any lead is stored. */
export function PreviewPage(props: Props & { still?: boolean }) {
  const { visit, company, file, preview } = props;
  const path = home(company, `/imports/${file.id}`);
  return (
    <CompanyPage title={file.fileName} visit={visit} company={company} tab="upload" still>
      <form class="preview" method="post" action={`${path}/start`} data-mapping={`${path}/preview`}>
        <div class="page-head">
          <div class="grow">
            <h2 class="file-title clip">{file.fileName}</h2>
            <p class="sub">
              {fileSize(file.bytes)}, {encodingName(preview.encoding)}, separated by{' '}
              {delimiterName(preview.delimiter)}, {count(preview.columns.length, 'column')}
            </p>
          </div>
          <div class="buttons">
            <button type="submit" class="btn">
              Start the import
            </button>
            <button
              type="submit"
              class="btn"
              data-variant="outline"
              formaction={`${path}/cancel`}
              formnovalidate
            >
              Discard
            </button>
          </div>
        </div>
        {preview.sameFile ? <SameFile company={company} sameFile={preview.sameFile} /> : null}
        <div data-checked="problems">
          <Problems preview={preview} problem={props.problem} />
        </div>
        <section class="panel" aria-labelledby="columns-title">
          <div class="panel-head">
            <h2 id="columns-title">Columns</h2>
            <span class="quiet">Your choices are remembered for the next file with these columns.</span>
          </div>
          <Columns preview={preview} />
        </section>
        <Dialect preview={preview} />
        <section class="panel" aria-labelledby="sample-title" data-checked="sample">
          <Sample preview={preview} />
        </section>
        <noscript>
          <button type="submit" class="btn" data-variant="outline" formaction={`${path}/preview`}>
            Check again
          </button>
        </noscript>
      </form>
    </CompanyPage>
  );
}

function SameFile(props: { company: CompanyView; sameFile: NonNullable<PreviewView['sameFile']> }) {
  return (
    <div class="note tone-wait">
      <p>
        <b>The same file was imported on {day(props.sameFile.at)}.</b>{' '}
        <a href={home(props.company, `/imports/${props.sameFile.id}`)}>See that import</a>
      </p>
      <label class="check">
        <input type="checkbox" name="confirm" value="yes" required />
        Import it again
      </label>
    </div>
  );
}

function Problems({ preview, problem }: { preview: PreviewView; problem: string | null }) {
  const said = problem ?? preview.problem;
  return (
    <>
      {said ? (
        <p class="problem" role="alert">
          {said}
        </p>
      ) : null}
      {preview.looksLikeData && preview.headerRow > 0 ? (
        <p class="note tone-wait">
          Row {preview.headerRow} looks like a contact, but it is read as the column names. If it is a
          contact, choose “The file has no column names” below.
        </p>
      ) : null}
      <HeaderNote preview={preview} />
      {preview.readings.length > 0 ? (
        <div class="note tone-wait">
          <p>
            <b>Check the accented letters.</b> They can be read in several ways, and choosing the encoding
            below settles it:
          </p>
          <ul>
            {preview.readings.map(({ encoding, words }) => (
              <li>
                {encodingName(encoding)}
                {words.length > 0 ? `: ${words.join(', ')}` : ''}
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </>
  );
}

/** Says which rows are left out because they stand before the column names. */
function HeaderNote({ preview: { headerRow, firstRows } }: { preview: PreviewView }) {
  if (headerRow === 0)
    return <p class="note">This file has no column names, so its first row is imported as a contact.</p>;
  const before = firstRows.filter(({ row }) => row < headerRow);
  if (before.length === 0) return null;
  return (
    <div class="note">
      <p>
        The column names are in row {headerRow}.{' '}
        {before.length === 1 ? 'The row before it is' : 'The rows before it are'} not imported:
      </p>
      <ul>
        {before.map(({ row, text }) => (
          <li>
            Row {row}: {text}
          </li>
        ))}
      </ul>
    </div>
  );
}

const because = {
  header: 'recognised by its name',
  values: 'recognised by its contents',
  remembered: 'as you chose before',
  chosen: 'chosen by you',
};

function Columns({ preview }: { preview: PreviewView }) {
  return (
    <table class="rows cards mapping">
      <thead>
        <tr>
          <th>Column</th>
          <th>Examples</th>
          <th>Becomes</th>
        </tr>
      </thead>
      <tbody>
        {preview.columns.map((column, i) => (
          <tr>
            <td>
              <label for={`column-${i}`} class="column-name">
                {column.header.trim() === '' ? (
                  <span class="quiet">column {i + 1}, no name</span>
                ) : (
                  column.header
                )}
              </label>
              <span class="sub" data-checked={`because-${i}`}>
                {column.because ? because[column.because] : 'left out'}
              </span>
            </td>
            <td class="examples">
              {column.examples.length === 0 ? (
                <span class="quiet">empty in the first rows</span>
              ) : (
                column.examples.map((example) => <span class="example clip">{example}</span>)
              )}
            </td>
            <td>
              <ColumnSelect column={column} index={i} customFields={preview.customFields} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ColumnSelect(props: {
  column: PreviewView['columns'][number];
  index: number;
  customFields: readonly string[];
}) {
  const { column, index } = props;
  const named = column.header.trim().slice(0, 200);
  const custom = [...new Set([...(named === '' ? [] : [named]), ...props.customFields])];
  const target = column.target ?? '';
  if (target.startsWith('custom:') && !custom.includes(target.slice(7))) custom.push(target.slice(7));
  return (
    <select class="select" id={`column-${index}`} name={`column-${index}`}>
      <option value="" selected={target === ''}>
        Leave out
      </option>
      <optgroup label="Fields">
        {LEAD_FIELDS.map((field) => (
          <option value={field} selected={field === target}>
            {fieldLabels[field]}
          </option>
        ))}
      </optgroup>
      <optgroup label="Custom fields">
        {custom.map((name) => (
          <option value={`custom:${name}`} selected={`custom:${name}` === target}>
            {name}
          </option>
        ))}
      </optgroup>
    </select>
  );
}

/** For a file whose encoding, delimiter or header was detected wrongly. */
function Dialect({ preview: { dialect, readings, firstRows } }: { preview: PreviewView }) {
  const named = dialect.headerRow ?? 0;
  const headerRows =
    named === 0 || firstRows.some(({ row }) => row === named)
      ? firstRows
      : [...firstRows, { row: named, text: '' }];
  const choice = (name: string, label: string, chosen: string, options: [string, string][]) => (
    <label>
      {label}
      <select class="select" name={name} data-rereads>
        {options.map(([value, text]) => (
          <option value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <details class="reading" open={Object.keys(dialect).length > 0 || readings.length > 0}>
      <summary>Encoding or columns look wrong?</summary>
      <div class="line-form form">
        {choice('encoding', 'Encoding', dialect.encoding ?? '', [
          ['', 'Detect automatically'],
          ['utf-8', 'UTF-8'],
          ['windows-1252', 'Windows-1252 (Western Europe)'],
          ['macintosh', 'Mac Roman (older Macs)'],
          ['ibm850', 'Code page 850 (DOS)'],
          ['iso-8859-15', 'ISO-8859-15 (Western Europe)'],
          ['windows-1250', 'Windows-1250 (Central Europe)'],
          ['utf-16le', 'UTF-16'],
        ])}
        {choice('delimiter', 'Separator', delimiterNames[dialect.delimiter ?? ''] ?? '', [
          ['', 'Detect automatically'],
          [',', 'Commas'],
          [';', 'Semicolons'],
          ['tab', 'Tabs'],
          ['|', 'Bars (|)'],
        ])}
        {choice('header_row', 'Column names', String(dialect.headerRow ?? ''), [
          ['', 'Detect automatically'],
          ['0', 'The file has no column names'],
          ...headerRows.map(({ row, text }): [string, string] => [String(row), `Row ${row}: ${text}`]),
        ])}
      </div>
    </details>
  );
}

const delimiterNames: Record<string, string> = { ',': ',', ';': ';', '\t': 'tab', '|': '|' };

function Sample({ preview }: { preview: PreviewView }) {
  const { rows } = preview;
  const taken = rows?.filter(({ ok }) => ok).length ?? 0;
  return (
    <>
      <div class="panel-head">
        <h2 id="sample-title">First rows</h2>
        {rows && rows.length > 0 ? (
          <span class="quiet">
            {taken} of {rows.length} can be imported
          </span>
        ) : null}
      </div>
      {rows === null ? (
        <p class="nothing">Choose a field for each column to see the first rows as they would be stored.</p>
      ) : rows.length === 0 ? (
        <p class="nothing">There are no rows below the column names.</p>
      ) : (
        <ul class="items sample">
          {rows.map((row) => (
            <li class="item-row">
              <span
                class={`dot tone-${row.ok ? 'good' : 'bad'}`}
                title={row.ok ? 'can be imported' : 'cannot be imported'}
              />
              <div>
                <span class="item-title">
                  <span class="clip">{row.title}</span>
                  <span class="quiet">row {row.row}</span>
                </span>
                {row.detail ? <span class="sub">{row.detail}</span> : null}
                {row.problems.map((text) => (
                  <p class="error">{text}</p>
                ))}
              </div>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const encodings: Record<string, string> = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16',
  'utf-16be': 'UTF-16',
  'windows-1252': 'Windows-1252',
  macintosh: 'Mac Roman',
  ibm850: 'Code page 850',
  'iso-8859-15': 'ISO-8859-15',
  'windows-1250': 'Windows-1250',
};
const encodingName = (name: string) => encodings[name] ?? name;

const delimiters: Record<string, string> = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
  '|': 'bars (|)',
};
const delimiterName = (delimiter: string) => delimiters[delimiter] ?? `“${delimiter}”`;
