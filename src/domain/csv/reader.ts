import { CsvError, parse } from 'csv-parse';
import { RefusedError } from '../errors.ts';
import { dialectOf } from './dialect.ts';
import { type Encoding, encodingOf, HEAD_BYTES, joined, TextReader } from './encoding.ts';
import { notCsv } from './not-csv.ts';

/** `row` is the row number as a spreadsheet shows it: the header is row 1, and blank rows count. */
export type CsvRow = { row: number; cells: string[] };

export type CsvFile = {
  /** Column names as written; they may be blank or repeated. */
  header: string[];
  headerRow: number;
  delimiter: string;
  /** Final once the first non-ASCII character was read; `utf-8` before. */
  encoding(): Encoding;
  /** All non-blank rows, cells as written. Throws RefusedError where the file is malformed. */
  batches: AsyncGenerator<CsvRow[]>;
  /** Releases the source. Required when the batches are not read to the end. */
  close(): Promise<void>;
};

export type CsvOptions = {
  /** As named by the uploader; detected when absent. */
  encoding?: Encoding;
  delimiter?: string;
  /** Refuses the file at the first invalid character, which otherwise becomes U+FFFD. */
  strict?: boolean;
  batchSize?: number;
  maxRows?: number;
  maxColumns?: number;
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
    const { delimiter, rowEnds, skip } = dialectOf(text.head, options.delimiter);
    const rows = new RowReader(delimiter, rowEnds, options);
    const steps = inSteps(rows, text.chunks(skip), options.pace ?? atOnce);
    const batches = readBatches(rows, steps, options.batchSize ?? 1_000, close);
    const first = await batches.next();
    if (first.done || !rows.header) throw new RefusedError(400, 'invalid_csv', 'The file is empty.');
    return { ...rows.header, delimiter, encoding: () => text.encoding, batches, close };
  } catch (error) {
    await close();
    throw error;
  }
}

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
  const reader = new TextReader(encoding ?? encodingOf(start), { strict });
  // The head gets a reader of its own: ending the main reader here would settle its encoding too early.
  const headReader = new TextReader(encoding ?? encodingOf(start));
  const cut = start.length < read.length || length >= HEAD_BYTES;
  const head = headReader.push(start) + headReader.end();
  const sentence = notCsv(start, cut ? head.replace(/\ufffd$/, '') : head);
  if (sentence) throw new RefusedError(400, 'not_csv', sentence);

  async function* chunks(skip: number): AsyncGenerator<string> {
    let left = skip;
    const decoded = (text: string) => {
      const skipped = Math.min(left, text.length);
      left -= skipped;
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
    chunks,
    get encoding() {
      return reader.encoding;
    },
  };
}

const NUL = 'The file contains NUL bytes: it is not a CSV.';

function* split(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += CHUNK_BYTES) yield bytes.subarray(i, i + CHUNK_BYTES);
}

/** Feeds the text to the parser step by step. */
async function* inSteps(rows: RowReader, chunks: AsyncGenerator<string>, pace: Pace): AsyncGenerator<void> {
  for await (const chunk of chunks) {
    for (let first = 0; first < chunk.length; ) {
      const cut = first + STEP;
      // A pair of surrogates is one character.
      const end = /[\uD800-\uDBFF]/.test(chunk[cut - 1] ?? '') ? cut + 1 : cut;
      const step = chunk.slice(first, end);
      await pace(() => rows.take(step));
      first = end;
    }
    yield;
  }
  await pace(() => rows.take(null));
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

/** Feeds csv-parse chunk by chunk and limits the size of a row. */
class RowReader {
  header: { header: string[]; headerRow: number } | null = null;
  ready: CsvRow[] = [];
  /** Sum of the cells of `ready`, in characters. */
  readyLength = 0;
  /** Number of the row being read. */
  next = 1;
  #count = 0;
  #blank = 0;
  #sinceRow = 0;
  readonly limits;
  readonly #parser;

  constructor(delimiter: string, rowEnds: string[], options: CsvOptions) {
    const { maxRows = Number.POSITIVE_INFINITY, maxColumns = 500, maxRowBytes = 256 * 1024 } = options;
    this.limits = { maxRows, maxColumns, maxRowBytes };
    this.#parser = parse({
      delimiter,
      record_delimiter: rowEnds,
      ltrim: !/\s/.test(delimiter),
      relax_column_count: true,
      relax_quotes: true,
      max_record_size: maxRowBytes,
      // Returns null, so that the parser's own queue stays empty.
      on_record: (cells: string[]) => this.#row(cells),
    });
    // `take` rejects with the error; without a listener it would also be thrown.
    this.#parser.on('error', () => undefined);
  }

  handOut(size: number): CsvRow[] {
    const rows = this.ready.splice(0, size);
    this.readyLength = this.ready.length === 0 ? 0 : this.readyLength - lengthOf(rows);
    return rows;
  }

  take(text: string | null): Promise<void> {
    if (text === '') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(error) : resolve());
      if (text === null) {
        this.#parser.once('error', reject);
        this.#parser.end(done);
        return;
      }
      this.#sinceRow += text.length;
      this.#parser.write(text, (error) => {
        // max_record_size does not count delimiters and quotes.
        if (!error && this.#sinceRow > 4 * this.limits.maxRowBytes + CHUNK_BYTES) done(tooLarge(this));
        else done(error);
      });
    });
  }

  #row(cells: string[]): null {
    this.#sinceRow = 0;
    // The parser builds an error with a stack for each row whose length differs from the first row's. Resetting the
    // counter makes every row the first, so that ragged rows parse as fast as others.
    (this.#parser.info as { records: number }).records = 0;
    const row = this.next;
    if (cells.length > this.limits.maxColumns) throw tooLarge(this);
    this.next += 1;
    if (cells.every((cell) => cell === '' || cell.trim() === '')) {
      this.#blank += 1;
      if (this.#blank > MOST_BLANK_ROWS) throw tooBlank();
      return null;
    }
    if (!this.header) {
      this.header = { header: cells.map((name) => name.trim()), headerRow: row };
      return null;
    }
    this.#count += 1;
    if (this.#count > this.limits.maxRows) throw tooMany(this.limits.maxRows);
    this.ready.push({ row, cells });
    for (const cell of cells) this.readyLength += cell.length;
    return null;
  }
}

function lengthOf(rows: readonly CsvRow[]): number {
  let length = 0;
  for (const { cells } of rows) for (const cell of cells) length += cell.length;
  return length;
}

const tooMany = (maxRows: number) =>
  new RefusedError(413, 'too_large', `The file has more than ${maxRows} rows. Split it into several files.`);

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

/** Turns parser errors into a RefusedError for the uploader. Returns other errors, which come from the source, as is. */
function readable(error: unknown, rows: RowReader): unknown {
  const row = rows.next;
  const { code } = error as { code?: string };
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return new RefusedError(
      400,
      'invalid_csv',
      `The file is damaged near row ${row}: its text cannot be read.`,
    );
  if (!(error instanceof CsvError)) return error;
  if (code === 'CSV_QUOTE_NOT_CLOSED')
    return new RefusedError(400, 'invalid_csv', `A quote is opened in row ${row} and never closed.`);
  if (code === 'CSV_MAX_RECORD_SIZE') return tooLarge(rows);
  return new RefusedError(400, 'invalid_csv', `Row ${row} cannot be read as CSV.`);
}
