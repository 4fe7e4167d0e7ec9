import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UploadedContact } from '../../src/usecases/lead/upload.ts';
import { asOperator } from '../harness/company-people.ts';
import { anotherCompany, type Uploader } from '../harness/import-client.ts';
import { startSystem, type TestSystem } from '../harness/system.ts';

let system: TestSystem;
let made = 0;
beforeAll(async () => {
  system = await startSystem({ workers: ['importer'] });
});
afterAll(() => system?.stop());

const company = () => anotherCompany(system, `cells-${++made}`);
const csvOf = (rows: readonly (readonly string[])[]) =>
  rows.map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\r\n');

type Stored = { phone: string; valid: boolean; email: string | null; name: string; notes: string | null };

async function stored({ organizationId }: Uploader): Promise<(Stored & UploadedContact)[]> {
  const rows = await system.rows<{ contact: string; valid: boolean }>(
    'SELECT contact, phone_valid AS valid FROM leads WHERE organization_id = $1 ORDER BY id',
    [organizationId],
  );
  return rows.map(({ contact, valid }) => ({
    ...system.runtime.vault.openJson<UploadedContact & Stored>(contact),
    valid,
  }));
}

/** A lead as cells, and what is stored of it through every way in; null when it is refused. */
const people: {
  name: string;
  phone: string;
  email: string;
  notes: string;
  becomes: Partial<Stored> | null;
}[] = [
  {
    name: '="Ann Lee"',
    phone: '="3055550101"',
    email: '="ann@example.com"',
    notes: 'NULL',
    becomes: { name: 'Ann Lee', phone: '+13055550101', valid: true, email: 'ann@example.com', notes: null },
  },
  {
    name: "'Bob Roe",
    phone: "'+13055550102",
    email: "'bob@example.com",
    notes: '-',
    becomes: { name: 'Bob Roe', phone: '+13055550102', valid: true, email: 'bob@example.com', notes: null },
  },
  {
    name: '\u202aCid Poe\u202c',
    phone: '305-555-0103 ext. 12',
    email: 'noemail',
    notes: 'old client',
    becomes: {
      name: 'Cid Poe',
      phone: '+13055550103',
      valid: true,
      email: null,
      notes: 'old client\nExtension: 12',
    },
  },
  {
    name: 'Dee Doe',
    phone: 'Cell: 305-555-0104 / 786-555-0104',
    email: 'Dee <o&leary@example.com>',
    notes: '',
    becomes: { phone: '+13055550104', valid: true, email: 'o&leary@example.com', notes: null },
  },
  {
    name: 'Eve Moe',
    phone: '３０５-５５５-０１０５',
    email: 'jörg@münchen.example',
    notes: '',
    becomes: { phone: '+13055550105', valid: true, email: 'jörg@xn--mnchen-3ya.example' },
  },
  {
    name: 'Fay Loe',
    phone: '555-1234',
    email: 'n/a',
    notes: '',
    becomes: { phone: '555-1234', valid: false, email: null },
  },
  { name: 'Gus Koe', phone: '\u200b\u2060', email: 'gus@example.com', notes: '', becomes: null },
  { name: 'Hal Joe', phone: 'call me', email: 'hal@example.com', notes: '', becomes: null },
  { name: 'Ida Hoe', phone: '++++++++', email: '', notes: '', becomes: null },
  { name: '\\N', phone: '305-555-0106', email: '', notes: '', becomes: null },
];
const kept = people.flatMap(({ becomes }) => becomes ?? []);
const warnings = { email: 1, phone: 1 };

