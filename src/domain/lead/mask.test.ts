import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { maskLinks } from './links.ts';
import { maskContactData } from './mask.ts';

describe('text without contact data is unchanged', () => {
  it.each([
    ...[
      'Client prefers deep tissue massage',
      '60 min Mobile Massage',
      'Evening (6-9 PM)',
      'Miami',
      'St. Louis, MO',
      '33139',
    ],
    ...[
      '$150-200',
      '$1500-2000',
      '1500-2000',
      '500 - 1000 USD',
      '$1,500 - $2,000',
      '$15000-20000',
      '€20',
      '100k',
    ],
    ...[
      '2026-11-21 18:00',
      '11/21/2026 - 11/25/2026',
      '11/21 - 11/25',
      '18:00-20:00',
      '18:00, 19:00, 20:00',
      '9:30-11:00',
      '1500-2000, 3 people',
      '11/21/2026, 150 guests',
    ],
    ...[
      'meet @ 6pm',
      'look at this. Me too',
      'p.m. e.g. 6.30pm',
      'oil.Prefers lavender',
      'ages 10, 12, 14',
      'one or two',
    ],
    ...[
      '2 people want to drive',
      '60 min deep tissue on the way',
      '2nd floor, 3 bedrooms, 1200 sqft',
      'at the court',
    ],
    ...['', '👍🏽 ok', 'lead_abc12345'],
  ])('%j', (text) => {
    expect(maskContactData(text)).toBe(text);
  });
});

test.each([
  // Phones, including spellings meant to evade a filter.
  ['call 305-555-0123 now', 'call [hidden] now'],
  ['(305) 555-0123', '[hidden]'],
  ['+1 305.555.0123', '[hidden]'],
  ['555-0123', '[hidden]'],
  ['2500-1500', '[hidden]'],
  ['305 / 555 / 0123', '[hidden]'],
  ['305:555:0123', '[hidden]'],
  ['3 0 5 5 5 5 0 1 2 3', '[hidden]'],
  ['05.55.55.01.23', '[hidden]'],
  ['$305-555-0123', '$[hidden]'],
  ['02-02-2026-5555', '[hidden]'],
  ['2026-11-21, then 305 555 0123', '2026-11-21, then [hidden]'],
  ['11/21/2026, 305 555 0123', '11/21/2026, [hidden]'],
  ['305 - 000) 1/10) 0000', '[hidden]'],
  ['305 - 555, 01.25', '[hidden]'],
  ['305000) 0.0.0.0/00 - 0', '[hidden]'],
  ['04/12 34 56 78', '[hidden]'],
  ['11/21/2026, 305 555', '[hidden]'],
  ['10:00, three zero five five five five zero', '10:00, [hidden]'],
  ['10:00, 3-O-O-5-O-O-O-1-O-l', '10:00, [hidden]'],
  ['305 dash 555 dash 0123', '[hidden]'],
  ['five five five one two three four', '[hidden]'],
  ['tres cero cinco 555 0123', '[hidden]'],
  ['3O5-555-O123', '[hidden]'],
  ['٣٠٥٥٥٥٠١٢٣', '[hidden]'],
  ['３０５５５５０１２３', '[hidden]'],
  ['③⓪⑤⑤⑤⑤⓪①②③', '[hidden]'],
  ['3️⃣0️⃣5️⃣5️⃣5️⃣5️⃣0️⃣1️⃣2️⃣3️⃣', '[hidden]'],
  ['305\u200b555\u20600123', '[hidden]'],
  ['305-555-0123, 305-555-0124', '[hidden]'],
  ['25.7617, -80.1918', '[hidden]'],
  // E-mails and handles.
  ['sarah.johnson@email.com', '[hidden]'],
  ['mail sarah (at) gmail (dot) com please', 'mail [hidden] please'],
  ['sarah at gmail dot com', '[hidden]'],
  ['sarah[at]gmail.com', '[hidden]'],
  ['sarah arroba gmail punto com', '[hidden]'],
  ['sarah @ gmail . com', '[hidden]'],
  ['sarah＠gmail．com', '[hidden]'],
  ['s\u200barah@\u200bgmail.com', '[hidden]'],
  ['insta @sarah_j ok', 'insta [hidden] ok'],
  // Links.
  ['see https://evil.example/x?y ok', 'see [hidden] ok'],
  ['www.sarah-j.photos', '[hidden]'],
  ['wa.me/13055550123', '[hidden]'],
  ['Sarah.COM', '[hidden]'],
  ['foo.photos/abc', '[hidden]'],
  ['http://10.0.0.1/x', '[hidden]'],
  ['tel:+13055550123', '[hidden]'],
  // Addresses.
  ['at 123 Ocean Drive, Miami Beach, FL 33139', 'at [hidden]'],
  ['123 ocean drive please', '[hidden] please'],
  ['450 NW 5th Ave', '[hidden]'],
  ['12 Oak St. Apt 4B', '[hidden]'],
  ['1211 Avenue of the Americas', '[hidden]'],
  ['Calle Ocho 123', '[hidden]'],
  ['Av. Reforma #222', '[hidden]'],
  ['P.O. Box 123', '[hidden]'],
])('%j becomes %j', (text, shown) => {
  expect(maskContactData(text)).toBe(shown);
});

