import { RefusedError } from '../errors.ts';
import type { CodePage } from './code-pages.ts';
import { type Dialect, dialectOf, type HeadRow, isBlankRow } from './dialect.ts';
import { type Encoding, encodingOf, HEAD_BYTES, joined, TextReader, wordsIn } from './encoding.ts';
import { type FieldOfCell, leadField } from './header-row.ts';
import { notCsv } from './not-csv.ts';
import { LineTooLongError, Records, type TextRow } from './records.ts';

/**
 * `row` is the row number as a spreadsheet shows it: blank rows count. `problem`: why the row cannot be read, as a
 * sentence without its subject.
 */
export type CsvRow = { row: number; cells: string[]; problem?: string };

export type CsvFile = {
  /** Column names as written; they may be blank or repeated. `Column 1` and so on when no row holds them. */
  header: string[];
  /** The row of the column names, 0 when there is none. Rows before it are not among the batches. */
  headerRow: number;
  /** The first rows that are not blank, at most 20, whatever they hold. */
  firstRows: readonly HeadRow[];
  delimiter: string;
  /** Final once the first non-ASCII character was read; `utf-8` before. */
  encoding(): Encoding;
  /** Other encodings that fit as well, once the first non-ASCII character was read. */
  otherEncodings(): readonly CodePage[];
  /** Words of the start of the file as an encoding reads them; none when it has only ASCII. */
  wordsIn(encoding: CodePage): string[];
  /** All non-blank rows, cells as written. Throws RefusedError where the file is malformed. */
  batches: AsyncGenerator<CsvRow[]>;
  /** Releases the source. Required when the batches are not read to the end. */
  close(): Promise<void>;
};

export type CsvOptions = {
  /** As named by the uploader; detected when absent. */
  encoding?: Encoding;
  delimiter?: string;
  /** The row of the column names; 0: none, `first`: the first that is not blank. Detected when absent. */
  headerRow?: number | 'first';
  /** The columns by which the header is recognised; the fields of leads by default. */
  fieldOf?: FieldOfCell;
  /** Refuses the file at the first invalid character, which otherwise becomes U+FFFD. */
  strict?: boolean;
  batchSize?: number;
  maxRows?: number;
  maxColumns?: number;
  /** Characters of a row. */
  maxRowBytes?: number;
  /** Runs each step of parsing, a few milliseconds long, when it is this file's turn; at once by default. */
  pace?: Pace;
};

export type Pace = <T>(step: () => Promise<T>) => Promise<T>;

const CHUNK_BYTES = 64 * 1024;
/** Characters parsed in one step. They can be as many rows, each of which takes some microseconds. */
const STEP = 4_096;
/** Spreadsheets end at 1,048,576 rows, and some export all of them. */
const MOST_BLANK_ROWS = 1_200_000;
/** Limit of a batch's cells in characters; a thousand rows of the largest size would not fit in memory. */
const LARGEST_BATCH = 2 * 1024 * 1024;
const LARGEST_ROW = 256 * 1024;

/**
 * Opens a CSV of unknown dialect and encoding while its bytes arrive. Memory does not grow with the file: one row, one
 * batch and some chunks of 64 KB. Throws RefusedError with one sentence when the file is not CSV; errors of the
 * source propagate.
 */
