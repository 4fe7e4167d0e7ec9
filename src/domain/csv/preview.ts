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
import { type JudgedRow, rowJudge } from './rows.ts';
import { REASON_COLUMN } from './write.ts';

/** All an upload page shows before anything is stored. */
export type CsvPreview = {
  encoding: string;
  delimiter: string;
  columns: (ColumnGuess & { header: string })[];
  /** Under which the company's mapping of these columns is remembered. */
  key: string;
  /** The first row seems to be no header. */
  looksLikeData: boolean;
  /** The first rows, as they came. */
  rows: CsvRow[];
  /** What would become of them; null: the mapping lacks what a lead needs, which `problem` names. */
  sample: JudgedRow[] | null;
  problem: string | null;
};

export type PreviewOptions = Known &
  Pick<CsvOptions, 'encoding' | 'delimiter' | 'maxColumns' | 'maxRowBytes'> & {
    rows?: number;
    /** What the company said of these columns before, by `headerKey`. */
    remembered?: (key: string) => Promise<unknown> | unknown;
    /** What the uploader corrects now. */
    mapping?: unknown;
  };

/** Reads no more than the first rows. Throws RefusedError for what is no CSV, or for a wrong correction. */
export async function previewCsv(
  source: AsyncIterable<Uint8Array>,
  { rows: wanted = 20, remembered, mapping: corrected, ...options }: PreviewOptions,
): Promise<CsvPreview> {
  const file = await openCsv(source, { ...options, batchSize: wanted });
  try {
    const { value } = await file.batches.next();
    const rows: CsvRow[] = (value ?? []).slice(0, wanted);
    const { header } = file;
    const key = headerKey(header);
    const guesses = guessMapping(
      header,
      rows.map(({ cells }) => cells),
      options,
    );
    const known =
      corrected === undefined ? usable(await remembered?.(key), header) : checkMapping(corrected, header);
    const columns = header.map((name, i): ColumnGuess & { header: string } =>
      known
        ? { header: name, target: known[i] ?? null, confidence: 1, because: 'remembered' }
        : { header: name, ...guesses[i]! },
    );
    const { mapping, problem } = complete(
      columns.map(({ target }) => target),
      header,
    );
    return {
      encoding: file.encoding(),
      delimiter: file.delimiter,
      columns,
      key,
      looksLikeData: looksLikeData(header, options.region),
      rows,
      sample: mapping ? rows.map(rowJudge(header, mapping, options.region)) : null,
      problem,
    };
  } finally {
    await file.close();
  }
}

/**
 * What was remembered may come from an older release and not fit any more. A file of rejected rows has the key of the
 * file it came from, and one column more.
 */
function usable(remembered: unknown, header: readonly string[]): Mapping | null {
  if (!Array.isArray(remembered)) return null;
  const ours = header.at(-1) === REASON_COLUMN;
  const columns = ours ? header.length - 1 : header.length;
  const mapping = [...remembered.slice(0, columns), ...(ours ? [null] : [])];
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
