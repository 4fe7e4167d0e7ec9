import { expect, it } from 'vitest';
import { leadContactOf } from './lead-contact.ts';

const nothing = { name: null, phone: null, email: null, address: null, notes: null };

it.each([
  ['nothing', {}, nothing],
  [
    'names of its own',
    {
      First_Name: 'Ann',
      lastName: 'Lee',
      mobile: '+13055550142',
      contact: 'ann@example.com',
      street: '1 Main St',
    },
    { name: 'Ann Lee', phone: '+13055550142', email: 'ann@example.com', address: '1 Main St', notes: null },
  ],
  [
    'a whole name beside its parts',
    { name: 'Ann Lee', first_name: 'Ann' },
    { ...nothing, name: 'Ann Lee', notes: 'name: Ann' },
  ],
  [
    'values of a category',
    {
      full_name: 'Ann Lee',
      roof_age: 12,
      is_owner: true,
      has_pets: false,
      zip: '33101',
      empty: ' ',
      gone: null,
    },
    { ...nothing, name: 'Ann Lee', notes: 'roof age: 12; is owner: yes; has pets: no; zip: 33101' },
  ],
  [
    'a second phone',
    { phone: '+13055550142', phone_2: '+13055550143' },
    { ...nothing, phone: '+13055550142', notes: 'phone 2: +13055550143' },
  ],
  ['one name only', { last_name: 'Lee' }, { ...nothing, name: 'Lee' }],
])('%s', (_name, values, contact) => {
  expect(leadContactOf(values)).toEqual(contact);
});
