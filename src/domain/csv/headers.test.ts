import { describe, expect, it } from 'vitest';
import type { LeadField } from '../lead/candidate.ts';
import { fieldOfHeader } from './headers.ts';

const fieldOf = (header: string) => fieldOfHeader(header)?.field ?? null;

const words: Partial<Record<LeadField, string[]>> = {
  first_name: ['first name', 'firstname', 'given name', 'first_name', 'FirstName'],
  last_name: ['last name', 'lastname', 'surname', 'family name', 'last_name', 'LastName'],
  phone: ['phone', 'phone number', 'telephone', 'mobile', 'cell phone', 'mobile phone', 'Phone_Number'],
  email: ['email', 'e-mail', 'email address', 'E-Mail Address', 'EmailAddress'],
  company: ['company', 'company name', 'organization', 'business name'],
  address: ['address', 'address 1', 'street', 'street address', 'address_1', 'Address1'],
  city: ['city', 'town'],
  state: ['state', 'province', 'state/province', 'region'],
  postal_code: ['postal code', 'zip', 'zip code', 'postcode', 'ZipCode'],
  country: ['country'],
};
const before = [
  ...[
    'billing',
    'shipping',
    'customer',
    'contact',
    'invitee',
    'lead',
    'client',
    'primary',
    'attendee',
    'guest',
  ],
  ...[
    'main',
    'buyer',
    'patient',
    'student',
    'recipient',
    'primary contact',
    'default address',
    'bill to',
    'ship to',
  ],
  ...['home', 'work', 'mailing', 'personal', 'delivery', 'other', 'member', 'applicant', 'user', 'your'],
];

describe('every field under every prefix', () => {
  const cases = Object.entries(words).flatMap(([field, names]) =>
    names.flatMap((name) => before.map((prefix) => [prefix, name, field] as const)),
  );

  it(`is recognised: ${cases.length} names`, () => {
    const wrong = cases.filter(
      ([prefix, name, field]) =>
        [
          `${prefix} ${name}`,
          `${prefix}_${name}`.replaceAll(' ', '_'),
          `${prefix}: ${name}`,
          `${name} (${prefix})`,
        ].some((header) => fieldOf(header) !== field) && !isOtherwise(prefix, name),
    );
    expect(wrong.map((each) => each.join(' '))).toEqual([]);
  });

  /** "Business name" of a person's employer and the like mean the same in any order; these do not. */
  const isOtherwise = (prefix: string, name: string) => `${prefix} ${name}` === 'user name';

  it('and last names and companies are in the group of the first names', () => {
    for (const prefix of ['billing', 'shipping']) {
      const groups = ['first name', 'last name', 'company'].map(
        (name) => fieldOfHeader(`${prefix} ${name}`)?.group,
      );
      expect(groups).toEqual([prefix, prefix, prefix]);
    }
    expect(fieldOfHeader('invitee last name')?.group).toBe('');
  });
});

it.each<[string, LeadField | null]>([
  ['Accepts Email Marketing', null],
  ['Accepts SMS Marketing', null],
  ['Email Delivered', null],
  ['Email address delivered', null],
  ['Email Opt In', null],
  ['Email opt-out', null],
  ['Email Status', null],
  ['Email Verified', null],
  ['Email consent', null],
  ['Email Marketing Consent', null],
  ['Subscribed to email', null],
  ['Email subscription', null],
  ['Last email', null],
  ['Emails sent', null],
  ['Email opened', null],
  ['Email bounced', null],
  ['Email permission', null],
  ['Email preferences', null],
  ['Email notifications', null],
  ['Marketing emails', null],
  ['Newsletter email', null],
  ['Email type', null],
  ['Email domain', null],
  ['Email hash', null],
  ['Phone type', null],
  ['Phone verified', null],
  ['Phone consent', null],
  ['Phone carrier', null],
  ['Phone country code', null],
  ['Mobile opt in', null],
  ['IP Address', null],
  ['Address type', null],
  ['Address verified', null],
  ['Assistant’s phone', null],
  ['Emergency contact phone', null],
  ['Referrer email', null],
  ['Referral phone', null],
  ['Contact owner email', null],
  ['Sales rep phone', null],
  ['Assigned to email', null],
  ['Host email', null],
  ['Lead Owner', null],
  ['Lead Status', null],
  ['Customer ID', null],
  ['customer_id', null],
  ['Customer Since', null],
  ['Customer Type', null],
  ['User Name', null],
  ['Username', null],
  ['Order Name', null],
  ['Product Name', null],
  ['Campaign Name', null],
  ['Company Size', null],
  ['Middle Name', null],
  ['Name Suffix', null],
  ['Total Spent', null],
  ['Default Address Company', 'company'],
  ['Default Address Address1', 'address'],
  ['Default Address Zip', 'postal_code'],
  ['Default Address Phone', 'phone'],
  ['Default Address Province Code', 'state'],
  ['Default Address Country Code', 'country'],
  ['Invitee Name', 'name'],
  ['Invitee Email', 'email'],
  ['Billing Name', 'name'],
  ['Ship To Name', 'name'],
  ['Main Contact', 'name'],
  ['Contact Person', 'name'],
  ['Primary Contact Last Name', 'last_name'],
  ['Client Surname', 'last_name'],
  ['contact.last_name', 'last_name'],
  ['billingLastName', 'last_name'],
  ['billing_lastname', 'last_name'],
  ['Name (First)', 'first_name'],
  ['Name (Last)', 'last_name'],
  ['Address (City)', 'city'],
  ['Address (State / Province)', 'state'],
  ['Address (ZIP / Postal Code)', 'postal_code'],
  ['Address (Street Address)', 'address'],
  ['What is your phone number?', 'phone'],
  ['What’s your last name?', 'last_name'],
  ['Name of your company', 'company'],
  ['Nombre completo', 'name'],
  ['Nombres', 'first_name'],
  ['Apellidos', 'last_name'],
  ['Apellidos del cliente', 'last_name'],
  ['Teléfono del contacto', 'phone'],
  ['Correo del cliente', 'email'],
  ['Empresa de facturación', 'company'],
  ['Código postal de facturación', 'postal_code'],
  ['Ciudad de envío', 'city'],
  ['Vorname', 'first_name'],
  ['Nachname', 'last_name'],
  ['Telefonnummer', 'phone'],
  ['Handy', 'phone'],
  ['E-Mail-Adresse', 'email'],
  ['Firma', 'company'],
  ['Straße', 'address'],
  ['PLZ', 'postal_code'],
  ['Ort', 'city'],
  ['Land', 'country'],
  ['Prénom', 'first_name'],
  ['Nom de famille', 'last_name'],
  ['Téléphone', 'phone'],
  ['Adresse e-mail', 'email'],
  ['Société', 'company'],
  ['Code postal', 'postal_code'],
  ['Ville', 'city'],
  ['Pays', 'country'],
  ['Nome completo', 'name'],
  ['Sobrenome', 'last_name'],
  ['Telefone', 'phone'],
  ['Telemóvel', 'phone'],
  ['Cidade', 'city'],
  ['CEP', 'postal_code'],
])('%s is %s', (header, field) => expect(fieldOf(header)).toBe(field));

it.each([
  ['Address 2', true],
  ['Street Line 2', true],
  ['billing_address_2', true],
  ['Business Street 2', true],
  ['Address 1', false],
  ['Address 2 - Street', false],
])('%s continues an address: %s', (header, continues) =>
  expect(fieldOfHeader(header)).toMatchObject({ field: 'address', continues }),
);
