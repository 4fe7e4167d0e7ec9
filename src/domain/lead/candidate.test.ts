import { describe, expect, it } from 'vitest';
import { rowJudge } from '../csv/rows.ts';
import { type GivenLead, judgeLead } from './candidate.ts';

const phones = ['+13055550123'];
const judge = (given: GivenLead) => judgeLead({ name: 'Ann', phones, ...given }, 'US');
const leadOf = (given: GivenLead) => {
  const judged = judge(given);
  if (!judged.ok) throw new Error(JSON.stringify(judged.errors));
  return judged.lead;
};
const errorsOf = (given: GivenLead) => {
  const judged = judge(given);
  return judged.ok ? {} : judged.errors;
};

describe('a lead', () => {
  it('is accepted with its values unchanged', () => {
    expect(
      leadOf({ name: ' Ann ', notes: '=1+1\n  two ', city: 'Coruña', emails: ['Ann@Example.com'] }),
    ).toEqual({
      name: 'Ann',
      firstName: null,
      lastName: null,
      phone: '+13055550123',
      phoneValid: true,
      otherPhones: [],
      email: 'Ann@Example.com',
      notes: '=1+1\n  two',
      company: null,
      address: null,
      city: 'Coruña',
      state: null,
      postalCode: null,
      country: null,
      website: null,
      source: null,
      tags: [],
      customFields: {},
    });
  });

  it.each([
    "O'Brien",
    'O’Brien',
    '李小龙',
    'Ñandú',
    'N\u0303andu\u0301',
    '👨‍👩‍👧 Family',
    'José  María',
    'Ñ'.repeat(300),
    'محمد',
    '=SUM(A1)',
    "'t Hooft",
  ])('keeps the name %j unchanged', (name) => {
    expect(Buffer.from(leadOf({ name }).name)).toEqual(Buffer.from(name));
    const lead = leadOf({ name: '', first_name: name, last_name: 'Ω' });
    expect([lead.name, lead.firstName, lead.lastName]).toEqual([`${name} Ω`, name, 'Ω']);
  });

  it.each<[string, GivenLead, Record<string, string[]>]>([
    ['no name', { name: ' ' }, { name: ['is missing'] }],
    ['no phone', { phones: ['', ' '] }, { phone: ['is missing'] }],
    ['nothing', { name: '', phones: [] }, { name: ['is missing'], phone: ['is missing'] }],
    ['a long name', { name: 'x'.repeat(1_001) }, { name: ['is longer than 1000 characters'] }],
    ['a NUL', { notes: 'a\0b' }, { notes: ['contains a NUL character'] }],
    [
      'half a character',
      { city: 'x\ud83d' },
      { city: [expect.stringContaining('could not be read') as never] },
    ],
    [
      'a broken character',
      { name: 'Jos\ufffd' },
      { name: [expect.stringContaining('save the file as UTF-8') as never] },
    ],
    [
      'no e-mail address beside a phone that is none either',
      { phones: ['555-1234'], emails: ['ann at example.com'] },
      { email: ['is not an e-mail address'] },
    ],
    ['invisible characters for a phone', { phones: ['\u200b\u2060'] }, { phone: ['is missing'] }],
    ['invisible characters for a name', { name: '\u3164\u200b' }, { name: ['is missing'] }],
    ['signs for a missing name', { name: '\\N', first_name: 'NULL' }, { name: ['is missing'] }],
    ['a long tag', { tags: ['x'.repeat(101)] }, { tags: ['is longer than 100 characters'] }],
    [
      'tags without an end',
      { tags: [Array.from({ length: 3_000_000 }, (_, i) => i).join(',')] },
      { tags: ['are more than 50'] },
    ],
    [
      'many tags',
      { tags: [Array.from({ length: 51 }, (_, i) => i).join(',')] },
      { tags: ['are more than 50'] },
    ],
    [
      'a long field of the company',
      { custom: [['Roof', 'x'.repeat(5_001)]] },
      { 'custom:Roof': ['is longer than 5000 characters'] },
    ],
    [
      'many wrong fields of the company, of which ten are named',
      { custom: Array.from({ length: 199 }, (_, i) => [`f${i}`, '\ufffd'] as const) },
      {
        ...Object.fromEntries(
          Array.from({ length: 10 }, (_, i) => [
            `custom:f${i}`,
            [expect.stringContaining('could not be read')],
          ]),
        ),
        custom_fields: ['are wrong in more than these 10'],
      },
    ],
  ])('is refused for %s', (_name, given, errors) => {
    expect(errorsOf(given)).toEqual(errors);
  });

  it.each<[string[], string]>([
    [['', '+13055550123', '+13055550199'], '+13055550123'],
    [['+13055550199', '+13055550123'], '+13055550199'],
    [['n/a', '+13055550123'], '+13055550123'],
    [['1.3E+10', '+13055550123'], '+13055550123'],
    [['555-1234', '+13055550123'], '+13055550123'],
    [['n/a', '555-1234'], '555-1234'],
  ])('with the phones %j gets %s', (given, phone) => {
    expect(leadOf({ phones: given }).phone).toBe(phone);
  });

  it.each<[string[], string | null]>([
    [['a@example.com ::: b@example.com'], 'a@example.com'],
    [['a@example.com; b@example.com'], 'a@example.com'],
    [['n/a', ' b@example.com '], 'b@example.com'],
    [['N/A'], null],
    [['-'], null],
    [[], null],
    [["o'brien+x@mail.example.co.uk"], "o'brien+x@mail.example.co.uk"],
    [['josé@correo.example.es'], 'josé@correo.example.es'],
  ])('with the e-mail addresses %j gets %s', (emails, email) => {
    expect(leadOf({ emails }).email).toBe(email);
  });

  it.each([
    'a@b',
    'a@@example.com',
    'a b@example.com',
    '@example.com',
    'a@-x.com',
    'noemail',
    'none@none',
    `${'a'.repeat(320)}@example.com`,
    ';'.repeat(16_000_000),
  ])('is kept without the e-mail address %j', (email) => {
    const judged = judge({ emails: [email] });
    expect(judged).toMatchObject({ ok: true, lead: { phone: '+13055550123', email: null } });
    expect(judged).toMatchObject({ warnings: { email: [expect.stringContaining('kept without it')] } });
    expect(errorsOf({ emails: [email], phones: ['call me'] })).toHaveProperty('email');
  });

  it('warns of a number that is kept as given, and of a country that is not known', () => {
    expect(judge({ phones: ['555-1234'], country: 'XX' })).toMatchObject({
      lead: { phone: '555-1234', phoneValid: false, country: 'XX' },
      warnings: { phone: [expect.stringContaining('cannot be texted')], country: [expect.any(String)] },
    });
    expect(judge({ country: 'UK' })).not.toHaveProperty('warnings');
  });

  it('keeps the extension, further addresses and what else its phones say in the notes', () => {
    expect(
      leadOf({
        notes: 'Old client',
        phones: ['305-555-0123 x45 / 786-555-0101', '305-555-0124', '305 555 0123', 'ask for Ann', 'n/a'],
        emails: ['a@example.com b@example.com', 'A@example.com'],
      }),
    ).toMatchObject({
      phone: '+13055550123',
      otherPhones: ['+17865550101', '+13055550124'],
      email: 'a@example.com',
      notes: 'Old client\nExtension: 45\nPhone as given: ask for Ann\nOther email: b@example.com',
    });
  });

  it('keeps a phone cell that says more than its number, and an address that follows none', () => {
    const judged = judge({ phones: ['305-555-0123 ask for Ann'], emails: ['noemail', 'a@example.com'] });
    expect(judged).toMatchObject({
      lead: { notes: 'Phone as given: 305-555-0123 ask for Ann', email: 'a@example.com' },
    });
    expect(judged).not.toHaveProperty('warnings');
  });

  it.each<[GivenLead, object]>([
    [
      { company: '\\N', city: 'NULL', state: 'n/a' },
      { company: null, city: null, state: null },
    ],
    [
      { notes: '-', address: 'n/a', website: 'none' },
      { notes: null, address: null, website: null },
    ],
    [
      { company: '="Acme"', city: "'Miami" },
      { company: 'Acme', city: 'Miami' },
    ],
    [{ postal_code: '="02139"' }, { postalCode: '02139' }],
    [{ postal_code: 'z:02139' }, { postalCode: '02139' }],
    [{ postal_code: '33101.0' }, { postalCode: '33101' }],
    [
      { first_name: 'Ann', last_name: '-' },
      { firstName: 'Ann', lastName: null },
    ],
    [{ first_name: 'Jennifer', last_name: 'Null' }, { lastName: 'Null' }],
    [{ name: '-', company: 'Acme' }, { name: 'Acme' }],
    [{ name: '-' }, { name: '-' }],
    [{ name: 'Unknown' }, { name: 'Unknown' }],
    [{ name: 'Unknown', company: 'Acme' }, { name: 'Acme' }],
    [
      { name: '', first_name: 'n/a', last_name: 'n/a' },
      { name: 'n/a', firstName: null, lastName: null },
    ],
    [{ tags: ['"vip","old lead"'] }, { tags: ['vip', 'old lead'] }],
    [
      {
        custom: [
          ['Pets', 'none'],
          ['Roof', 'NULL'],
          ['Age', '="7"'],
        ],
      },
      { customFields: { Pets: 'none', Age: '7' } },
    ],
  ])('cleans %j', (given, expected) => expect(leadOf(given)).toMatchObject(expected));

  it('splits tags as exports write them', () => {
    expect(leadOf({ tags: ['* myContacts ::: * Roofing', 'old, vip;old'] }).tags).toEqual([
      'myContacts',
      'Roofing',
      'old',
      'vip',
    ]);
  });

  it('accepts custom fields with any name', () => {
    const { customFields } = leadOf({
      custom: [
        ['__proto__', 'x'],
        ['Roof', ' tile '],
        ['Empty', ' '],
      ],
    });
    expect(Object.entries(customFields)).toEqual([
      ['__proto__', 'x'],
      ['Roof', 'tile'],
    ]);
  });

  it('without a name is named after its company', () => {
    expect(leadOf({ name: '', company: 'Ace Plumbing' }).name).toBe('Ace Plumbing');
  });
});

