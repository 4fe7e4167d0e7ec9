/*
 * What a cell of a file, a value in JSON or a field of a form says, once the traces of the programs that wrote it are
 * removed. Every way in cleans its values here, before any reader of a field, so that the same value means the same.
 */

/** Characters without a glyph that programs put around and between others; joiners inside emoji and scripts are not among them. */
const INVISIBLE = /[\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u2064\u2066-\u206F\uFEFF]/g;
/** At least one character that can be seen. NUL counts as one, so that it is reported and not removed. */
const VISIBLE = /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]|\0/u;
const PLAIN = /^[\t\n\r\x20-\x7e]*$/;

/** English and Dutch words that begin with an apostrophe: 'tis, 't Hooft, 's-Gravesande. */
const ELISION = /^'(?:t|s|n|d|tis|twas|twere|twould|til|till|cause|bout|em|round)\b/i;

/**
 * Returns the text of a cell without what guards it from a spreadsheet (`="0123"`, `'0123`), without quotes around all
 * of it, and without invisible characters. Returns '' when nothing visible is left.
 */
export function cellText(given: string): string {
  let text = PLAIN.test(given) ? given.trim() : withoutInvisible(given);
  // A guard may stand around another: ="'0123".
  for (let round = 0; round < 3; round += 1) {
    const inner = unguarded(text).trim();
    if (inner === text) break;
    text = inner;
  }
  return text;
}

function withoutInvisible(text: string): string {
  return VISIBLE.test(text) ? text.replace(INVISIBLE, '').trim() : '';
}

function unguarded(text: string): string {
  const first = text.charCodeAt(0);
  if (first === 0x3d) {
    const formula = /^=\s?(?=")/.exec(text);
    const inner = formula ? unquoted(text.slice(formula[0].length)) : null;
    return inner ?? (/^=\s?\+?\(?\d[\d\s().-]{5,30}$/.test(text) ? text.slice(1) : text);
  }
  if (first === 0x22) return unquoted(text) ?? text;
  if (first === 0x201c || first === 0x201e || first === 0xab) return withoutTypedQuotes(text);
  if (first !== 0x27 || ELISION.test(text)) return text;
  const rest = text.slice(1);
  // 'Ann' in a dump of a database is a quoted text; of 'Ann the guard is removed.
  if (!rest.endsWith("'")) return rest;
  // 'vip','new' is a list.
  return rest.indexOf("'") === rest.length - 1 ? rest.slice(0, -1) : text;
}

/** Quotes that a word processor made of those around a cell: `“Ann Lee”`. */
function withoutTypedQuotes(text: string): string {
  const inner = text.slice(1, -1);
  return /[“”»]$/.test(text) && !/[“”„«»]/.test(inner) ? inner : text;
}

/** Returns null unless one pair of quotes is around the whole text: `"vip","new"` is a list. */
function unquoted(text: string): string | null {
  if (text.length < 2 || !text.endsWith('"')) return null;
  const inner = text.slice(1, -1);
  return inner.replaceAll('""', '').includes('"') ? null : inner.replaceAll('""', '"');
}

/** How databases, languages and spreadsheets write a missing value, in lower case. */
const WRITTEN_BY_PROGRAMS = new Set([
  ...['null', 'nil', 'undefined', 'nan', 'empty', 'blank'].flatMap((word) => [
    word,
    `(${word})`,
    `<${word}>`,
    `[${word}]`,
    `{${word}}`,
  ]),
  ...['\\n', '\\\\n', '#n/a', '#na', '#ref!', '#value!', '#name?', '#null!', '#num!', '#div/0!', '#error!'],
]);
/** How people write it, whatever the field. */
const MARKS = new Set([
  ...['n/a', 'n / a', 'n/ a', 'n./a.', 'n.a', 'n.a.', 'n\\a', '#n/a!', 'n/d', 'n.d', 'n.d.', 's/d', 's/n'],
  ...['{}', '[]', '()', '[object object]', '=na()', 'loading...', 'pd.na'],
]);
const PUNCTUATION = /^[-‐-―−_.…·?*/\\~ ]{1,20}$/u;
/** How people write that there is none, in the languages of the column names. */
const WORDS = new Set([
  ...['none', 'unknown', 'missing', 'no data', 'no info', 'no information', 'no value', 'tbd', 'tba'],
  ...['available', 'applicable', 'provided', 'given', 'specified', 'known', 'set'].map(
    (word) => `not ${word}`,
  ),
  ...[
    'ninguno',
    'ninguna',
    'no aplica',
    'no tiene',
    'no disponible',
    'no informado',
    'sin datos',
    'sin dato',
    'sin correo',
    'sin email',
    'sin teléfono',
    'sin telefono',
    'no hay',
    'vacío',
    'vacio',
  ],
  ...['sin informacion', 'sin información', 'desconocido', 'desconocida'],
  ...['kein', 'keine', 'keine angabe', 'k.a.', 'k. a.', 'unbekannt'],
  ...['aucun', 'aucune', 'inconnu', 'inconnue', 'non renseigné'],
  ...['nenhum', 'nenhuma', 'não informado', 'nao informado', 'desconhecido', 'desconhecida'],
  ...['nessuno', 'nessuna'],
]);
const BRACKETED = /^(?:\(.*\)|<.*>|\[.*\]|\{.*\})$/;
/** Names of people that are also marks: Jennifer Null, Nil Yalter. */
const NAME_NOT_MARK = /^(?:Null|Nil|Nan|Blank)$/;
/** A time that is missing in pandas. In another case it is the name Nat or a word. */
const NOT_A_TIME = 'NaT';

/**
 * `own`: a field of the company's own, where "none" is an answer. `name` and `place`: where `NA` is a value (Na, Namibia,
 * Naples).
 */
export type CellKind = 'text' | 'name' | 'place' | 'own';

/** Returns null when the cell is blank or holds a sign for a missing value. */
export function optionalCell(given: string, kind: CellKind = 'text'): string | null {
  const text = cellText(given);
  return text === '' || isMissing(text, kind) ? null : text;
}

/** Whether the cell is blank or holds a sign for a missing value. */
export const isMarked = (given: string): boolean => optionalCell(given) === null;

/** Longer than any sign for a missing value. */
const LONGEST_MARK = 30;

function isMissing(text: string, kind: CellKind): boolean {
  if (text.length > LONGEST_MARK) return false;
  const lower = text.toLowerCase();
  if (kind !== 'own') {
    // "(not set)", "<none>", "<NA>"
    const bare = BRACKETED.test(lower) ? lower.slice(1, -1).trim() : lower;
    if (WORDS.has(bare) || (bare === 'na' && (kind === 'text' || bare !== lower))) return true;
  }
  if (WRITTEN_BY_PROGRAMS.has(lower)) return kind !== 'name' || !NAME_NOT_MARK.test(text);
  return MARKS.has(lower) || PUNCTUATION.test(text) || (text === NOT_A_TIME && kind !== 'name');
}

/**
 * What a person typed where a value is required: `-`, `n/a`, `unknown`. Returns null when the cell is blank or a program
 * wrote that the value is missing.
 */
export function typedCell(given: string, kind: CellKind = 'text'): string | null {
  const text = cellText(given);
  if (text === '') return null;
  const isName = kind === 'name' && NAME_NOT_MARK.test(text);
  return WRITTEN_BY_PROGRAMS.has(text.toLowerCase()) && !isName ? null : text;
}
