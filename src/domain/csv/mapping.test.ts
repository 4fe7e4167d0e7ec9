import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedError } from '../errors.ts';
import { headerWords } from './headers.ts';
import { checkMapping, guessMapping, headerKey, looksLikeData } from './mapping.ts';
import { previewCsv } from './preview.ts';
import { rowData, rowJudge } from './rows.ts';

/** The columns that are mapped, as `header → field`. */
function mapped(header: string, rows: string[][] = [], customFields: string[] = []): string[] {
  const columns = header.split(',');
  return guessMapping(columns, rows, { region: 'US', customFields }).flatMap(({ target }, i) =>
    target ? [`${columns[i]} → ${target}`] : [],
  );
}

const google = (labels: string) =>
  `First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Last Name,Name Prefix,Nickname,File As,Organization Name,Organization Title,Birthday,Notes,Photo,${labels},E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,Website 1 - Label,Website 1 - Value`;

describe('columns of common exports', () => {
  it('Google Contacts, new', () => {
    expect(mapped(google('Labels'))).toEqual([
      'First Name → first_name',
      'Last Name → last_name',
      'File As → name',
      'Organization Name → company',
      'Notes → notes',
      'Labels → tags',
      'E-mail 1 - Value → email',
      'Phone 1 - Value → phone',
      'Phone 2 - Value → phone',
      'Address 1 - Street → address',
      'Address 1 - City → city',
      'Address 1 - Region → state',
      'Address 1 - Postal Code → postal_code',
      'Address 1 - Country → country',
      'Website 1 - Value → website',
    ]);
  });

  it('Google Contacts, old', () => {
    expect(
      mapped(
        'Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Name Suffix,Initials,Location,Billing Information,Occupation,Subject,Notes,Language,Group Membership,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Address 1 - Formatted,Address 1 - Street,Address 1 - City,Organization 1 - Type,Organization 1 - Name,Website 1 - Type',
      ),
    ).toEqual([
      'Name → name',
      'Given Name → first_name',
      'Family Name → last_name',
      'Notes → notes',
      'Group Membership → tags',
      'E-mail 1 - Value → email',
      'Phone 1 - Value → phone',
      'Address 1 - Street → address',
      'Address 1 - City → city',
      'Organization 1 - Name → company',
    ]);
  });

  it('Outlook', () => {
    expect(
      mapped(
        "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,Business Street 2,Business City,Business State,Business Postal Code,Business Country/Region,Home Street,Home City,Home State,Home Postal Code,Assistant's Phone,Business Fax,Business Phone,Callback,Home Phone,ISDN,Mobile Phone,Other Fax,Pager,TTY/TDD Phone,Assistant's Name,Birthday,Categories,E-mail Address,E-mail Type,E-mail Display Name,E-mail 2 Address,Manager's Name,Notes,Web Page",
      ),
    ).toEqual([
      'First Name → first_name',
      'Last Name → last_name',
      'Company → company',
      'Business Street → address',
      'Business Street 2 → address',
      'Business City → city',
      'Business State → state',
      'Business Postal Code → postal_code',
      'Business Country/Region → country',
      'Home Street → address',
      'Home City → city',
      'Home State → state',
      'Home Postal Code → postal_code',
      'Business Phone → phone',
      'Home Phone → phone',
      'Mobile Phone → phone',
      'Categories → tags',
      'E-mail Address → email',
      'E-mail 2 Address → email',
      'Notes → notes',
      'Web Page → website',
    ]);
  });

  it.each([
    [
      'HubSpot',
      'Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone Number,Contact owner,Lead Status,Create Date,Company Name,Street Address,City,State/Region,Postal Code,Country/Region,Original Source,Website URL',
      'first_name last_name email phone phone company address city state postal_code country source website',
    ],
    [
      'Salesforce, a report',
      'First Name,Last Name,Title,Company / Account,Email,Phone,Mobile,Lead Source,Lead Owner,Lead Status,Street,City,State/Province,Zip/Postal Code,Country,Description,Rating',
      'first_name last_name company email phone phone source address city state postal_code country notes',
    ],
    [
      'Salesforce, Data Loader',
      'Id,FirstName,LastName,Email,Phone,MobilePhone,Fax,LeadSource,MailingStreet,MailingCity,MailingState,MailingPostalCode,MailingCountry,CreatedDate',
      'first_name last_name email phone phone source address city state postal_code country',
    ],
    [
      'Meta lead ads',
      'id,created_time,ad_id,ad_name,adset_id,campaign_name,form_id,form_name,is_organic,platform,full_name,email,phone_number,street_address,city,state,zip_code,lead_status',
      'source name email phone address city state postal_code',
    ],
    [
      'GoHighLevel',
      'Contact Id,First Name,Last Name,Business Name,Phone,Email,Created,Last Activity,Tags,Additional Phones,Source,Street Address,City,State,Country,Postal Code,Website,DND',
      'first_name last_name company phone email tags phone source address city state country postal_code website',
    ],
    ['plain English', 'Customer Name,Cell #,E-Mail,Comments,ZIP', 'name phone email notes postal_code'],
    [
      'Spanish',
      'Nombre,Apellidos,Teléfono móvil,Correo electrónico,Dirección,Ciudad,Provincia,Código postal,País,Observaciones,Etiquetas,Origen',
      'first_name last_name phone email address city state postal_code country notes tags source',
    ],
    ['Spanish, one name', 'NOMBRE;CELULAR;C.P.'.replaceAll(';', ','), 'name phone postal_code'],
    ['names that are not listed', 'Best phone to reach you,Their full name,Phone consent', 'phone name'],
    ['nothing known', '__proto__,constructor,,x', ''],
  ])('%s', (_name, header, fields) => {
    expect(mapped(header).map((line) => line.split(' → ')[1])).toEqual(
      fields === '' ? [] : fields.split(' '),
    );
  });

  it('compares names without accents, punctuation and case', () => {
    expect(
      ['E-mail 1 - Value', 'e_mail', 'MobilePhone', ' Teléfono: ', 'ZIP/Postal-Code'].map(headerWords),
    ).toEqual(['email 1 value', 'email', 'mobile phone', 'telefono', 'zip postal code']);
  });

  it('detects phone and e-mail columns by their cells', () => {
    const rows = [
      ['Ann', '(305) 555-0123', 'ann@example.com', '2024001'],
      ['Bob', '305-555-0124', '', '2024002'],
    ];
    const guesses = guessMapping(['A', 'B', 'C', 'D'], rows, { region: 'US' });
    expect(guesses.map(({ target, confidence }) => [target, confidence])).toEqual([
      [null, 0],
      ['phone', 0.5],
      ['email', 0.5],
      [null, 0],
    ]);
  });

  it("maps the company's custom fields by name", () => {
    expect(mapped('Name,Phone,Roof type,Age', [], ['Roof Type', '__proto__'])).toEqual([
      'Name → name',
      'Phone → phone',
      'Roof type → custom:Roof Type',
    ]);
  });

  it('detects that the first row is not a header', () => {
    expect(looksLikeData(['Ann', '+1 305 555 0123'], 'US')).toBe(true);
    expect(looksLikeData(['Ann', 'ann@example.com'], 'US')).toBe(true);
    expect(looksLikeData(['Name', 'Phone 1 - Value', '2024'], 'US')).toBe(false);
  });
});

