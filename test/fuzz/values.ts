import type { Random } from './random.ts';

/** Values that have broken programs before. Every one is JSON, except that strings may hold lone surrogates. */
const strings = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udfff y',
  '\u202e\u200b\ufeff',
  '👍🏽',
  'null',
  'true',
  '-1',
  '1e309',
  'NaN',
  '__proto__',
  'constructor',
  "'; DROP TABLE leads; --",
  '%00',
  '%',
  '../../../etc/passwd',
  '<script>alert(1)</script>',
  '{{7*7}}',
  '=cmd|calc',
  'lead_',
  `lead_${'x'.repeat(64)}`,
  'not-a-uuid',
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
  '+13055550160',
  '+1',
  'a@b.co',
  'STOP',
  'Y lead_x',
  '2026-11-27T12:00:00Z',
  '0000-00-00T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '9999-12-31T23:59:59.999999999+23:59',
  'utf-7',
  'usd',
  'VND',
  'r\u0301e\u0301sume\u0301',
];

const numbers = [
  0,
  -0,
  -1,
  1,
  0.1,
  1e-7,
  49,
  50,
  127,
  255,
  65_536,
  2_147_483_647,
  2_147_483_648,
  -2_147_483_649,
  4_294_967_296,
  Number.MAX_SAFE_INTEGER,
  Number.MAX_SAFE_INTEGER + 1,
  1e21,
  1.7976931348623157e308,
];

/** Without lone surrogates, which have no UTF-8. */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\ufffd');

export function hostileString(random: Random): string {
  const text = random.pick(strings);
  if (random.chance(0.04)) return (text || 'x').repeat(random.integer(1, 20_000));
  if (random.chance(0.1)) return text + random.pick(strings);
  return text;
}

/** A JSON text of a value of any type. Text, because some of it cannot be made by JSON.stringify. */
export function hostileJson(random: Random): string {
  const kinds = [
    () => JSON.stringify(hostileString(random)),
    () => JSON.stringify(hostileString(random)),
    () => JSON.stringify(random.pick(numbers)),
    () =>
      random.pick([
        '1e400',
        '-1e400',
        '1E+2',
        '0.0000000000000000000000001',
        '123456789012345678901234567890',
      ]),
    () => random.pick(['null', 'true', 'false', '[]', '{}', '[null]', '[[]]', '{"":null}']),
    () => `[${Array.from({ length: random.integer(1, 50) }, () => JSON.stringify(hostileString(random)))}]`,
    () => deep(random.integer(2, 60)),
    () => wide(random),
    () => '{"__proto__":{"admin":true}}',
    () => '{"constructor":{"prototype":{"x":1}}}',
    () => '{"toString":1,"hasOwnProperty":null}',
    () => '"\\ud800"',
    () => '"\\u0000"',
  ];
  return random.pick(kinds)();
}

const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

function wide(random: Random): string {
  const count = random.chance(0.1) ? random.integer(1_000, 20_000) : random.integer(1, 200);
  if (random.chance(0.5)) return `[${'{},'.repeat(count)}{}]`;
  return `{${Array.from({ length: count }, (_, n) => `"k${n}":${n}`)}}`;
}

/** Not JSON at all. */
export const brokenJson = [
  '',
  ' ',
  '{',
  '}',
  '[1,',
  '{"a":}',
  '{"a":1}}',
  "{'a':1}",
  'undefined',
  '\ufeff{}',
  '"',
  'nul',
];

/** A path segment or query value as it is written into the request line. */
export function hostileSegment(random: Random): string {
  const raw = [
    '%',
    '%0',
    '%zz',
    '%00',
    '%2e%2e%2f',
    '%c0%af',
    '%ff%fe',
    '%ed%a0%80',
    '..',
    '.',
    ';',
    'a%20b',
    '*',
    '%7Bx%7D',
    '~',
  ];
  if (random.chance(0.5)) return random.pick(raw);
  const text = wellFormed(hostileString(random));
  return encodeURIComponent(text.slice(0, random.chance(0.05) ? 20_000 : 300));
}

export function hostileCsv(random: Random): string {
  const rows = [
    'name,phone',
    'external_id,name,phone,email,language',
    'Ann,+13055550142',
    '"open quote,+1305',
    'a;b;c\td|e',
    '\ufeffname;phone',
    '=1+1,@x',
    ',,,,,,',
    '\0\0\0',
    '"a""b","c\nd"',
    `${'x'.repeat(5_000)},y`,
    `p${random.integer(1, 1_000)},Pia,+1305${random.integer(2_000_000, 9_999_999)},pia@example.com,es`,
    hostileString(random),
  ];
  const count = random.chance(0.03) ? random.integer(100, 3_000) : random.integer(0, 12);
  return Array.from({ length: count }, () => random.pick(rows)).join(random.pick(['\n', '\r\n', '\r']));
}

/** A file with most of these columns, whose cells are mostly valid. */
export function csvOf(
  columns: readonly string[],
  random: Random,
  cellOf: (column: string) => string,
): string {
  const used = columns.filter(() => random.chance(1 - random.hostility / 2));
  const cell = (column: string) => {
    if (random.chance(random.hostility)) return '';
    const text = random.chance(random.hostility) ? hostileString(random) : cellOf(column);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = Array.from({ length: random.integer(0, 12) }, () => used.map(cell).join(','));
  return [used.join(','), ...rows].join('\n');
}
