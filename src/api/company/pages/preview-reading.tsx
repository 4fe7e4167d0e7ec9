import type { PreviewView } from '../view-types.ts';

/** Says which rows are left out because they stand before the column names. */
export function HeaderNote({ preview: { headerRow, firstRows } }: { preview: PreviewView }) {
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

/** For a file whose encoding, delimiter or header was detected wrongly. */
export function Dialect({ preview, path }: { preview: PreviewView; path: string }) {
  const { dialect, readings, firstRows } = preview;
  const named = dialect.headerRow ?? 0;
  const headerRows =
    named === 0 || firstRows.some(({ row }) => row === named)
      ? firstRows
      : [...firstRows, { row: named, text: '' }];
  const choice = (name: string, label: string, chosen: string, options: [string, string][]) => (
    <div class="form-field">
      <label for={name}>{label}</label>
      <select class="select" id={name} name={name} data-commit>
        {options.map(([value, text]) => (
          <option value={value} selected={value === chosen}>
            {text}
          </option>
        ))}
      </select>
    </div>
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
        <button
          type="submit"
          class="btn"
          data-variant="outline"
          formaction={`${path}/preview`}
          formnovalidate
        >
          Read again
        </button>
      </div>
    </details>
  );
}

const delimiterNames: Record<string, string> = { ',': ',', ';': ';', '\t': 'tab', '|': '|' };

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
export const encodingName = (name: string) => encodings[name] ?? name;

const delimiters: Record<string, string> = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
  '|': 'bars (|)',
};
export const delimiterName = (delimiter: string) => delimiters[delimiter] ?? `“${delimiter}”`;
