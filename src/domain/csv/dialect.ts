/** What stands between two cells. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;

export type Dialect = {
  delimiter: string;
  /** What ends a row. */
  rowEnds: string[];
  /** How much of the text's start is Excel's `sep=;` line, which is no row. */
  skip: number;
};

/** Reads it from the first of the text; a delimiter the uploader named stands. */
export function dialectOf(head: string, named?: string): Dialect {
  const sep = /^"?sep=([^"\r\n])"?[ ,;\t|]*(\r\n|\n|\r|$)/i.exec(head);
  const skip = sep?.[0].length ?? 0;
  const text = head.slice(skip);
  return { delimiter: named ?? sep?.[1] ?? delimiterOf(text), rowEnds: rowEndsOf(text), skip };
}

/** A lone CR ends rows only where nothing else does: else it is a stray character within a cell. */
function rowEndsOf(text: string): string[] {
  const plain = unquoted(text);
  if (!plain.includes('\n')) return ['\r\n', '\n', '\r'];
  // CR CR LF: a CRLF that was converted once more.
  return plain.includes('\r\r\n') ? ['\r\r\n', '\r\n', '\n'] : ['\r\n', '\n'];
}

const ROWS_COUNTED = 50;

/** The one that cuts most rows into as many cells as the first; among equals the one that makes more cells. */
function delimiterOf(text: string): string {
  const rows = unquoted(text)
    .split(/\r\n|\n|\r/)
    .slice(0, ROWS_COUNTED + 1);
  // The last may be cut off by the end of what is looked at.
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

/** What is quoted says nothing about the shape: it is taken out. */
const unquoted = (text: string): string => text.replace(/"[^"]*("|$)/g, '');