describe('a row', () => {
  const row = rowJudge(['Name', 'Phone', 'Mobile', 'X'], ['name', 'phone', 'phone', 'custom:X'], 'US');
  it.each<[string, string[], unknown]>([
    [
      'whole',
      ['Ann', '', '305-555-0123', 'x'],
      { ok: true, lead: { phone: '+13055550123', customFields: { X: 'x' } } },
    ],
    ['short', ['Ann', '305-555-0123'], { ok: true, lead: { customFields: {} } }],
    ['too short', ['Ann'], { ok: false, errors: { phone: ['is missing'] } }],
    ['long, with blanks', ['Ann', '305-555-0123', '', 'x', ' ', ''], { ok: true }],
    [
      'long',
      ['Ann', '305-555-0123', '', 'x', 'y'],
      { ok: false, errors: { row: [expect.stringContaining('5 cells where the header has 4')] } },
    ],
  ])('%s', (_name, cells, expected) => {
    expect(row({ row: 7, cells })).toMatchObject({ ...(expected as object), row: 7, cells });
  });

  it('of a corrected rejects file loses the apostrophes added against formulas', () => {
    const ours = rowJudge(['Name', 'Phone', 'Rejected because'], ['name', 'phone', null], 'US');
    expect(ours({ row: 2, cells: ["'=Ann", "'+13055550123", 'x'] })).toMatchObject({
      lead: { name: '=Ann' },
    });
    const theirs = rowJudge(['Name', 'Phone'], ['name', 'phone'], 'US');
    expect(theirs({ row: 2, cells: ["'=Ann", "'+13055550123"] })).toMatchObject({
      lead: { name: '=Ann', phone: '+13055550123' },
    });
  });
});
