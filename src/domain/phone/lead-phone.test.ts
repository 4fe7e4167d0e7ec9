import fc from 'fast-check';
import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
  Metadata,
} from 'libphonenumber-js';
import examples from 'libphonenumber-js/mobile/examples';
import { describe, expect, it } from 'vitest';
import { parseLeadPhone, phoneIdentity } from './lead-phone.ts';
import { plainNumber } from './phone-cell.ts';

const valid = (value: string) => ({ ok: true, value, valid: true });
const kept = (value: string) => ({ ok: true, value, valid: false });
const refused = (reason: RegExp) => ({ ok: false, reason: expect.stringMatching(reason) });

it.each([
  ['+13055550123', valid('+13055550123')],
  [' (305) 555-0123 ', valid('+13055550123')],
  ['\u202a+1 305\u00a0555\u00a00123\u202c', valid('+13055550123')],
  ['305‑555‑0123', valid('+13055550123')],
  ['305–555–0123', valid('+13055550123')],
  ['="3055550123"', valid('+13055550123')],
  ['"3055550123"', valid('+13055550123')],
  ["'+13055550123", valid('+13055550123')],
  ['=+13055550123', valid('+13055550123')],
  ['tel:+1-305-555-0123', valid('+13055550123')],
  ['13055550123.0', valid('+13055550123')],
  ['٣٠٥٥٥٥٠١٢٣', valid('+13055550123')],
  ['۳۰۵۵۵۵۰۱۲۳', valid('+13055550123')],
  ['३०५५५५०१२३', valid('+13055550123')],
  ['３０５５５５０１２３', valid('+13055550123')],
  ['（305）555-0123', valid('+13055550123')],
  ['＋1 305 555 0123', valid('+13055550123')],
  ['+44 (0)20 7183 8750', valid('+442071838750')],
  ['011 44 20 7183 8750', valid('+442071838750')],
  ['0044 20 7183 8750', valid('+442071838750')],
  ['00 44 20 7183 8750', valid('+442071838750')],
  ['+0044 20 7183 8750', valid('+442071838750')],
  ['(+44) 20 7183 8750', valid('+442071838750')],
  ['+1-555-1234', kept('+1-555-1234')],
  ['555-1234', kept('555-1234')],
  ['Cell: 555-1234', kept('555-1234')],
  ['555-1234 (home)', kept('555-1234')],
  ['0000000000', kept('0000000000')],
  ['1234567890123456', kept('1234567890123456')],
  ['13055550123,00', valid('+13055550123')],
  ['++13055550123', valid('+13055550123')],
  ['305•555•0123', valid('+13055550123')],
  ['305·555·0123', valid('+13055550123')],
  ['305_555_0123', valid('+13055550123')],
  ['3,055,550,123', valid('+13055550123')],
  ['13,055,550,123', valid('+13055550123')],
  ['305,555,0123', valid('+13055550123')],
  ['3,055,550', refused(/fewer than 7 digits/)],
  ['+55 (0xx11) 96123-4567', valid('+5511961234567')],
  ['044 55 1234 5679', valid('+525512345679')],
  ['045 (55) 1234-5679', valid('+525512345679')],
  ['01 55 1234 5679', kept('01 55 1234 5679')],
  ['', refused(/missing/)],
  ['  ', refused(/missing/)],
  ['\u200b\ufeff', refused(/missing/)],
  ['1.30556E+10', refused(/scientific notation/)],
  ['1,30556E+10', refused(/scientific notation/)],
  ['1e10', refused(/scientific notation/)],
  ['="1.30556E+10"', refused(/scientific notation/)],
  ['12345', refused(/fewer than 7 digits/)],
  ['123-456', refused(/fewer than 7 digits/)],
  ['not-a-phone', refused(/not a phone/)],
  ['N/A', refused(/not a phone/)],
  ['call me', refused(/not a phone/)],
  ['1-800-FLOWERS', refused(/not a phone/)],
  ['ann@example.com', refused(/not a phone/)],
  ['ann3055550123@example.com', refused(/not a phone/)],
  ['305555\u00000123x!', refused(/not a phone/)],
  ['#REF!', refused(/not a phone/)],
  ['9'.repeat(41), refused(/not a phone/)],
  ['9'.repeat(100_000), refused(/not a phone/)],
])('%j', (input, expected) => {
  expect(parseLeadPhone(input, 'US')).toMatchObject(expected);
});