describe('a mapping sent by the uploader', () => {
  const header = ['A', 'B', 'C'];
  it('is accepted when it is valid', () => {
    expect(checkMapping(['name', 'phone', 'custom:__proto__'], header)).toEqual([
      'name',
      'phone',
      'custom:__proto__',
    ]);
    expect(checkMapping(['first_name', 'phone', 'phone'], header)).toEqual(['first_name', 'phone', 'phone']);
    expect(checkMapping(['name', 'phone', ''], header)).toEqual(['name', 'phone', null]);
  });

  it.each([
    ['nothing', null, /each of the 3 columns/],
    ['too few', ['name', 'phone'], /each of the 3 columns/],
    ['no phone', ['name', null, null], /column that holds the phone/],
    ['no name', [null, 'phone', null], /column that holds the name/],
    ['no field of ours', ['name', 'phone', '__proto__'], /"__proto__" is not a field/],
    ['no text', ['name', 'phone', { a: 1 }], /a field or null for each/],
    ['no text at all', ['name', 'phone', { toString: 1, valueOf: 1 }], /a field or null for each/],
    ['a nameless field', ['name', 'phone', 'custom: '], /is not a field/],
    ['twice the same', ['name', 'phone', 'name'], /Two columns are mapped to name/],
  ])('is refused: %s', (_name, mapping, sentence) => {
    expect(() => checkMapping(mapping, header)).toThrow(RefusedError);
    expect(() => checkMapping(mapping, header)).toThrow(sentence);
  });

  it('is stored for the same columns, ignoring punctuation', () => {
    expect(headerKey(['First Name', 'E-mail'])).toBe(headerKey(['first_name', 'email', 'Rejected because']));
    expect(headerKey(['First Name', 'E-mail'])).not.toBe(headerKey(['E-mail', 'First Name']));
    expect(headerKey(['a b', 'c'])).not.toBe(headerKey(['a', 'b c']));
  });
});