test.each([
  ['see https://evil.example/x now', 'see [link] now'],
  ['evil.com/path', '[link]'],
  ['sarah.me@email.com', 'sarah.me@email.com'],
  ['sarah@mail.email.com', 'sarah@mail.email.com'],
  ['123 Ocean Drive, Miami Beach', '123 Ocean Drive, Miami Beach'],
  ['305-555-0123', '305-555-0123'],
])('links only: %j becomes %j', (text, shown) => {
  expect(maskLinks(text)).toBe(shown);
});

const separator = fc.constantFrom(
  '',
  ' ',
  '-',
  '.',
  ' - ',
  '/',
  ' . ',
  '(',
  ') ',
  '_',
  '\u200b',
  '·',
  '—',
  ':',
  ', ',
);

it('hides ten digits with any separators', () => {
  const digits = fc.array(fc.tuple(fc.nat(9), separator), { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(digits, (pieces) => {
      const number = `305${pieces.map(([digit, between]) => between + digit).join('')}`;
      const shown = maskContactData(`call ${number} ok`);
      expect(shown.replace(/\D/g, '').length).toBeLessThan(7);
    }),
    { numRuns: 2_000 },
  );
});

it('hides ten digits and letters read as digits, behind a date, an hour or a budget', () => {
  const before = fc.constantFrom('', '10:00, ', '11/21/2026 ', '11/21 - ', '1500-2000, ');
  const digit = fc.constantFrom('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'O5', 'l1');
  const digits = fc.array(fc.tuple(digit, separator), { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(before, digits, (known, pieces) => {
      const number = `305${pieces.map(([each, between]) => between + each).join('')}`;
      const shown = maskContactData(`ring ${known}${number} #`).replace(known, '');
      expect(shown.replace(/[^\dOl]/g, '').length).toBeLessThan(7);
    }),
    { numRuns: 2_000 },
  );
});

it('runs in linear time', () => {
  const pieces = [
    'a',
    '1',
    '1 ',
    '123456 x',
    'a@',
    'a.',
    ' ',
    '1 a b c ',
    'calle a b c d ',
    '(at',
    'a at ',
    'www.',
    '1 a st, a b ',
  ];
  for (const piece of pieces) {
    const text = piece.repeat(100_000 / piece.length);
    const started = performance.now();
    maskContactData(text);
    // A quadratic pattern needs minutes for this; a linear one some 30 ms.
    expect(performance.now() - started, JSON.stringify(piece)).toBeLessThan(2_000);
  }
});