const number = '+13055550101';

describe('an extension is returned beside the number', () => {
  it.each([
    ['305-555-0101 ext. 12', '12'],
    ['305-555-0101 Ext.: 12', '12'],
    ['305-555-0101 ext: 12', '12'],
    ['305-555-0101 ext#12', '12'],
    ['305-555-0101 extension 12', '12'],
    ['305-555-0101 extn 12', '12'],
    ['305-555-0101ext12', '12'],
    ['305.555.0101 ext12', '12'],
    ['305.555.0101x12', '12'],
    ['305-555-0101 x 12', '12'],
    ['305-555-0101 X12', '12'],
    ['(305) 555-0101 ext 12', '12'],
    ['+1 305-555-0101 #7', '7'],
    ['305-555-0101#12', '12'],
    ['305-555-0101;ext=12', '12'],
    ['tel:+1-305-555-0101;ext=5', '5'],
    ['305-555-0101,,12#', '12'],
    ['305-555-0101, 12', '12'],
    ['305-555-0101p12', '12'],
    ['305-555-0101w12', '12'],
    ['305-555-0101 (ext 12)', '12'],
    ['305-555-0101 (x12)', '12'],
    ['305-555-0101, ext. 5', '5'],
    ['305-555-0101 anexo 12', '12'],
    ['305-555-0101 int. 12', '12'],
    ['305-555-0101 extensión 12', '12'],
    ['305-555-0101 poste 12', '12'],
    ['305-555-0101 Durchwahl 12', '12'],
    ['305-555-0101 ramal 12', '12'],
    ['305-555-0101 opt 2', '2'],
    ['305-555-0101 доб. 12', '12'],
  ])('%j: %s', (input, extension) => {
    expect(parseLeadPhone(input, 'US')).toEqual({
      ok: true,
      value: number,
      valid: true,
      extension,
      others: [],
    });
  });

  it('also of a number that is kept as given', () => {
    expect(parseLeadPhone('555-1234 x5', 'US')).toMatchObject({ ...kept('555-1234'), extension: '5' });
  });
});

describe('a label is no part of the number', () => {
  it.each([
    'Cell: 305-555-0101',
    'cell 305-555-0101',
    '305-555-0101 (cell)',
    '305-555-0101 (cell phone)',
    '305-555-0101 - home',
    '305-555-0101 home',
    'Tel.305-555-0101',
    'Tel 305-555-0101',
    'Tel.: 305-555-0101',
    'Mobile - 305-555-0101',
    'M3055550101',
    'm:3055550101',
    '(c)305-555-0101',
    '3055550101c',
    '3055550101cell',
    'phone: 305-555-0101',
    'whatsapp: +13055550101',
    'WhatsApp +1 305 555 0101',
    'p:+13055550101',
    'call 305-555-0101',
    'call: (305) 555-0101',
    'ann@example.com 305-555-0101',
    'wa.me/13055550101',
    '305 555 0101 ;',
    '+1 (305) 555 - 0101',
    '1.305.555.0101',
    '1 (305) 555-0101',
    '001 305 555 0101',
    '(305)5550101',
  ])('%j', (input) => {
    expect(parseLeadPhone(input, 'US')).toEqual({
      ok: true,
      value: number,
      valid: true,
      extension: null,
      others: [],
    });
  });
});