export async function openCsv(source: AsyncIterable<Uint8Array>, options: CsvOptions = {}): Promise<CsvFile> {
  const bytes = source[Symbol.asyncIterator]();
  const close = async () => void (await bytes.return?.());
  try {
    const text = await openText(bytes, options);
    const dialect = dialectIn(text, options);
    const rows = new RowReader(dialect, options);
    const steps = inSteps(rows, text.chunks(dialect.skip), options.pace ?? atOnce);
    const batches = readBatches(rows, steps, options.batchSize ?? 1_000, close);
    const first = await batches.next();
    if (first.done || !rows.header) throw noHeader(rows, dialect);
    return {
      header: rows.header,
      headerRow: rows.headerRow ?? 1,
      firstRows: dialect.rows,
      delimiter: dialect.delimiter,
      encoding: () => text.encoding,
      otherEncodings: () => text.others,
      wordsIn: (encoding) => wordsIn(text.sample, encoding),
      batches,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function dialectIn({ head, cut }: { head: string; cut: boolean }, options: CsvOptions): Dialect {
  const { delimiter, headerRow, fieldOf = leadField, maxRowBytes = LARGEST_ROW } = options;
  return dialectOf(head, { delimiter, headerRow, fieldOf, maxRow: maxRowBytes, cut });
}

const noHeader = ({ headerRow }: RowReader, { rows }: Dialect): RefusedError =>
  rows.length > 0 && headerRow !== null
    ? new RefusedError(
        400,
        'invalid_csv',
        `The file has no row ${headerRow}, so there are no column names in it.`,
      )
    : new RefusedError(400, 'invalid_csv', 'The file is empty.');

/** Decodes the source; `head` is the decoded start of the text, from which the dialect is detected. */
async function openText(bytes: AsyncIterator<Uint8Array>, { encoding, strict = false }: CsvOptions) {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const next = await bytes.next();
    if (next.done) break;
    parts.push(next.value);
    length += next.value.length;
  }
  const read = joined(parts);
  const start = read.subarray(0, HEAD_BYTES);
  const marked = encodingOf(start);
  // A byte order mark says which of the two a file in UTF-16 is, and that it is not in UTF-8.
  const known = encoding?.startsWith('utf-') && marked?.startsWith('utf-16') ? marked : (encoding ?? marked);
  const reader = new TextReader(known, { strict });
  // The head gets a reader of its own: ending the main reader here would settle its encoding too early.
  const headReader = new TextReader(known);
  const cut = start.length < read.length || length >= HEAD_BYTES;
  const decoded = headReader.push(start) + headReader.end();
  const head = cut ? decoded.replace(/\ufffd$/, '') : decoded;
  const sentence = notCsv(start, head);
  if (sentence) throw new RefusedError(400, 'not_csv', sentence);
  if (headReader.isOtherScript) throw otherScript();

  async function* chunks(skip: number): AsyncGenerator<string> {
    let left = skip;
    const decoded = (text: string) => {
      const skipped = Math.min(left, text.length);
      left -= skipped;
      if (reader.isOtherScript) throw otherScript();
      if (strict && text.includes('\0')) throw new RefusedError(400, 'invalid_csv', NUL);
      return skipped === 0 ? text : text.slice(skipped);
    };
    for (const chunk of split(read)) yield decoded(reader.push(chunk));
    for (let next = await bytes.next(); !next.done; next = await bytes.next())
      for (const chunk of split(next.value)) yield decoded(reader.push(chunk));
    yield decoded(reader.end());
  }
  return {
    head,
    cut,
    sample: start,
    chunks,
    get encoding() {
      return reader.encoding;
    },
    get others() {
      return reader.others;
    },
  };
}

const otherScript = (): RefusedError =>
  new RefusedError(
    400,
    'invalid_csv',
    'The letters of the file cannot be read: they seem to be Cyrillic, Greek or Asian ones in an older encoding. Save it as UTF-8 (in Excel, “CSV UTF-8”) and upload it again.',
  );

const NUL = 'The file contains NUL bytes: it is not a CSV.';

function* split(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += CHUNK_BYTES) yield bytes.subarray(i, i + CHUNK_BYTES);
}

/** Feeds the text to the parser step by step. */
async function* inSteps(rows: RowReader, chunks: AsyncGenerator<string>, pace: Pace): AsyncGenerator<void> {
  for await (const chunk of chunks) {
    for (let first = 0; first < chunk.length; first += STEP) {
      const step = chunk.slice(first, first + STEP);
      await pace(async () => rows.take(step));
    }
    yield;
  }
  await pace(async () => rows.take(null));
}

const atOnce: Pace = (step) => step();

/** Yields an empty first batch as soon as the header is known. */
async function* readBatches(
  rows: RowReader,
  steps: AsyncGenerator<void>,
  size: number,
  close: () => Promise<void>,
): AsyncGenerator<CsvRow[]> {
  let headerYielded = false;
  try {
    let ended = false;
    while (!ended) {
      let failure: unknown = null;
      try {
        ended = (await steps.next()).done === true;
      } catch (error) {
        failure = error ?? new Error('The source failed without a reason.');
      }
      if (rows.header && !headerYielded && !failure) {
        headerYielded = true;
        yield [];
      }
      // Full batches are yielded even when the file is malformed later, so that the result does not depend on the
      // chunk boundaries.
      while (rows.ready.length >= size || rows.readyLength >= LARGEST_BATCH) yield rows.handOut(size);
      if (failure) throw readable(failure, rows);
    }
    if (rows.ready.length > 0) yield rows.ready;
  } finally {
    await close();
  }
}

/** Reads rows from text as it arrives, finds the header among them and keeps to the limits. */
class RowReader {
  header: string[] | null = null;
  /** Null until the first row that is not blank, where that is the header. */
  headerRow: number | null;
  ready: CsvRow[] = [];
  /** Sum of the cells of `ready`, in characters. */
  readyLength = 0;
  /** Number of the row being read. */
  next = 1;
  #count = 0;
  #blank = 0;
  readonly limits;
  readonly #records: Records;

  constructor({ delimiter, crEnds, headerRow, unnamed, skip }: Dialect, options: CsvOptions) {
    const { maxRows = Number.POSITIVE_INFINITY, maxColumns = 500, maxRowBytes = LARGEST_ROW } = options;
    this.limits = { maxRows, maxColumns, maxRowBytes };
    this.headerRow = headerRow;
    this.#records = new Records({ delimiter, crEnds, maxRow: maxRowBytes }, skip > 0 ? 2 : 1);
    if (headerRow === 0) this.#begin(unnamed);
  }

  handOut(size: number): CsvRow[] {
    const rows = this.ready.splice(0, size);
    this.readyLength = this.ready.length === 0 ? 0 : this.readyLength - lengthOf(rows);
    return rows;
  }

  /** `null`: the text has ended. */
  take(text: string | null): void {
    if (text !== null) this.#records.push(text);
    for (let row = this.#records.next(text === null); row; row = this.#records.next(text === null))
      this.#row(row);
  }

  #row({ cells, problem }: TextRow): void {
    const row = this.next;
    if (cells.length > this.limits.maxColumns) {
      if (!problem) throw tooLarge(this);
      cells.length = this.limits.maxColumns;
    }
    this.next += 1;
    const blank = isBlankRow(cells);
    if (!blank) this.headerRow ??= row;
    if (row === this.headerRow) {
      if (problem) throw badHeader(row, problem);
      if (blank) throw blankHeader(row);
      this.#begin(cells.map((name) => name.trim()));
      return;
    }
    if (blank) {
      this.#blank += 1;
      if (this.#blank > MOST_BLANK_ROWS) throw tooBlank();
      return;
    }
    if (!this.header) return;
    this.#count += 1;
    if (this.#count > this.limits.maxRows) throw tooMany(this.limits.maxRows);
    this.ready.push(problem === undefined ? { row, cells } : { row, cells, problem });
    for (const cell of cells) this.readyLength += cell.length;
  }

  #begin(header: string[]): void {
    this.header = header;
    this.#records.columns = header.length;
  }
}

function lengthOf(rows: readonly CsvRow[]): number {
  let length = 0;
  for (const { cells } of rows) for (const cell of cells) length += cell.length;
  return length;
}

const tooMany = (maxRows: number) =>
  new RefusedError(413, 'too_large', `The file has more than ${maxRows} rows. Split it into several files.`);

const badHeader = (row: number, problem: string) =>
  new RefusedError(400, 'invalid_csv', `The column names cannot be read: row ${row} ${problem}.`);

const blankHeader = (row: number) =>
  new RefusedError(
    400,
    'invalid_csv',
    `Row ${row} is blank, so there are no column names in it. Name another row.`,
  );

const tooBlank = () =>
  new RefusedError(
    400,
    'invalid_csv',
    `The file has more than ${MOST_BLANK_ROWS} blank rows. Delete them, then upload the file again.`,
  );

const tooLarge = ({ next, limits: { maxColumns, maxRowBytes } }: RowReader) =>
  new RefusedError(
    400,
    'invalid_csv',
    `Row ${next} is too large (at most ${maxColumns} cells and ${maxRowBytes} bytes). Perhaps a quote is opened there and never closed.`,
  );

/** Turns errors of reading into a RefusedError for the uploader. Returns other errors, which come from the source, as is. */
function readable(error: unknown, rows: RowReader): unknown {
  if (error instanceof LineTooLongError) return tooLarge(rows);
  if ((error as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return new RefusedError(
      400,
      'invalid_csv',
      `The file is damaged near row ${rows.next}: its text cannot be read. Save it as UTF-8 and upload it again.`,
    );
  return error;
}