describe('[F75] every way in reads a cell alike', () => {
  it('a CSV', async () => {
    const uploader = await company();
    const rows = people.map(({ name, phone, email, notes }) => [name, phone, email, notes]);
    const file = csvOf([['Full Name', 'Phone', 'Email', 'Notes'], ...rows]);
    const received = await uploader.upload(file);
    expect(received.body.preview).toMatchObject({ problem: null, dropped: [], warnings });
    const answer = await uploader.form('/leads/csv', new Blob([`${file}\r\n`]), {
      company_id: String(uploader.number),
    });
    expect(answer.body.summary).toMatchObject({ leads_created: kept.length, invalid_rows: 4 });
    expect(answer.body.warnings).toEqual(warnings);
    expect(answer.body.invalid_rows.map(({ errors }: { errors: object }) => Object.keys(errors))).toEqual([
      ['phone'],
      ['phone'],
      ['phone'],
      ['name'],
    ]);
    expect(await stored(uploader)).toMatchObject(kept);
    const { body } = await uploader.call('GET', `/api/imports/${answer.body.import_id}`);
    expect(body.import.warnings).toEqual(warnings);
  });

  it('a bulk upload', async () => {
    const uploader = await company();
    const leads = people.map(({ becomes: _becomes, ...lead }) => ({ ...lead, company_id: uploader.number }));
    const { body } = await uploader.call('POST', '/api/leads/bulk', { leads });
    expect(body.summary).toMatchObject({ created: kept.length, invalid: 4 });
    expect(body.warnings).toEqual([
      { index: 2, warnings: { email: [expect.stringContaining('kept without it')] } },
      { index: 5, warnings: { phone: [expect.stringContaining('cannot be texted')] } },
    ]);
    expect(await stored(uploader)).toMatchObject(kept);
  });

  it('single leads', async () => {
    const uploader = await company();
    const answers = [];
    for (const { becomes: _becomes, ...lead } of people)
      answers.push(await uploader.call('POST', '/leads/single', { ...lead, company_id: uploader.number }));
    expect(answers.map(({ status }) => status)).toEqual(people.map(({ becomes }) => (becomes ? 201 : 400)));
    expect(answers[0]!.body).not.toHaveProperty('warnings');
    expect(answers[2]!.body.warnings).toEqual({ email: [expect.stringContaining('kept without it')] });
    expect(answers[6]!.body.errors).toEqual({ phone: ['is missing'] });
    expect(await stored(uploader)).toMatchObject(kept);
  });

  it('the form of a company', async () => {
    const uploader = await company();
    const operator = await asOperator(system);
    const answers: Response[] = [];
    for (const { becomes: _becomes, ...lead } of people)
      answers.push(await operator.post(`/dashboard/${uploader.number}/lead`, lead));
    expect(answers.map(({ status }) => status)).toEqual(people.map(({ becomes }) => (becomes ? 303 : 400)));
    expect(await stored(uploader)).toMatchObject(kept);
    const page = await (await operator.get(answers[2]!.headers.get('location')!)).text();
    expect(page).toContain('Its email address could not be read, and was left out.');
  });
});

describe('the same person, however the number is written, is a duplicate', () => {
  it.each([
    [
      [
        '305-555-0101',
        '+1 305 555 0101',
        '="3055550101"',
        "'(305) 555-0101",
        '305.555.0101 x5',
        'Cell: 305 555 0101',
      ],
    ],
    [['+52 1 55 1234 5678', '+52 55 1234 5678', '0052 1 55 1234 5678', '521 55 1234 5678']],
    [['555-1234', '555 1234', '555.1234', 'Home: 555-1234']],
  ])('%j', async (phones) => {
    const uploader = await company();
    const leads = phones.map((phone, i) => ({ name: `P ${i}`, phone, company_id: uploader.number }));
    const first = await uploader.call('POST', '/api/leads/bulk', { leads: leads.slice(0, 1) });
    expect(first.body.summary).toMatchObject({ created: 1, duplicates: 0 });
    const { body } = await uploader.call('POST', '/api/leads/bulk', { leads });
    expect(body.summary).toMatchObject({ created: 0, duplicates: phones.length, invalid: 0 });
  });
});

it('further numbers of a row are stored with it', async () => {
  const uploader = await company();
  const rows = [
    ['Name', 'Other phone', 'Phone'],
    ['Ann', '786-555-0101', '305-555-0101/305-555-0102'],
  ];
  await uploader.form('/leads/csv', new Blob([csvOf(rows)]), { company_id: String(uploader.number) });
  expect(await stored(uploader)).toMatchObject([
    { phone: '+13055550101', more: { otherPhones: ['+13055550102', '+17865550101'] } },
  ]);
});
