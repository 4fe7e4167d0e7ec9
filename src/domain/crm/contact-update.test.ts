import { expect, it } from 'vitest';
import { personHash } from './contact.ts';
import { applyCorrection, changesIn } from './contact-update.ts';

const told = {
  firstName: 'Amy',
  lastName: 'Lee',
  email: 'amy@example.com',
  phone: '+13055550142',
  smsOptOut: false,
};
const writtenHash = personHash({ ...told, email: 'Amy@Example.com' });

it.each([
  ['our own write', told, { writtenHash, dnd: null }, { person: false, dnd: false }],
  ['an opt-out', { ...told, smsOptOut: true }, { writtenHash, dnd: null }, { person: false, dnd: true }],
  [
    'an opt-out known already',
    { ...told, smsOptOut: true },
    { writtenHash, dnd: true },
    { person: false, dnd: false },
  ],
  ['an opt-in', told, { writtenHash, dnd: true }, { person: false, dnd: true }],
  [
    'nothing of consent',
    { ...told, smsOptOut: null },
    { writtenHash, dnd: true },
    { person: false, dnd: false },
  ],
  ['another name', { ...told, lastName: 'Li' }, { writtenHash, dnd: false }, { person: true, dnd: false }],
])('%s', (_what, said, known, news) => expect(changesIn(said, known)).toEqual(news));

it('a correction keeps what the CRM has blank', () => {
  const contact = {
    name: 'Amy Lee',
    phone: '+13055550142',
    email: 'a@b.co',
    notes: 'x',
    more: { company: 'Roofs' },
  };
  const said = { ...told, lastName: 'Li', email: null, phone: '+13055550143' };
  expect(applyCorrection(contact, said)).toEqual({
    ...contact,
    name: 'Amy Li',
    phone: '+13055550143',
    more: { company: 'Roofs', firstName: 'Amy', lastName: 'Li' },
  });
  expect(applyCorrection(contact, { ...said, firstName: '', lastName: ' ', phone: null })).toEqual(contact);
});
