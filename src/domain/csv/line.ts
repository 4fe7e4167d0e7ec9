/**
 * How a quote is read that RFC 4180 does not allow within a quoted cell. `strict`: the line is not read. `inside`: it is
 * part of the quoted cell. `literal`: the cell is not quoted. `open`: as `literal`, and so is a cell that is not closed.
 */
export type Reading = 'strict' | 'inside' | 'literal' | 'open';

export type LineCells = {
  cells: string[];
  /** A quoted cell holds an odd number of quotes that are not doubled. */
  odd: boolean;
  /** The last cell is quoted and holds quotes that are not doubled. */
  strayLast: boolean;
  /** A quoted cell holds such quotes and delimiters: it may be several cells. */
  wide: boolean;
  /** A cell that is not quoted holds a quote. */
  quotes: boolean;
  /** A cell that is not quoted ends with a quote. */
  ends: boolean;
  /** That quote has no other. */
  tail: boolean;
  /** That cell follows a quoted one, so that the two may be one. `likely`: it is the only one that is not quoted. */
  cut: 'no' | 'maybe' | 'likely';
  /** A cell that is not quoted follows a quoted one. */
  loose: boolean;
};

/** `stray`: a quote is not allowed where it stands. `open`: the quoted cell that starts there ends on a later line. */
export type Unread = { at: number; why: 'stray' | 'open'; cells: string[]; ends: boolean };

type Cell = { text: string; end: number; strays: number; quoted: boolean };

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 12 || code === 0xfeff;

/** The first character at or after `from` that is not a blank; a delimiter does not count as one. */
export function afterBlanks(text: string, from: number, delimiter: string): number {
  let at = from;
  while (isBlank(text.charCodeAt(at)) && text[at] !== delimiter) at += 1;
  return at;
}

/** The cells of a line without quotes. */
export function plainCells(line: string, delimiter: string): string[] {
  const cells = line.split(delimiter);
  for (let i = 0; i < cells.length; i += 1)
    if (isBlank(cells[i]!.charCodeAt(0))) cells[i] = cells[i]!.replace(/^[ \t\f\ufeff]+/, '');
  return cells;
}

/** Reads one line, which may end in the middle of a row. Only `strict` and `inside` readings can remain unread. */
export function readLine(line: string, delimiter: string, how: Reading): LineCells | Unread {
  const read: LineCells = { ...nothing, cells: [] };
  let bare = 0;
  let afterQuoted = false;
  for (let at = 0; ; ) {
    const first = afterBlanks(line, at, delimiter);
    const cell =
      line[first] === '"' ? quotedCell(line, first, delimiter, how) : bareCell(line, first, delimiter);
    if ('why' in cell) return { ...cell, cells: read.cells, ends: read.ends };
    read.cells.push(cell.text);
    read.strayLast = cell.strays > 0;
    if (cell.strays % 2 === 1) read.odd = true;
    if (cell.strays > 0 && cell.text.includes(delimiter)) read.wide = true;
    if (!cell.quoted && cell.text !== '') {
      bare += 1;
      if (cell.text.includes('"')) read.quotes = true;
      if (isTail(cell.text)) read.tail = true;
      if (cell.text.trimEnd().endsWith('"')) {
        read.ends = true;
        read.cut = afterQuoted ? 'likely' : 'no';
      }
    }
    if (afterQuoted && !cell.quoted && cell.text !== '') read.loose = true;
    afterQuoted = cell.quoted;
    if (cell.end < line.length) {
      at = cell.end + 1;
      continue;
    }
    if (bare > 1 && read.cut === 'likely') read.cut = 'maybe';
    return read;
  }
}

const nothing = {
  odd: false,
  strayLast: false,
  wide: false,
  quotes: false,
  ends: false,
  tail: false,
  cut: 'no' as const,
  loose: false,
};
const isTail = (cell: string): boolean => cell.trimEnd().endsWith('"') && quotesIn(cell) % 2 === 1;

function bareCell(line: string, first: number, delimiter: string): Cell {
  const found = line.indexOf(delimiter, first);
  const end = found < 0 ? line.length : found;
  return { text: line.slice(first, end), end, strays: 0, quoted: false };
}

