import {
  afterBlanks,
  fits,
  hasSurplus,
  type LineCells,
  literally,
  plainCells,
  readIrregular,
  readLine,
  type Unread,
} from './line.ts';
import { isContact, mayBeRows } from './people.ts';

/** `problem`: why the row cannot be read, as a sentence without its subject; `cells` are then those of its first line. */
export type TextRow = { cells: string[]; problem?: string };

export type Syntax = {
  delimiter: string;
  /** The text has no LF, so that a CR alone ends a row. */
  crEnds: boolean;
  /** Characters of a row, and of a line. */
  maxRow: number;
};

/** `end`: where a line's text ends. `next`: where the next one starts. */
type Line = { end: number; next: number };
type Closed = { quote: number; at: number };

/** Lines in which the end of a text with unclear quotes is looked for. */
const LINES_AHEAD = 20;

/**
 * Splits text into rows while it arrives. A quoted cell ends at a quote that only blanks separate from a delimiter or the
 * end of the line. A row of several lines must keep to RFC 4180; when it does not, or its quote is never closed, its
 * first line is a row with a problem, and reading resumes at the next line. Parsers of CSV cannot do that: they read a
 * file to its end, or not at all. Holds at most one row and what was pushed.
 */
export class Records {
  /** The number of columns, once the header is known. */
  columns: number | null = null;
  #text = '';
  #at = 0;
  /** Characters before `#text`. */
  #before = 0;
  /** Line in the file, from 1, of the character at `#at`. */
  #line = 1;
  /** Below this many characters the next row is known to be incomplete. */
  #enough = 0;
  /** Lines that start before this character were within a text that was not closed: each is a row of its own. */
  #apartUntil = 0;
  /** Lines that start before this character belong to a row that may be several. */
  #joinedUntil = 0;
  /** A line that starts before this character and ends with a quote is the end of that text, and no row of its own. */
  #tailUntil = 0;
  /** The line where that text was opened. */
  #opened = 0;
  readonly #lf = new Finder('\n');
  readonly #cr = new Finder('\r');
  readonly #quote = new Finder('"');
  readonly #syntax: Syntax;

  constructor(syntax: Syntax, line = 1) {
    this.#syntax = syntax;
    this.#line = line;
  }

