import { describe, expect, it } from 'vitest';
import { guessMapping } from './mapping.ts';
import { rowJudge } from './rows.ts';

/** The leads of rows written as CSV without quotes, with the mapping that is guessed. */
function leadsOf(header: string, ...rows: string[]) {
  const columns = header.split(',');
  const cells = rows.map((row) => row.split(','));
  const mapping = guessMapping(columns, cells, { region: 'US' }).map(({ target }) => target);
  const judge = rowJudge(columns, mapping, 'US');
  return cells.map((each, i) => {
    const judged = judge({ row: i + 2, cells: each });
    return judged.ok ? judged.lead : judged.errors;
  });
}

describe('a row', () => {
  it('uses the first filled column of a field, by the preference of the names', () => {
    const header = 'Name,Other phone,Mobile,Phone,Comments,Description';
    expect(
      leadsOf(
        header,
        'Ann,3055550103,3055550102,3055550101,c,d',
        'Bob,3055550103,3055550102,,,d',
        'Cid,3055550103,n/a,NULL,c,',
      ),
    ).toMatchObject([
      { phone: '+13055550101', otherPhones: ['+13055550102', '+13055550103'], notes: 'd' },
      { phone: '+13055550102', notes: 'd' },
      { phone: '+13055550103', otherPhones: [], notes: 'c' },
    ]);
  });

  it('takes all parts of the address from the group that is filled', () => {
    const header =
      'First Name,Last Name,Phone,Business Street,Business City,Business State,Business Postal Code,Home Street,Home City,Home State,Home Postal Code';
    expect(
      leadsOf(
        header,
        'Ann,Lee,3055550101,1 Main St,Miami,FL,33101,2 Oak St,Tampa,FL,33602',
        'Bob,Roe,3055550102,,,,,2 Oak St,Tampa,FL,33602',
        'Cid,Poe,3055550103,,Miami,,,2 Oak St,Tampa,FL,33602',
      ),
    ).toMatchObject([
      { address: '1 Main St', city: 'Miami', postalCode: '33101' },
      { address: '2 Oak St', city: 'Tampa', postalCode: '33602' },
      { address: null, city: 'Miami', state: null, postalCode: null },
    ]);
  });

  it.each([
    ['Address,City,State,Postal Code', '1 Main St,Miami,FL,33101'],
    ['Street Address,City,State,Postal Zip Code', '1 Main St,Miami,FL,33101'],
    ['Address,City,State,Postal', '1 Main St,Miami,FL,33101'],
    ['Mailing Street,Mailing City,Mailing State,Mailing Postal Code', '1 Main St,Miami,FL,33101'],
    ['Postal Address,Postal City,Postal State,Postal Postcode', '1 Main St,Miami,FL,33101'],
  ])('has the postal code of its address: %s', (header, cells) => {
    expect(leadsOf(`Name,Phone,${header}`, `Ann,3055550101,${cells}`)).toMatchObject([
      { address: '1 Main St', city: 'Miami', state: 'FL', postalCode: '33101' },
    ]);
  });

  it('has the second line of its address once', () => {
    const header = 'Name,Phone,Billing Street,Billing Address1,Billing Address2';
    expect(
      leadsOf(header, 'Ann,3055550101,1 Main St Apt 2,1 Main St,Apt 2', 'Bob,3055550102,2 Oak St,,Unit 3'),
    ).toMatchObject([{ address: '1 Main St Apt 2' }, { address: '2 Oak St, Unit 3' }]);
  });

  it.each([
    ['14 Oak St', '4', '14 Oak St, 4'],
    ['4 Oak St', '4', '4 Oak St, 4'],
    ['14 Bishop St', 'B', '14 Bishop St, B'],
    ['1 Main St Apt 22', 'Apt 2', '1 Main St Apt 22, Apt 2'],
    ['1 Main St, 4B', '4B', '1 Main St, 4B'],
    ['1 Main St\nApt 2', 'Apt 2', '1 Main St\nApt 2'],
    ['1 Main St, Apt 2, Miami', 'Apt 2', '1 Main St, Apt 2, Miami'],
  ])('of %j and %j has the address %j', (first, second, address) => {
    const judge = rowJudge(
      ['Name', 'Phone', 'Address 1', 'Address 2'],
      ['name', 'phone', 'address', 'address'],
      'US',
    );
    expect(judge({ row: 2, cells: ['Ann', '3055550101', first, second] })).toMatchObject({
      lead: { address },
    });
  });

  it.each([
    ['Address 2,Address 1', 'Apt 2,1 Main St', { address: '1 Main St, Apt 2' }],
    ['Address 1,Address 2', '1 Main St,n/a', { address: '1 Main St' }],
    ['Home Street,Home City,Country', '1 Main St,Miami,US', { address: '1 Main St', country: 'US' }],
    ['Billing Address,Home Street,Home City', '9 Elm St,1 Main St,Miami', { address: '1 Main St' }],
    ['Billing Address,Home Street,Home City', '9 Elm St,n/a,', { address: '9 Elm St', city: null }],
    ['Full name we should ask for,Billing Name', 'Ann Lee,Bob Roe', { name: 'Ann Lee' }],
  ])('has of %s the fullest and its own: %s', (header, cells, expected) => {
    expect(leadsOf(`Company,Phone,${header}`, `Acme,3055550101,${cells}`)).toMatchObject([expected]);
  });

  it('is not named after its order', () => {
    const header = 'Name,Email,Billing Name,Billing Phone';
    expect(leadsOf(header, '#1001,ann@example.com,Ann Lee,3055550101')).toMatchObject([{ name: 'Ann Lee' }]);
    expect(leadsOf(header, '#EU-1001,,Ann Lee,3055550101', '#EU-1002,,Bob Roe,3055550102')).toMatchObject([
      { name: 'Ann Lee' },
      { name: 'Bob Roe' },
    ]);
    expect(leadsOf('Name,Phone', '#1 Plumbing,3055550101', '7,3055550102')).toMatchObject([
      { name: '#1 Plumbing' },
      { name: '7' },
    ]);
  });

  it.each([
    ['Name,Phone,Agent Email', 'Ann,3055550101,joe@example.com'],
    ['Name,Phone,Lender Contact,Created By', 'Ann,3055550101,joe@example.com,joe@example.com'],
    ['User Name,User Email,Invitee Name,Phone', 'Joe,joe@example.com,Ann,3055550101'],
    ['Name,Phone,Contact 2 E-mail', 'Ann,3055550101,joe@example.com'],
  ])('has no address of another person: %s', (header, cells) => {
    const own = header.includes('Invitee') ? 'Invitee Email' : 'Note';
    const value = own === 'Note' ? 'x' : 'ann@example.com';
    expect(leadsOf(`${header},${own}`, `${cells},${value}`)).toMatchObject([
      { name: 'Ann', phone: '+13055550101', email: own === 'Note' ? null : 'ann@example.com' },
    ]);
  });

  it.each(['User Email', 'Login'])('has an address from a column %s, where there is no other', (column) => {
    expect(leadsOf(`Name,Phone,${column}`, 'Ann,3055550101,ann@example.com')).toMatchObject([
      { email: 'ann@example.com' },
    ]);
  });

  it('has no phone of another person or device', () => {
    expect(leadsOf('Tracking Number,Name,Mobile No', '3055550199,Ann,3055550101')).toMatchObject([
      { phone: '+13055550101', otherPhones: [] },
    ]);
    const given = leadsOf('Name,Fax,Contact 2 Phone', 'Ann,3055550101,7865550101');
    expect(given).toEqual([{ phone: ['is missing'] }]);
  });

  it('has a full name under a word that is also a first name', () => {
    expect(leadsOf('Nombre del contacto,Teléfono', 'Ana Lima,3055550101')).toMatchObject([
      { name: 'Ana Lima', firstName: null, lastName: null },
    ]);
    expect(leadsOf('Nombre del cliente,Apellidos del cliente,Teléfono', 'Ana,Lima,3055550101')).toMatchObject(
      [{ name: 'Ana Lima', lastName: 'Lima' }],
    );
  });

  it.each(['Name,Surname', 'Nombre,Apellidos', 'Customer Name,Last Name'])(
    'has both parts of its name: %s',
    (header) => {
      expect(leadsOf(`${header},Phone`, 'Ann,Lee,3055550101')).toMatchObject([
        { name: 'Ann Lee', firstName: 'Ann', lastName: 'Lee' },
      ]);
    },
  );

  it('is never a person made of two', () => {
    const header = 'Billing First Name,Billing Last Name,Shipping First Name,Shipping Last Name,Phone';
    expect(
      leadsOf(header, 'Ann,Lee,Bob,Roe,3055550101', 'Ann,,Bob,Roe,3055550102', ',,Bob,Roe,3055550103'),
    ).toMatchObject([
      { firstName: 'Ann', lastName: 'Lee' },
      { firstName: 'Ann', lastName: null, name: 'Ann' },
      { firstName: 'Bob', lastName: 'Roe' },
    ]);
  });

  it('prefers the person the row is about to a recipient', () => {
    expect(
      leadsOf('Customer Name,Shipping First Name,Shipping Last Name,Phone', 'Ann Lee,Bob,Roe,3055550101'),
    ).toMatchObject([{ name: 'Ann Lee', firstName: null, lastName: null }]);
  });

  it('joins the second line of an address', () => {
    expect(
      leadsOf(
        'Name,Phone,Address,Address 2',
        'Ann,3055550101,1 Main St,Apt 4',
        'Bob,3055550102,1 Main St,',
        'Cid,3055550103,,Apt 4',
      ),
    ).toMatchObject([{ address: '1 Main St, Apt 4' }, { address: '1 Main St' }, { address: 'Apt 4' }]);
  });

  it('of Meta loses the marks before its numbers', () => {
    expect(leadsOf('full_name,phone_number,zip_code', 'Ann,p:+13055550101,z:02139')).toMatchObject([
      { phone: '+13055550101', postalCode: '02139' },
    ]);
  });

  it('reads numbers as in its country', () => {
    expect(
      leadsOf(
        'Name,Phone,Country',
        'Ann,020 7946 0018,UK',
        'Bob,020 7946 0019,United Kingdom',
        'Cid,305-555-0103,U.S.',
        'Dee,305-555-0104,XX',
        'Eve,612 34 56 78,España',
        'Fay,305-555-0105,Spain',
        'Gus,55 1234 5678,México',
      ).map((lead) => lead.phone),
    ).toEqual([
      '+442079460018',
      '+442079460019',
      '+13055550103',
      '+13055550104',
      '+34612345678',
      '+13055550105',
      '+525512345678',
    ]);
  });
});