describe('of several numbers the first valid one is the phone', () => {
  it.each([
    '305-555-0101/786-555-0101',
    '305-555-0101 / 786-555-0101',
    '305-555-0101\n786-555-0101',
    '305-555-0101\r\n786-555-0101',
    '305-555-0101\t786-555-0101',
    '305-555-0101 & 786-555-0101',
    '305-555-0101 and 786-555-0101',
    '305-555-0101 or 786-555-0101',
    '305-555-0101 y 786-555-0101',
    '305-555-0101 o 786-555-0101',
    '305-555-0101 oder 786-555-0101',
    '305-555-0101  786-555-0101',
    '305-555-0101 786-555-0101',
    '3055550101 7865550101',
    '305-555-0101, 786-555-0101',
    '305-555-0101,786-555-0101',
    '3055550101,7865550101',
    '305-555-0101; 786-555-0101',
    '3055550101;7865550101',
    '305-555-0101 | 786-555-0101',
    '305-555-0101 ::: 786-555-0101',
    '305-555-0101 - 786-555-0101',
    '305-555-0101 – 786-555-0101',
    '305 555 0101 • 786 555 0101',
    '+13055550101+17865550101',
    '+1 305 555 0101 / +1 786 555 0101',
    'H: 305-555-0101 W: 786-555-0101',
    'Home: 305-555-0101 Work: 786-555-0101',
    'h305-555-0101 w786-555-0101',
    '305-555-0101 (h) 786-555-0101 (w)',
    '305-555-0101h/786-555-0101w',
    'Casa: 305-555-0101 Cel: 786-555-0101',
    '(305) 555-0101(786) 555-0101',
    '1 305 555 0101 / 1 786 555 0101',
  ])('%j', (input) => {
    const others = ['+17865550101'];
    expect(parseLeadPhone(input, 'US')).toEqual({
      ok: true,
      value: number,
      valid: true,
      extension: null,
      others,
    });
  });

  it.each<[string, string, string | null, string[]]>([
    ['305-555-0101, 786-555-0101, 305-555-0102', number, null, ['+17865550101', '+13055550102']],
    ['305-555-0101 ext 5 / 786-555-0101 ext 6', number, '5', ['+17865550101 ext. 6']],
    ['H: 305-555-0101 W: 786-555-0101 x5', number, null, ['+17865550101 ext. 5']],
    ['305.555.0101 ext.12 or 786.555.0101', number, '12', ['+17865550101']],
    ['305-555-0101 / +1 305 555 0101', number, null, []],
    ['+1 305 555 0101 / +44 20 7946 0018', number, null, ['+442079460018']],
    ['555-1234 / 305-555-0101', number, null, []],
  ])('%j', (input, value, extension, others) => {
    expect(parseLeadPhone(input, 'US')).toMatchObject({ ok: true, value, valid: true, extension, others });
  });

  it('without a valid one the first of those kept as given', () => {
    expect(parseLeadPhone('555-1234 / 555-9876', 'US')).toMatchObject({
      ...kept('555-1234'),
      others: ['555-9876'],
    });
  });

  it.each([
    '305-555-0101/02',
    '305-555-0101/0102',
    '305-555-0101 ask for Ann',
    '305-555-0101 9am-5pm',
    '555-1234, 305-555-0101',
  ])('what else %j says is returned', (input) => {
    expect(parseLeadPhone(input, 'US')).toMatchObject({ ok: true, value: number, more: input });
  });
});

