import { CsvError, parse } from 'csv-parse';
import { RefusedError } from '../errors.ts';
import { dialectOf } from './dialect.ts';
import { type Encoding, encodingOf, HEAD_BYTES, joined, TextReader } from './encoding.ts';
import { notCsv } from './not-csv.ts';

/** `row` is the number a spreadsheet shows: the header is row 1, blank rows count. */
export type CsvRow = { row: number; cells: string[] };

export type CsvFile = {
  /** As written, one for each column; there may be blank and equal ones. */
  header: string[];
  headerRow: number;
  delimiter: string;
  /** Settled at the first character that is not plain ASCII; until then `utf-8`. */
  encoding(): Encoding;
  /** All rows that are not blank, cells as written. Ends with a RefusedError where the file breaks. */
  batches: AsyncGenerator<CsvRow[]>;
  /** For whoever does not read to the end. */
  close(): Promise<void>;
};

export type CsvOptions = {
  /** What the uploader says; else it is found out. */
  encoding?: Encoding;
  delimiter?: string;
  /** Refuses the whole file at the first character that cannot be read; else it stands there as U+FFFD. */
  strict?: boolean;
  batchSize?: number;
  maxRows?: number;
  maxColumns?: number;
  maxRowBytes?: number;
};

const PIECE = 64 * 1024;
/** Rows as large as they may be would make a batch of them anything but small. In characters. */
const LARGEST_BATCH = 2 * 1024 * 1024;

/**
 * Opens a CSV of unknown make as its bytes arrive, in memory that does not grow with it: one row, one batch and some
 * pieces of 64 KB. Throws RefusedError, with one sentence, for what is no CSV. What the source throws passes.
 */
export async function openCsv(source: AsyncIterable<Uint8Array>, options: CsvOptions = {}): Promise<CsvFile> {
  const bytes = source[Symbol.asyncIterator]();
  const close = async () => void (await bytes.return?.());
  try {
    const text = await openText(bytes, options);
    const { delimiter, rowEnds, skip } = dialectOf(text.head, options.delimiter);
    const rows = new RowReader(delimiter, rowEnds, options);
    const batches = readBatches(rows, text.pieces(skip), options.batchSize ?? 1_000, close);
    const first = await batches.next();
    if (first.done || !rows.header) throw new RefusedError(400, 'invalid_csv', 'The file is empty.');
    return { ...rows.header, delimiter, encoding: () => text.encoding, batches, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The decoded text, and a look at its beginning. */
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
  // A second look with a reader of its own: the first must not be asked to decide before its time.
  const looking = new TextReader(encoding ?? encodingOf(start));
  const cut = start.length < read.length || length >= HEAD_BYTES;
  const head = looking.push(start) + looking.end();
  const sentence = notCsv(start, cut ? head.replace(/\ufffd$/, '') : head);
  if (sentence) throw new RefusedError(400, 'not_csv', sentence);

  async function* pieces(skip: number): AsyncGenerator<string> {
    let left = skip;
    const decoded = (text: string) => {
      const skipped = Math.min(left, text.length);
      left -= skipped;
      if (strict && text.includes('\0')) throw new RefusedError(400, 'invalid_csv', NUL);
      return skipped === 0 ? text : text.slice(skipped);
    };
    for (const piece of cutUp(read)) yield decoded(reader.push(piece));
    for (let next = await bytes.next(); !next.done; next = await bytes.next())
      for (const piece of cutUp(next.value)) yield decoded(reader.push(piece));
    yield decoded(reader.end());
  }
  return {
    head,
    pieces,
    get encoding() {
      return reader.encoding;
    },
  };
}

const NUL = 'The file holds NUL bytes: it is not a CSV.';

function* cutUp(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += PIECE) yield bytes.subarray(i, i + PIECE);
}

/** The first batch is empty, and there once the header is known. */
async function* readBatches(
  rows: RowReader,
  pieces: AsyncGenerator<string>,
  size: number,
  close: () => Promise<void>,
): AsyncGenerator<CsvRow[]> {
  let told = false;
  try {
    let ended = false;
    while (!ended) {
      let failure: unknown = null;
      try {
        const piece = await pieces.next();
        ended = piece.done === true;
        await rows.take(piece.done ? null : piece.value);
      } catch (error) {
        failure = error ?? new Error('The file broke off.');
      }
      if (rows.header && !told && !failure) {
        told = true;
        yield [];
      }
      // Full batches first, also where the file breaks: what is handed out must not depend on how it was cut.
      while (rows.ready.length >= size || rows.readyLength >= LARGEST_BATCH) yield rows.handOut(size);
      if (failure) throw readable(failure, rows);
    }
    if (rows.ready.length > 0) yield rows.ready;
  } finally {
    await close();
  }
}

/** csv-parse, fed piece by piece, with a bound on what one row may hold. */
class RowReader {
  header: { header: string[]; headerRow: number } | null = null;
  ready: CsvRow[] = [];
  /** Of their texts, in characters. */
  readyLength = 0;
  /** The number of the row being read. */
  next = 1;
  #count = 0;
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
      // Null: nothing is kept in the parser's own queue.
      on_record: (cells: string[]) => this.#row(cells),
    });
    // Told by `take`.
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
        // Delimiters and quotes are not counted by max_record_size.
        if (!error && this.#sinceRow > 4 * this.limits.maxRowBytes + PIECE) done(tooLarge(this));
        else done(error);
      });
    });
  }

  #row(cells: string[]): null {
    this.#sinceRow = 0;
    // The parser builds an error, with its stack, for each row not as long as the first. Told that each is the first, it
    // does not, and ragged rows are as fast as others.
    (this.#parser.info as { records: number }).records = 0;
    const row = this.next;
    if (cells.length > this.limits.maxColumns) throw tooLarge(this);
    this.next += 1;
    if (cells.every((cell) => cell === '' || cell.trim() === '')) return null;
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

const tooLarge = ({ next, limits: { maxColumns, maxRowBytes } }: RowReader) =>
  new RefusedError(
    400,
    'invalid_csv',
    `Row ${next} is too large (at most ${maxColumns} cells and ${maxRowBytes} bytes). Perhaps a quote is opened there and never closed.`,
  );

/** What the parser says, in words for the uploader. What the source throws is its own. */
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