  push(text: string): void {
    this.#before += this.#at;
    this.#text = this.#at < this.#text.length ? this.#text.slice(this.#at) + text : text;
    this.#at = 0;
    for (const finder of [this.#lf, this.#cr, this.#quote]) finder.reset();
  }

  /** Returns null until the next row is complete; with `last`, when there is none. */
  next(last: boolean): TextRow | null {
    const pending = this.#text.length - this.#at;
    if (pending === 0 || (!last && pending < this.#enough)) return null;
    const row = this.#read(last);
    this.#enough = row === null ? 2 * pending : 0;
    return row;
  }

  #read(last: boolean): TextRow | null {
    const start = this.#at;
    const line = this.#lineFrom(start, last);
    if (line === null) return null;
    const { delimiter } = this.#syntax;
    const cut = this.#cut(start, line, 0);
    const text = this.#text.slice(start, cut.end);
    const here = this.#before + start;
    if (here < this.#joinedUntil)
      return this.#take(cut.next, this.#refused(text, problems.joined(this.#opened)));
    if (this.#quote.from(this.#text, start) >= cut.end)
      return this.#take(cut.next, { cells: plainCells(text, delimiter) });
    const read = readLine(text, delimiter, 'strict');
    if (here < this.#apartUntil) return this.#apart(text, cut, read, last);
    if (!('why' in read)) return this.#regular(text, cut, read, last);
    if (read.why === 'stray') return this.#irregular(text, cut, last);
    if (here < this.#tailUntil && read.ends) return this.#take(cut.next, this.#tail(text, read));
    return this.#spanning(cut, read, last);
  }

  #take(next: number, row: TextRow): TextRow {
    this.#at = next;
    this.#line += 1;
    return row;
  }

  #refused = (line: string, problem: string): TextRow => ({
    cells: literally(line, this.#syntax.delimiter),
    problem,
  });

  #regular(text: string, line: Line, read: LineCells, last: boolean): TextRow | null {
    if (this.#before + this.#at < this.#tailUntil) return this.#take(line.next, this.#tail(text, read));
    const isOdd = this.columns !== null && read.cells.length !== this.columns;
    const after = isOdd && read.loose ? this.#continued(line.next, last, true) : line.next;
    if (after === null) return null;
    // A CR beside a quote may be the end of a row.
    const isCut = read.cut === 'likely' || (read.cut === 'maybe' && isOdd);
    const isSplit = isCut || (read.quotes && text.includes('\r'));
    if (!isSplit && after === line.next) return this.#take(line.next, { cells: read.cells });
    return this.#unclear(line, after, this.#refused(text, problems.unclear(this.#line)));
  }

  /** `after`: where the text ends that the line may begin. */
  #unclear(line: Line, after: number, row: TextRow): TextRow {
    this.#opened = this.#line;
    this.#tailUntil = this.#before + after;
    return this.#take(line.next, row);
  }

  #irregular(text: string, line: Line, last: boolean): TextRow | null {
    const { cells, problem, goesOn } = readIrregular(text, this.#syntax.delimiter, this.columns);
    // A CR in such a line may be the end of a row.
    const found = problem ?? (text.includes('\r') ? 'unclear' : null);
    const isLikely = found !== null || goesOn === 'likely';
    const after = goesOn === 'no' && !isLikely ? line.next : this.#continued(line.next, last, isLikely);
    if (after === null) return null;
    const wrong = found ?? (after > line.next ? 'unclear' : null);
    if (wrong === null) return this.#take(line.next, { cells });
    return this.#unclear(line, after, { cells, problem: problems[wrong](this.#line) });
  }

  /**
   * Where the text ends that a line with unclear quotes may have begun: after a line with a cell that ends with a quote,
   * unless that is a row of its own. Returns `from` when the next lines are rows, and null when more text is needed.
   */
  #continued(from: number, last: boolean, isLikely: boolean): number | null {
    const { columns } = this;
    const { delimiter } = this.#syntax;
    if (columns === null) return from;
    let end = from;
    for (let at = from, seen = 0; seen < LINES_AHEAD; seen += 1) {
      if (at >= this.#text.length) return last ? end : null;
      const line = this.#lineFrom(at, last);
      if (line === null) return null;
      const text = this.#text.slice(at, line.end);
      const read = readLine(text, delimiter, 'strict');
      at = line.next;
      if ('why' in read) {
        // A quote at the end of the line is more likely an end than a start.
        const isStart = read.why === 'open' && text.slice(read.at + 1).trim() !== '';
        if (isStart) return read.ends ? line.next : end;
        if (fits(readIrregular(text, delimiter, columns).cells, columns)) return end;
        end = line.next;
        continue;
      }
      const isRow = read.cells.length > 1 && fits(read.cells, columns);
      const isPerson = isRow && read.cells.some(isContact);
      const isEnd = read.ends && (isLikely || !isPerson);
      if (isEnd || (!isRow && text.includes('"'))) end = line.next;
      else if (isRow) return end;
    }
    return end;
  }

  /** A line within a text that was not closed. One that could be the end of that text is no row of its own. */
  #apart(text: string, line: Line, read: LineCells | Unread, last: boolean): TextRow | null {
    if (!('why' in read)) return this.#take(line.next, this.#tail(text, read));
    if (read.why === 'stray') return this.#irregular(text, line, last);
    return this.#take(line.next, this.#refused(text, problems.open(this.#line)));
  }

  #tail = (text: string, { cells, ends }: LineCells | Unread): TextRow =>
    ends ? this.#refused(text, problems.tail(this.#opened)) : { cells };

  /** A row with a cell that continues on the next line. */
  #spanning(first: Line, opened: Unread, last: boolean): TextRow | null {
    const start = this.#at;
    const { delimiter, maxRow } = this.#syntax;
    const cells = [...opened.cells];
    for (let open = start + opened.at; ; ) {
      const closed = this.#closing(open, start + maxRow, last);
      if (closed === null) return null;
      if (typeof closed === 'number') return this.#fail(first, closed, last);
      cells.push(this.#text.slice(open + 1, closed.quote).replaceAll('""', '"'));
      const ends = this.#text[closed.at] !== delimiter;
      const from = ends ? closed.at : closed.at + 1;
      const rest = this.#lineFrom(from, last);
      if (rest === null) return null;
      // A CR alone also ends a row here, whatever follows it.
      if (ends) return this.#whole(first, cells, rest.end === from ? rest.next : from + 1);
      if (rest.end - start > maxRow) return this.#fail(first, start + maxRow, last);
      const cut = this.#cut(from, rest, cells.length);
      const read = readLine(this.#text.slice(from, cut.end), delimiter, 'strict');
      cells.push(...read.cells);
      if (!('why' in read))
        return read.quotes ? this.#fail(first, from, last) : this.#whole(first, cells, cut.next);
      if (read.why === 'stray') return this.#fail(first, from, last);
      open = from + read.at;
    }
  }

  /**
   * The quote that ends the cell opened at `open`. Returns where reading failed when there is none before `limit` or
   * another quote stands in the cell, and null when more text is needed.
   */
  #closing(open: number, limit: number, last: boolean): Closed | number | null {
    const text = this.#text;
    const more = (at: number) => at >= text.length && !last && text.length < limit;
    for (let from = open + 1; ; ) {
      const found = text.indexOf('"', from);
      const quote = found < 0 ? text.length : found;
      if (quote >= limit) return limit;
      if (more(quote) || more(quote + 1)) return null;
      if (quote >= text.length) return text.length;
      if (text[quote + 1] === '"') {
        from = quote + 2;
        continue;
      }
      const at = afterBlanks(text, quote + 1, this.#syntax.delimiter);
      if (more(at)) return null;
      if (at >= limit) return limit;
      const ends = at >= text.length || text[at] === this.#syntax.delimiter || /[\r\n]/.test(text[at]!);
      return ends ? { quote, at } : quote;
    }
  }

  #whole(first: Line, cells: string[], next: number): TextRow {
    const start = this.#at;
    const { delimiter } = this.#syntax;
    const text = this.#text.slice(start, next);
    const lines = text.replace(/(\r*\n|\r)$/, '').split(/\r*\n|\r/);
    const { columns } = this;
    if (columns !== null && (hasSurplus(cells, columns) || mayBeRows(lines, delimiter, columns))) {
      this.#opened = this.#line;
      this.#joinedUntil = this.#before + next;
      const line = this.#text.slice(start, first.end);
      return this.#take(first.next, this.#refused(line, problems.joined(this.#opened)));
    }
    this.#at = next;
    this.#line += lines.length;
    return { cells };
  }

  #fail(first: Line, failedAt: number, last: boolean): TextRow | null {
    const start = this.#at;
    const before = this.#text.slice(start, failedAt);
    const breaks = [before.lastIndexOf('\n'), this.#syntax.crEnds ? before.lastIndexOf('\r') : -1];
    const ended = failedAt >= this.#text.length || failedAt - start >= this.#syntax.maxRow;
    const lineStart = start + Math.max(...breaks) + 1;
    // The line where reading failed may be the end of the text, or a row with a text of its own.
    const tailUntil = ended ? failedAt : this.#continued(lineStart, last, true);
    if (tailUntil === null) return null;
    this.#opened = this.#line;
    this.#apartUntil = this.#before + (ended ? failedAt : lineStart);
    this.#tailUntil = this.#before + tailUntil;
    const line = this.#text.slice(start, first.end);
    return this.#take(first.next, this.#refused(line, problems.open(this.#line)));
  }

  /** The line that starts at `from`. Returns null when more text is needed. Throws when it is too long. */
  #lineFrom(from: number, last: boolean): Line | null {
    const text = this.#text;
    const { crEnds, maxRow } = this.#syntax;
    const lf = this.#lf.from(text, from);
    const cr = crEnds ? this.#cr.from(text, from) : Number.POSITIVE_INFINITY;
    const end = Math.min(lf, cr);
    if (Math.min(end, text.length) - from > maxRow) throw new LineTooLongError();
    if (end > text.length) {
      if (!last) return null;
      return { end: this.#withoutCrs(from, text.length), next: text.length };
    }
    if (end === lf) return { end: this.#withoutCrs(from, lf), next: lf + 1 };
    // CR CR LF: a CRLF file that was converted to CRLF a second time.
    if (cr + 2 >= text.length && !last) return null;
    if (text[cr + 1] === '\n') return { end: cr, next: cr + 2 };
    return { end: cr, next: text[cr + 1] === '\r' && text[cr + 2] === '\n' ? cr + 3 : cr + 1 };
  }

  #withoutCrs(from: number, end: number): number {
    let at = end;
    while (at > from && this.#text[at - 1] === '\r') at -= 1;
    return at;
  }

  /**
   * In a text with LF, a CR within a line is part of a cell, except where it separates two rows: before it are as many
   * cells as columns, and after it more than one. `cells`: the number of cells of the row before the line.
   */
  #cut(from: number, line: Line, cells: number): Line {
    if (this.#syntax.crEnds || this.#cr.from(this.#text, from) >= line.end) return line;
    const { delimiter } = this.#syntax;
    const text = this.#text.slice(from, line.end);
    for (let cr = text.indexOf('\r'); cr >= 0; cr = text.indexOf('\r', cr + 1)) {
      const cut = { end: from + cr, next: from + cr + 1 };
      if (cells === 0 && text.slice(0, cr).trim() === '') return cut;
      const before = readLine(text.slice(0, cr), delimiter, 'strict');
      const after = readLine(/[^\r]*/.exec(text.slice(cr).trimStart())![0], delimiter, 'strict');
      if ('why' in before ? this.#isRow(after) : this.#isWhole(cells, before) && this.#isPart(after))
        return cut;
    }
    return line;
  }

  #isWhole(cells: number, { cells: more }: LineCells): boolean {
    const whole = [...Array<string>(cells).fill(''), ...more];
    return this.columns === null ? whole.length > 1 : fits(whole, this.columns);
  }

  #isPart = (read: LineCells | Unread): boolean => 'why' in read || read.cells.length > 1;

  #isRow(read: LineCells | Unread): boolean {
    if ('why' in read || read.quotes || this.columns === null) return false;
    return read.cells.length > 1 && fits(read.cells, this.columns);
  }
}

/** Remembers the next occurrence of a character, so that a text without it is searched once. */
class Finder {
  readonly #character: string;
  #searched = 0;
  #found = -1;

  constructor(character: string) {
    this.#character = character;
  }

  /** Required when the text has changed. */
  reset(): void {
    this.#found = -1;
  }

  /** Returns Infinity when there is none. */
  from(text: string, at: number): number {
    if (at < this.#searched || at > this.#found) {
      const found = text.indexOf(this.#character, at);
      this.#searched = at;
      this.#found = found < 0 ? Number.POSITIVE_INFINITY : found;
    }
    return this.#found;
  }
}

/** A line is longer than a row may be. */
export class LineTooLongError extends Error {}

const problems = {
  open: (line: number) =>
    `has a quote, opened in line ${line} of the file, that is not closed: close it or remove it`,
  unclear: (line: number) =>
    `has quotes that can be read in several ways (line ${line} of the file): write each quote within a text twice`,
  joined: (line: number) =>
    `is in a text of several lines, opened by a quote in line ${line} of the file, that may be several rows: close the quote in its line, or write the text in one line`,
  tail: (line: number) =>
    `ends with a quote and may be the end of the text opened in line ${line} of the file: close that quote or remove it`,
};
