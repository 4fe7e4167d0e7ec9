import { isMarked } from '../cell.ts';
import { type CodePage, isCodePage } from './code-pages.ts';
import type { HeadRow } from './dialect.ts';
import {
  type ColumnGuess,
  checkMapping,
  guessMapping,
  headerKey,
  type Known,
  looksLikeData,
  type Mapping,
} from './mapping.ts';
import { type CsvOptions, type CsvRow, openCsv } from './reader.ts';
import { type JudgedRow, rowJudge, warningsOf } from './rows.ts';
import { REASON_COLUMN } from './write.ts';

/** What the upload page shows before anything is stored. */
export type CsvPreview = {
  encoding: string;
  /** The encodings that fit the file, when several do, with words of its start as each reads them. */
  readings: { encoding: CodePage; words: string[] }[];
  delimiter: string;
  /** The row of the column names; 0 when none holds them. Rows before it are not imported. */
  headerRow: number;
  /** The first rows that are not blank, at most 20, whatever they hold. */
  firstRows: readonly HeadRow[];
  columns: (ColumnGuess & { header: string })[];
  /** Key under which the company's mapping of these columns is stored. */
  key: string;
  /** The first row seems to hold data instead of column names; it is imported, unless the uploader named it as header. */
  looksLikeData: boolean;
  /** The first rows, cells as written. */
  rows: CsvRow[];
  /** The leads or errors these rows would yield. Null when the mapping is incomplete; `problem` says what is missing. */
  sample: JudgedRow[] | null;
  problem: string | null;
  /** Columns that hold something in these rows and that no field is made of. */
  dropped: { column: number; header: string }[];
  /** The number of these rows that would be stored with a warning, by field; null like `sample`. */
  warnings: Record<string, number> | null;
};

export type PreviewOptions = Known &
  Pick<CsvOptions, 'encoding' | 'delimiter' | 'headerRow' | 'maxColumns' | 'maxRowBytes' | 'pace'> & {
    rows?: number;
    /** Encodings that fit as well as `encoding`, where the uploader has named none. */
    otherEncodings?: readonly CodePage[];
    /** Looks up the company's stored mapping by `headerKey`. */
    remembered?: (key: string) => Promise<unknown> | unknown;
    /** The mapping as corrected by the uploader. */
    mapping?: unknown;
  };

/** Reads only the first rows. Throws RefusedError when the file is not CSV or the corrected mapping is invalid. */
export async function previewCsv(
  source: AsyncIterable<Uint8Array>,
  { rows: wanted = 20, otherEncodings = [], remembered, mapping: corrected, ...options }: PreviewOptions,
): Promise<CsvPreview> {
  const file = await openCsv(source, { ...options, batchSize: wanted });
  try {
    const { value } = await file.batches.next();
    const rows: CsvRow[] = (value ?? []).slice(0, wanted);
    const { header, headerRow } = file;
    const key = headerKey(header);
    const guesses = guessMapping(
      header,
      rows.map(({ cells }) => cells),
      options,
    );
    const known =
      corrected === undefined
        ? // Files without column names are not alike because they have as many columns.
          usable(headerRow === 0 ? null : await remembered?.(key), header)
        : checkMapping(corrected, header);
    const columns = header.map((name, i): ColumnGuess & { header: string } =>
      known
        ? { header: name, target: known[i] ?? null, confidence: 1, because: 'remembered' }
        : { header: name, ...guesses[i]! },
    );
    const { mapping, problem } = complete(
      columns.map(({ target }) => target),
      header,
    );
    const sample = mapping ? rows.map(rowJudge(header, mapping, options.region)) : null;
    const encoding = file.encoding();
    const fitting = isCodePage(encoding) && otherEncodings.length > 0 ? [encoding, ...otherEncodings] : [];
    return {
      encoding,
      readings: fitting.map((page) => ({ encoding: page, words: file.wordsIn(page) })),
      delimiter: file.delimiter,
      headerRow,
      firstRows: file.firstRows,
      columns,
      key,
      looksLikeData: looksLikeData(headerRow === 0 ? (rows[0]?.cells ?? []) : header, options.region),
      rows,
      sample,
      problem,
      dropped: columns.flatMap(({ header: name, target }, column) =>
        target === null && name !== REASON_COLUMN && rows.some(({ cells }) => !isMarked(cells[column] ?? ''))
          ? [{ column, header: name }]
          : [],
      ),
      warnings: sample && warningsOf(sample),
    };
  } finally {
    await file.close();
  }
}

/**
 * Returns the stored mapping, or null when it does not fit: it may have been stored by an older release. A file of
 * rejected rows has the same key as its original file, and one column more.
 */
function usable(remembered: unknown, header: readonly string[]): Mapping | null {
  if (!Array.isArray(remembered)) return null;
  const corrected = header.at(-1) === REASON_COLUMN;
  const columns = corrected ? header.length - 1 : header.length;
  const mapping = [...remembered.slice(0, columns), ...(corrected ? [null] : [])];
  return complete(mapping, header).mapping;
}

function complete(
  mapping: unknown,
  header: readonly string[],
): { mapping: Mapping | null; problem: string | null } {
  try {
    return { mapping: checkMapping(mapping, header), problem: null };
  } catch (error) {
    return { mapping: null, problem: (error as Error).message };
  }
}
