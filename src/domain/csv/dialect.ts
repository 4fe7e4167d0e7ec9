/** Cell separators that are recognised without being named by the uploader. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;

export type Dialect = {
  delimiter: string;
  /** Record delimiters, longest first. */
  rowEnds: string[];
  /** Length of Excel's `sep=;` line at the start of the text, in characters; it is not a row. */
  skip: number;
};

/** Detects the dialect from the start of the text. A delimiter named by the uploader takes precedence. */
export function dialectOf(head: string, named?: string): Dialect {
  const sep = /^"?sep=([^"\r\n])"?[ ,;\t|]*(\r\n|\n|\r|$)/i.exec(head);
  const skip = sep?.[0].length ?? 0;
  const text = head.slice(skip);
  return { delimiter: named ?? sep?.[1] ?? delimiterOf(text), rowEnds: rowEndsOf(text), skip };
}

/** A lone CR ends rows only in files without LF; otherwise it is a stray character within a cell. */
function rowEndsOf(text: string): string[] {
  const plain = unquoted(text);
  if (!plain.includes('\n')) return ['\r\n', '\n', '\r'];
  // CR CR LF: a CRLF file that was converted to CRLF a second time.
  return plain.includes('\r\r\n') ? ['\r\r\n', '\r\n', '\n'] : ['\r\n', '\n'];
}

const ROWS_COUNTED = 50;

/**
 * Picks the delimiter that splits most rows into as many cells as the first row. Ties go to the delimiter that
 * yields more cells.
 */
function delimiterOf(text: string): string {
  const rows = unquoted(text)
    .split(/\r\n|\n|\r/)
    .slice(0, ROWS_COUNTED + 1);
  // The last row may be truncated at the end of the sample.
  if (rows.length > 1) rows.pop();
  const filled = rows.filter((row) => row.trim() !== '');
  let best = { delimiter: ',', share: 0, cells: 0 };
  for (const delimiter of DELIMITERS) {
    const counts = filled.map((row) => row.split(delimiter).length);
    const cells = counts[0] ?? 1;
    if (cells === 1) continue;
    const share = counts.filter((count) => count === cells).length / counts.length;
    if (share > best.share || (share === best.share && cells > best.cells))
      best = { delimiter, share, cells };
  }
  return best.delimiter;
}

/** Removes quoted text, which may contain delimiters and line breaks of its own. */
const unquoted = (text: string): string => text.replace(/"[^"]*("|$)/g, '');
