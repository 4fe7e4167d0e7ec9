import { readLine } from './line.ts';

/** Whether a cell as a whole is an e-mail address or a phone, also with the guards that spreadsheets and Meta write before it. */
export function isContact(cell: string): boolean {
  const text = cell.slice(0, 80).replace(/^[\s"'=]*(?:[a-z]{1,2}:)?[\s'"]*|[\s"']+$/g, '');
  if (/^[^\s@,;]+@[^\s@,;]+\.[^\s@,;.]{2,}$/.test(text)) return true;
  if (!/^\+?[\d\s().\-/\u00a0]{7,25}$/.test(text) || /^\d{1,4}([-/.])\d{1,2}\1\d{1,4}(\s|$)/.test(text))
    return false;
  const digits = text.replace(/\D/g, '').length;
  return digits >= 7 && digits <= 15;
}

/**
 * Whether the lines of one row may be rows of their own, which a quote joins that was not closed: the first line and a
 * later one have as many cells as columns, and cells as the row of a person has them.
 */
export function mayBeRows(lines: readonly string[], delimiter: string, columns: number): boolean {
  if (columns < 2) return false;
  const [first, ...later] = lines.map((line) => line.split(delimiter));
  if (first === undefined || first.length < columns || !first.some(isWord)) return false;
  if (!first.some((cell) => cell === '' || isContact(cell))) return false;
  return later.some((cells, i) => isWhole(cells, columns) || beginsRow(lines[i + 1]!, delimiter));
}

const isWhole = (cells: readonly string[], columns: number): boolean =>
  cells.length >= columns &&
  cells.some(isWord) &&
  cells.some((cell, i) => isContact(cell) || (cell === '' && i < cells.length - 1));

/** Whether a line ends within a quoted cell that other cells precede. */
function beginsRow(line: string, delimiter: string): boolean {
  const read = readLine(line, delimiter, 'strict');
  return 'why' in read && read.why === 'open' && read.cells.some(isWord) && isWord(line.slice(read.at));
}

const isWord = (cell: string): boolean => /[\p{L}\d]{2}/u.test(cell);