describe('a column is accepted by its name only when its cells fit', () => {
  const targets = (header: string, ...rows: string[]) =>
    guessMapping(
      header.split(','),
      rows.map((row) => row.split(',')),
      { region: 'US' },
    ).map(({ target }) => target);

  it.each<[string, string[], (string | null)[]]>([
    ['Name,Phone,Email', ['Ann,3055550101,yes', 'Bob,3055550102,no'], ['name', 'phone', null]],
    ['Name,Phone,Email', ['Ann,3055550101,TRUE', 'Bob,3055550102,FALSE'], ['name', 'phone', null]],
    ['Name,Phone,Email', ['Ann,3055550101,1', 'Bob,3055550102,0'], ['name', 'phone', null]],
    ['Name,Phone,Email', ['Ann,3055550101,noemail', 'Bob,3055550102,b@x.com'], ['name', 'phone', 'email']],
    ['Name,Phone,Email', ['Ann,3055550101,', 'Bob,3055550102,'], ['name', 'phone', 'email']],
    ['Name,Phone,Best email to use', ['Ann,3055550101,yes', 'Bob,3055550102,no'], ['name', 'phone', null]],
    ['Name,Phone,Best email to use', ['Ann,3055550101,a@x.com'], ['name', 'phone', 'email']],
    ['Name,Mobile,Phone', ['Ann,yes,3055550101', 'Bob,no,3055550102'], ['name', null, 'phone']],
    ['Name,Mobile,Phone', ['Ann,3,3055550101', 'Bob,4,3055550102'], ['name', null, 'phone']],
    ['Name,Phone,Company', ['Ann,3055550101,yes', 'Bob,3055550102,no'], ['name', 'phone', null]],
    ['Name,Phone,Company', ['Ann,3055550101,Acme', 'Bob,3055550102,'], ['name', 'phone', 'company']],
    ['Customer,Name,Phone', ['10023,Ann,3055550101', '10024,Bob,3055550102'], [null, 'name', 'phone']],
    ['Lead,Name,Phone', ['yes,Ann,3055550101', 'no,Bob,3055550102'], [null, 'name', 'phone']],
    ['Customer,Phone', ['Ann Lee,3055550101', 'Bob Roe,3055550102'], ['name', 'phone']],
    ['Contact,Name', ['3055550101,Ann', '3055550102,Bob'], ['phone', 'name']],
    ['Name,Phone,Lead State', ['Ann,3055550101,new', 'Bob,3055550102,closed'], ['name', 'phone', null]],
    ['Name,Phone,State', ['Ann,3055550101,FL', 'Bob,3055550102,GA'], ['name', 'phone', 'state']],
    ['Name,Phone,Your address', ['Ann,3055550101,yes', 'Bob,3055550102,no'], ['name', 'phone', null]],
    ['Name,Phone,Web address', ['Ann,3055550101,Acme Inc', 'Bob,3055550102,Foo'], ['name', 'phone', null]],
    ['Name,Phone,Zip', ['Ann,3055550101,yes', 'Bob,3055550102,no'], ['name', 'phone', null]],
    ['Name,Phone,Country Code', ['Ann,3055550101,1', 'Bob,3055550102,52'], ['name', 'phone', null]],
    [
      'Name,Phone,Contact Country Code',
      ['Ann,3055550101,US', 'Bob,3055550102,MX'],
      ['name', 'phone', 'country'],
    ],
    ['Nombre,Apellidos,Tel', ['Ana,Paz,3055550101'], ['first_name', 'last_name', 'phone']],
    ['Nombre,Tel', ['Ana Paz,3055550101'], ['name', 'phone']],
    ['Vorname,Name,Telefon', ['Ann,Lee,3055550101'], ['first_name', 'last_name', 'phone']],
    ['Prénom,Nom,Téléphone', ['Ann,Lee,3055550101'], ['first_name', 'last_name', 'phone']],
    ['Nom,Téléphone', ['Ann Lee,3055550101'], ['name', 'phone']],
  ])('%s with %j', (header, rows, expected) => expect(targets(header, ...rows)).toEqual(expected));
});