it.each<[string, CountryCode, string]>([
  ['612 34 56 78', 'ES', '+34612345678'],
  ['020 7183 8750', 'GB', '+442071838750'],
  ['030/12345678', 'DE', '+493012345678'],
  ['+52 55 1234 5678', 'US', '+525512345678'],
  ['+52 1 55 1234 5678', 'US', '+525512345678'],
  ['+5215512345678', 'US', '+525512345678'],
  ['+52 (1) 55 1234 5678', 'US', '+525512345678'],
  ['0052 1 55 1234 5678', 'US', '+525512345678'],
  ['+52 044 55 1234 5678', 'US', '+525512345678'],
  ['+52 01 55 1234 5678', 'US', '+525512345678'],
  ['+52 1 55 1234 5678', 'MX', '+525512345678'],
  ['55 1234 5678', 'MX', '+525512345678'],
  ['044 55 1234 5678', 'MX', '+525512345678'],
  ['(044) 55 1234 5678', 'MX', '+525512345678'],
  ['0445512345678', 'MX', '+525512345678'],
  ['045 55 1234 5678', 'MX', '+525512345678'],
  ['01 55 1234 5678', 'MX', '+525512345678'],
  ['01 (55) 1234-5678', 'MX', '+525512345678'],
  ['1 55 1234 5678', 'MX', '+525512345678'],
  ['521 55 1234 5678', 'MX', '+525512345678'],
  ['521 55 1234 5678', 'US', '+525512345678'],
  ['+1 305 555 0101', 'MX', '+13055550101'],
  ['+54 9 11 2345 6789', 'US', '+5491123456789'],
  ['011 15 2345 6789', 'AR', '+5491123456789'],
  ['+54 11 15 2345 6789', 'AR', '+5491123456789'],
  ['0 15 11 91234 5678', 'BR', '+5511912345678'],
  ['8 912 345-67-89', 'RU', '+79123456789'],
  ['06 1 234 5678', 'HU', '+3612345678'],
  ['+61 0412 345 678', 'AU', '+61412345678'],
  ['0057 321 1234567', 'CO', '+573211234567'],
  ['22222', 'SH', '+29022222'],
  ['4002', 'NU', '+6834002'],
])('%j in %s is %s', (text, region, value) => {
  expect(parseLeadPhone(text, region)).toMatchObject(valid(value));
});

it('a number of any country is the same however it is written there, with its prefix and from abroad', () => {
  const wrong: string[] = [];
  for (const region of getCountries()) {
    const example = getExampleNumber(region, examples)!;
    const prefix = nationalPrefix(region);
    const code = getCountryCallingCode(region);
    const national = example.nationalNumber;
    const forms = [
      ...[`+${code} ${national}`, `00${code} ${national}`, `(+${code}) ${national}`, national],
      ...[example.formatNational(), example.formatInternational(), `Mobil: ${example.formatNational()}`],
      `${example.formatNational()} ext. 5`,
      // The prefix of Colombia is dialled before some numbers only.
      ...(prefix === null || region === 'CO'
        ? []
        : [`+${code} (${prefix}) ${national}`, `+${code} ${prefix}${national}`, `${prefix}${national}`]),
    ];
    for (const form of forms) {
      const phone = parseLeadPhone(form, region);
      if (!phone.ok || phone.value !== example.number) wrong.push(`${region} ${form}`);
    }
  }
  expect(wrong).toEqual([]);
});

function nationalPrefix(region: CountryCode): string | null {
  const metadata = new Metadata() as unknown as {
    selectNumberingPlan(region: string): void;
    numberingPlan: { nationalPrefix(): string | 0 | undefined };
  };
  metadata.selectNumberingPlan(region);
  return metadata.numberingPlan.nationalPrefix() || null;
}

it('reads the digits of every script', () => {
  const zeros = [
    '٠',
    '۰',
    '߀',
    '०',
    '০',
    '੦',
    '૦',
    '୦',
    '௦',
    '౦',
    '೦',
    '൦',
    '෦',
    '๐',
    '໐',
    '༠',
    '၀',
    '០',
    '᠐',
    '０',
    '𝟎',
    '𝟘',
    '𞥐',
  ];
  for (const zero of zeros) {
    const digits = Array.from({ length: 10 }, (_, i) => String.fromCodePoint(zero.codePointAt(0)! + i)).join(
      '',
    );
    expect(plainNumber(digits), zero).toBe('0123456789');
  }
});

it('never throws, and reads its own result as the same number', () => {
  const odd = fc.string({ unit: fc.constantFrom(...'0123456789+-() .xE/;,\'"=\0٣é😀|&'), maxLength: 50 });
  fc.assert(
    fc.property(odd, fc.constantFrom<CountryCode>('US', 'MX', 'CO'), (text, region) => {
      const phone = parseLeadPhone(text, region);
      if (!phone.ok) return;
      const { value, valid } = phone;
      expect(parseLeadPhone(value, region)).toMatchObject({ ok: true, value, valid });
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  ['+13055550101', '+13055550101'],
  ['555-1234', '5551234'],
  ['555 1234', '5551234'],
  ['+1-555-1234', '15551234'],
])('what identifies %j is %j', (value, identity) => expect(phoneIdentity(value)).toBe(identity));
