import { LEAD_FIELDS } from '../../../domain/lead/candidate.ts';
import { When } from '../../web/parts.tsx';
import { fieldLabels } from '../labels.ts';
import type { CompanyView, ImportView, PreviewView, SampleRow, Visit } from '../view-types.ts';
import { CompanyPage, count, fileSize, home, whole } from './frame.tsx';
import { Dialect, delimiterName, encodingName, HeaderNote } from './preview-reading.tsx';

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
    <CompanyPage title={file.fileName} visit={visit} company={company} tab="imports" still>
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
        <section class="panel" aria-labelledby="whole-title" data-checked="whole">
          <WholeFile preview={preview} file={file} />
        </section>
        <section class="panel" aria-labelledby="columns-title">
          <div class="panel-head">
            <h2 id="columns-title">Columns</h2>
            <span class="quiet">Your choices are remembered for the next file with these columns.</span>
          </div>
          <Columns preview={preview} company={company} />
        </section>
        <Dialect preview={preview} path={path} />
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
        <b>
          The same file was imported on <When at={props.sameFile.at} />.
        </b>{' '}
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

const because = {
  header: 'recognized by its name',
  values: 'recognized by its contents',
  remembered: 'as you chose before',
  chosen: 'your choice',
};

function Columns({ preview, company }: { preview: PreviewView; company: CompanyView }) {
  return (
    <table class="rows cards mapping">
      <thead>
        <tr>
          <th>Column</th>
          <th>Examples</th>
          <th>Import as</th>
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
                {column.because ? because[column.because] : 'not imported'}
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
              <ColumnSelect column={column} index={i} preview={preview} company={company} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type SelectProps = {
  column: PreviewView['columns'][number];
  index: number;
  preview: PreviewView;
  company: CompanyView;
};

function ColumnSelect({ column, index, preview, company }: SelectProps) {
  const target = column.target ?? '';
  const option = (value: string, label: string) => (
    <option value={value} selected={value === target}>
      {label}
    </option>
  );
  const groups = [
    { label: 'Fields', options: LEAD_FIELDS.map((field) => [field, fieldLabels[field]] as const) },
    { label: `${company.crm.label} fields`, options: crmOptions(preview) },
    { label: 'No field for it?', options: otherOptions(column, index, preview, company.crm.label) },
  ];
  const offered = groups.some(({ options }) => options.some(([value]) => value === target));
  return (
    <select class="select" id={`column-${index}`} name={`column-${index}`}>
      {option('', 'Don’t import')}
      {target !== '' && !offered ? option(target, `${nameOf(target)}: not in ${company.crm.label}`) : null}
      {groups
        .filter(({ options }) => options.length > 0)
        .map(({ label, options }) => (
          <optgroup label={label}>{options.map(([value, text]) => option(value, text))}</optgroup>
        ))}
    </select>
  );
}

type Options = (readonly [value: string, label: string])[];

const nameOf = (target: string) => target.replace(/^(custom|note|create|crm):/, '');

const crmOptions = ({ customFields, crm }: PreviewView): Options => [
  ...customFields.map((name) => [`custom:${name}`, name] as const),
  ...(crm?.fields ?? []).map(({ id, name }) => [`crm:${id}`, name] as const),
];

function otherOptions(
  { header, target }: PreviewView['columns'][number],
  index: number,
  { crm, customFields }: PreviewView,
  vendor: string,
): Options {
  const name = header.trim().slice(0, 180) || `Column ${index + 1}`;
  const taken = [...customFields, ...(crm?.fields ?? []).map((field) => field.name)];
  const isTaken = taken.some((other) => other.trim().toLowerCase() === name.toLowerCase());
  const chosen = [`create:${name}`, `note:${name}`].includes(target ?? '') ? null : target;
  const kept: Options =
    chosen?.startsWith('note:') || chosen?.startsWith('create:')
      ? [[chosen, `${chosen.startsWith('note:') ? 'Add to the notes' : 'Create'} as “${nameOf(chosen)}”`]]
      : [];
  return [
    ...(crm?.canCreate && !isTaken ? [[`create:${name}`, `Create “${name}” in ${vendor}`] as const] : []),
    [`note:${name}`, 'Add to the notes'],
    ...kept,
  ];
}

const warnings: Readonly<Record<string, (them: string) => string>> = {
  phone: (them) => `${them} a phone that is not valid: kept as typed, cannot be texted.`,
  email: (them) => `${them} an email address that cannot be read: imported without it.`,
  country: (them) => `${them} an unknown country, which a CRM that takes codes only is not sent.`,
};

const warningOf = (field: string, rows: number): string =>
  warnings[field]?.(`${whole(rows)} of the new ${rows === 1 ? 'has' : 'have'}`) ?? '';

const columnName = ({ column, header }: PreviewView['dropped'][number]): string =>
  header.trim() === '' ? `column ${column + 1}` : `“${header.trim().slice(0, 100)}”`;

/** What the import would do, counted over the file. */
function WholeFile({ preview, file }: { preview: PreviewView; file: ImportView }) {
  const { counted, dropped } = preview;
  return (
    <>
      <div class="panel-head">
        <h2 id="whole-title">What will happen</h2>
        {counted && !counted.complete ? (
          <span class="quiet">
            the first {whole(counted.rows)} of {count(file.totalRows, 'row')} were checked
          </span>
        ) : null}
      </div>
      {counted === null ? (
        <p class="nothing">The rows are counted once every column has a field.</p>
      ) : (
        <>
          <p class="padded counted">
            <b>{whole(counted.created)} new</b>, {count(counted.duplicates, 'duplicate')},{' '}
            <span class={counted.rejected > 0 ? 'error-text' : undefined}>
              {whole(counted.rejected)} rejected
            </span>
            .{Object.entries(counted.warnings).map(([field, rows]) => ` ${warningOf(field, rows)}`)}
          </p>
          {dropped.length > 0 ? (
            <p class="sub padded">Not imported: {dropped.map(columnName).join(', ')}.</p>
          ) : null}
          {counted.rejects.length > 0 ? (
            <details class="padded">
              <summary>
                {counted.rejects.length < counted.rejected
                  ? `See the first ${counted.rejects.length} rejected rows`
                  : 'See the rejected rows'}
              </summary>
              <SampleRows rows={counted.rejects} />
            </details>
          ) : null}
        </>
      )}
    </>
  );
}

function Sample({ preview: { rows } }: { preview: PreviewView }) {
  const taken = rows?.filter(({ state }) => state !== 'rejected').length ?? 0;
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
        <SampleRows rows={rows} />
      )}
    </>
  );
}

const faces = {
  ok: { tone: 'good', label: 'Ready' },
  odd: { tone: 'wait', label: 'Check' },
  rejected: { tone: 'bad', label: 'Has errors' },
};

function SampleRows({ rows }: { rows: readonly SampleRow[] }) {
  return (
    <ul class="items sample">
      {rows.map((row) => (
        <li class="item-row" data-sample={row.state}>
          <div>
            <span class="item-title">
              <span class="clip">{row.title}</span>
              <span class="quiet">row {row.row}</span>
            </span>
            {row.detail ? <span class="sub">{row.detail}</span> : null}
            {row.problems.map((text) => (
              <p class={row.state === 'odd' ? 'warning' : 'error'}>{text}</p>
            ))}
          </div>
          <span class={`state tone-${faces[row.state].tone}`}>{faces[row.state].label}</span>
        </li>
      ))}
    </ul>
  );
}
