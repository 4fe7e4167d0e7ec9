import { expect, it } from 'vitest';
import { personHash } from './contact.ts';
import { applyCorrection, changesIn, isShared } from './contact-update.ts';

const report = {
  firstName: 'Amy',
  lastName: 'Lee',
  email: 'amy@example.com',
  phone: '+13055550142',
  smsOptOut: false,
};
const writtenHash = personHash({ ...report, email: 'Amy@Example.com' });

it.each([
  ['our own write', report, { writtenHash, dnd: null }, { person: false, dnd: false }],
  ['an opt-out', { ...report, smsOptOut: true }, { writtenHash, dnd: null }, { person: false, dnd: true }],
  [
    'an opt-out known already',
    { ...report, smsOptOut: true },
    { writtenHash, dnd: true },
    { person: false, dnd: false },
  ],
  ['an opt-in', report, { writtenHash, dnd: true }, { person: false, dnd: true }],
  [
    'nothing of consent',
    { ...report, smsOptOut: null },
    { writtenHash, dnd: true },
    { person: false, dnd: false },
  ],
  ['another name', { ...report, lastName: 'Li' }, { writtenHash, dnd: false }, { person: true, dnd: false }],
  [
    'another name, of a contact that stands for two people',
    { ...report, lastName: 'Li', smsOptOut: true },
    { writtenHash, dnd: false, shared: true },
    { person: false, dnd: true },
  ],
])('%s', (_what, reported, known, changes) => expect(changesIn(reported, known)).toEqual(changes));

it.each([
  [[], false],
  [['a'], false],
  [['a', 'a'], false],
  [['a', 'b'], true],
  [['a', null], true],
] as const)('leads written as %j: shared %s', (hashes, shared) =>
  expect(isShared(hashes.map((writtenHash) => ({ writtenHash })))).toBe(shared),
);

it('a correction keeps fields that are blank in the CRM', () => {
  const contact = {
    name: 'Amy Lee',
    phone: '+13055550142',
    email: 'a@b.co',
    notes: 'x',
    more: { company: 'Roofs' },
  };
  const said = { ...report, lastName: 'Li', email: null, phone: '+13055550143' };
  expect(applyCorrection(contact, said)).toEqual({
    ...contact,
    name: 'Amy Li',
    phone: '+13055550143',
    more: { company: 'Roofs', firstName: 'Amy', lastName: 'Li' },
  });
  expect(applyCorrection(contact, { ...said, firstName: '', lastName: ' ', phone: null })).toEqual(contact);
});