function quotedCell(
  line: string,
  first: number,
  delimiter: string,
  how: Reading,
): Cell | Pick<Unread, 'at' | 'why'> {
  let text = '';
  let strays = 0;
  for (let from = first + 1; ; ) {
    const quote = line.indexOf('"', from);
    if (quote < 0) return how === 'open' ? literalCell(line, first, delimiter) : { at: first, why: 'open' };
    const end = closedAt(line, quote, delimiter);
    if (end !== null) return { text: text + line.slice(from, quote), end, strays, quoted: true };
    if (line[quote + 1] === '"') {
      const after = closedAt(line, quote + 1, delimiter);
      text += line.slice(from, quote + 1);
      // In a cell whose quotes are not doubled, the second of two quotes ends it.
      if (strays > 0 && after !== null) {
        const escaped = quote > from && line[quote - 1] === '\\';
        const whole = escaped ? `${text.slice(0, -2)}"` : text;
        return { text: whole, end: after, strays: strays + 1, quoted: true };
      }
      from = quote + 2;
      continue;
    }
    if (how === 'strict') return { at: quote, why: 'stray' };
    if (how !== 'inside') return literalCell(line, first, delimiter);
    strays += 1;
    // Some databases write \" for a quote.
    const escaped = quote > from && line[quote - 1] === '\\';
    text += `${line.slice(from, escaped ? quote - 1 : quote)}"`;
    from = quote + 1;
  }
}

/** The end of a cell whose last quote is at `quote`. Returns null when more than blanks follows the quote. */
function closedAt(line: string, quote: number, delimiter: string): number | null {
  const at = afterBlanks(line, quote + 1, delimiter);
  return at >= line.length || line[at] === delimiter ? at : null;
}

/** A cell that starts with a quote and is not quoted: `"Bob" Smith`. One that also ends with a quote loses both. */
function literalCell(line: string, first: number, delimiter: string): Cell {
  const { text, end } = bareCell(line, first, delimiter);
  const whole = text.trimEnd();
  if (whole.length < 2 || !whole.endsWith('"')) return { text, end, strays: 0, quoted: false };
  return { text: whole.slice(1, -1).replace(/["\\]"/g, '"'), end, strays: quotesIn(whole) % 2, quoted: true };
}

function quotesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count += 1;
  return count;
}

/** The cells of a line whose quotes break the rules, and what is wrong when they can be read in several ways or in none. */
export type Irregular = {
  cells: string[];
  problem: 'open' | 'unclear' | null;
  /**
   * Whether the line may be the start of a text that goes on. `maybe`: its last quote may be part of the text. `likely`: a
   * quote that may start a cell has no end in the line.
   */
  goesOn: 'no' | 'maybe' | 'likely';
};

/** `columns`: the number of cells the row should have, which decides between readings; null when it is not known. */
export function readIrregular(line: string, delimiter: string, columns: number | null): Irregular {
  const inside = readLine(line, delimiter, 'inside');
  const readings = [inside, readLine(line, delimiter, 'literal')].filter(
    (reading): reading is LineCells => !('why' in reading) && !isHalf(reading),
  );
  const open = 'why' in inside;
  const fitting = readings.filter(({ cells }) => columns === null || fits(cells, columns));
  const [one, other] = fitting.length === 1 ? fitting : readings;
  if (one && (other === undefined || sameCells(one.cells, other.cells))) {
    const fit = columns === null || fits(one.cells, columns);
    const likely = open || (one.strayLast && !fit);
    const wrong =
      one.cut === 'likely' ||
      (one.cut === 'maybe' && !fit) ||
      (one.odd && (one.tail || one.wide || !fit)) ||
      (one.wide && (one.ends || !fit));
    return {
      cells: one.cells,
      problem: wrong ? 'unclear' : null,
      goesOn: likely ? 'likely' : one.strayLast ? 'maybe' : 'no',
    };
  }
  return { cells: literally(line, delimiter), problem: one ? 'unclear' : 'open', goesOn: 'likely' };
}

/** The cells of a line with the quotes of a cell that is not closed. */
export function literally(line: string, delimiter: string): string[] {
  const reading = readLine(line, delimiter, 'open');
  return reading.cells;
}

/** A cell starts with a quote that has no other: its end is missing. */
const isHalf = ({ cells, quotes }: LineCells): boolean =>
  quotes && cells.some((cell) => cell.startsWith('"') && quotesIn(cell) % 2 === 1);

/** Whether a row has as many cells as columns; blank ones beyond them do not count. */
export function fits(cells: readonly string[], columns: number): boolean {
  return cells.length === columns || (cells.length > columns && !hasSurplus(cells, columns));
}

/** Whether a row has cells beyond its columns that are not blank. */
export function hasSurplus(cells: readonly string[], columns: number): boolean {
  for (let i = columns; i < cells.length; i += 1) if (cells[i]!.trim() !== '') return true;
  return false;
}

const sameCells = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((cell, i) => cell === b[i]);
