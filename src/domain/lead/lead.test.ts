import { expect, test } from 'vitest';
import { leadIdPattern, newLeadId, splitLead } from './lead.ts';

test('a new id is lead_ and eight of a-z0-9, without the bytes that would bias it', () => {
  const draws = [
    Uint8Array.from([0, 255, 25, 252, 26, 35, 36, 253]),
    Uint8Array.from([251, 1, 2, 3, 4, 5, 6, 7]),
  ];
  const id = newLeadId(() => draws.shift() ?? new Uint8Array());
  expect(id).toBe('lead_az09a9bc');
  expect(leadIdPattern.test(id)).toBe(true);
});

test.each([
  ['lead_abc12345', true],
  ['lead_A', true],
  [`lead_${'x'.repeat(64)}`, true],
  [`lead_${'x'.repeat(65)}`, false],
  ['lead_', false],
  ['lead_a-b', false],
  ['lead_abc\n', false],
  ['Lead_abc', false],
  ['xlead_abc', false],
])('%j is an id: %s', (value, expected) => {
  expect(leadIdPattern.test(value)).toBe(expected);
});

test('the public part has no contact data, the locked part has all of it', () => {
  const { public: shown, contact } = splitLead({
    city: 'Miami',
    serviceType: '60 min Mobile Massage',
    preferredTimeWindow: 'Evening (6-9 PM)',
    budgetRange: null,
    notes: 'Call 305-555-0123 or sarah@email.com',
    name: 'Sarah Johnson',
    phone: '+1234567890',
    phoneValid: false,
    email: 'sarah@email.com',
    address: '123 Ocean Drive',
  });
  expect(shown).toEqual({
    city: 'Miami',
    serviceType: '60 min Mobile Massage',
    preferredTimeWindow: 'Evening (6-9 PM)',
    budgetRange: null,
    notesSnippet: 'Call [hidden] or [hidden]',
  });
  expect(contact).toEqual({
    name: 'Sarah Johnson',
    phone: '+1234567890',
    phoneValid: false,
    email: 'sarah@email.com',
    address: '123 Ocean Drive',
    notes: 'Call 305-555-0123 or sarah@email.com',
  });
});