describe('the preview', () => {
  async function* file(text: string) {
    yield Buffer.from(text);
  }

  it('shows the first rows and the leads or errors they yield', async () => {
    const preview = await previewCsv(file('Name;Cell;Note\nAnn;(305) 555-0123;x\nBob;1.3E+10;y\nEve;1;z\n'), {
      region: 'US',
      rows: 2,
    });
    expect(preview).toMatchObject({
      encoding: 'utf-8',
      delimiter: ';',
      columns: [
        { header: 'Name', target: 'name', confidence: 1, because: 'header' },
        { header: 'Cell', target: 'phone' },
        { header: 'Note', target: 'notes' },
      ],
      looksLikeData: false,
      rows: [
        { row: 2, cells: ['Ann', '(305) 555-0123', 'x'] },
        { row: 3, cells: ['Bob', '1.3E+10', 'y'] },
      ],
      sample: [
        { row: 2, ok: true, lead: { name: 'Ann', phone: '+13055550123', phoneValid: true, notes: 'x' } },
        { row: 3, ok: false, errors: { phone: [expect.stringContaining('scientific')] } },
      ],
      problem: null,
      dropped: [],
      warnings: {},
    });
  });

  it('names the columns that are dropped, and counts the warnings', async () => {
    const text =
      'Full Name,Phone,Email,Accepts Email Marketing,Empty,Loyalty\nAnn,305-555-0101,noemail,yes,,7\nBob,555-1234,,no,n/a,\n';
    const preview = await previewCsv(file(text), { region: 'US' });
    expect(preview.dropped).toEqual([
      { column: 3, header: 'Accepts Email Marketing' },
      { column: 5, header: 'Loyalty' },
    ]);
    expect(preview.warnings).toEqual({ email: 1, phone: 1 });
    expect(preview.sample).toMatchObject([
      { ok: true, lead: { email: null }, warnings: { email: [expect.stringContaining('without it')] } },
      {
        ok: true,
        lead: { phone: '555-1234' },
        warnings: { phone: [expect.stringContaining('cannot be texted')] },
      },
    ]);
  });

  it('accepts the mapping that it has guessed, also with several columns for a field', async () => {
    const text = 'Name,Phone,Home Street,Business Street\nAnn,305-555-0101,1 Main St,2 Oak St\n';
    const guessed = await previewCsv(file(text), { region: 'US' });
    const mapping = guessed.columns.map(({ target }) => target);
    expect(mapping).toEqual(['name', 'phone', 'address', 'address']);
    const chosen = await previewCsv(file(text), { region: 'US', mapping });
    expect(chosen.sample).toEqual(guessed.sample);
  });

  it('names a missing column, accepts a correction and applies it next time', async () => {
    const text = 'A,B\nAnn,305-555-0123\n';
    const first = await previewCsv(file(text), { region: 'US' });
    expect([first.sample, first.problem]).toEqual([null, 'Select the column that holds the name.']);
    const mapping = ['name', 'phone'];
    const second = await previewCsv(file(text), { region: 'US', mapping });
    expect(second.sample).toMatchObject([{ ok: true, lead: { name: 'Ann' } }]);
    const remembered = (key: string) => (key === first.key ? mapping : null);
    const third = await previewCsv(file(text), { region: 'US', remembered });
    expect(third.columns.map(({ target, because }) => [target, because])).toEqual([
      ['name', 'remembered'],
      ['phone', 'remembered'],
    ]);
    const rejects = await previewCsv(file('A,B,Rejected because\nAnn,305-555-0123,x\n'), {
      region: 'US',
      remembered,
    });
    expect(rejects.sample).toMatchObject([{ ok: true, lead: { name: 'Ann' } }]);
    await expect(previewCsv(file(text), { region: 'US', mapping: ['phone', 'phone'] })).rejects.toThrow(
      RefusedError,
    );
  });

  it('never throws, for any header and any cell', () => {
    const cell = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 1, maxLength: 8 }),
        fc.array(cell, { maxLength: 10 }),
        (header, cells) => {
          const mapping = guessMapping(header, [cells], { region: 'US' }).map(({ target }) => target);
          const judged = rowJudge(header, mapping, 'US')({ row: 2, cells });
          if (!judged.ok)
            expect(Object.values(judged.errors).every((reasons) => reasons.length === 1)).toBe(true);
          expect(Object.keys(rowData(header, cells)).length).toBeLessThanOrEqual(
            Math.max(header.length, cells.length),
          );
        },
      ),
    );
  });

  it('returns a row as an object for any header names', () => {
    const data = rowData(['__proto__', 'Phone', '', 'Phone'], ['a', 'b', 'c', 'd']);
    expect(JSON.stringify(data)).toBe('{"__proto__":"a","Phone":"b","column 3":"c"}');
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });
});
