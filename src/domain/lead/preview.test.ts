import { expect, it } from 'vitest';
import { previewOf } from './preview.ts';

const none = { name: null, phone: null, email: null, address: null };

it.each([
  ['Sarah Johnson', 'S•••• J••••'],
  ['Ana María de la Cruz', 'A•••• C••••'],
  ['Ángel', 'Á••••'],
  ['李 小龍', '李•••• 小••••'],
  ['305-555-0142', null],
])('the name %s is previewed as %s', (name, masked) => {
  expect(previewOf({ ...none, name })).toEqual([{ field: 'name', masked }]);
});

it.each([
  ['+13055550199', '(305) •••-••99'],
  ['+34612345678', '+34 ••• ••78'],
  ['+1234567890', null],
  ['call me', null],
])('the phone %s is previewed as %s', (phone, masked) => {
  expect(previewOf({ ...none, phone })).toEqual([{ field: 'phone', masked }]);
});

it('names only the fields that were given, and shows nothing of email and address', () => {
  expect(
    previewOf({ name: ' ', phone: '', email: 'sarah@acme.example', address: '123 Ocean Drive' }),
  ).toEqual([
    { field: 'email', masked: null },
    { field: 'address', masked: null },
  ]);
});
