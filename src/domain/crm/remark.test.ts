import { describe, expect, it } from 'vitest';
import { answeredHash, type Happened, keptFields, keptLines, remarkOn, shownRemark } from './remark.ts';

const sent = { firstName: 'Ann', lastName: 'Lee', email: 'Ann@Example.com', phone: '+13055550150' };
const answered = { ...sent };

it.each([
  ['everything', sent, answered, []],
  ['the address in lower case', sent, { ...answered, email: 'ann@example.com' }, []],
  ['the number with punctuation', sent, { ...answered, phone: '+1 305-555-0150' }, []],
  ['the national number', sent, { ...answered, phone: '(305) 555-0150' }, []],
  ['another number', sent, { ...answered, phone: '+13055550151' }, ['phone']],
  ['no number', sent, { ...answered, phone: null }, ['phone']],
  ['another address', sent, { ...answered, email: 'bob@example.com' }, ['email']],
  ['neither', sent, { ...answered, phone: null, email: null }, ['phone', 'email']],
  ['the last name of another person', { ...sent, lastName: '' }, answered, ['lastName']],
  ['no last name', { ...sent, lastName: '' }, { ...answered, lastName: null }, []],
  ['what was not sent', { phone: sent.phone }, answered, []],
] as const)('the contact has %s after the call', (_what, given, person, kept) =>
  expect(keptFields(given, person)).toEqual(kept),
);

describe('the remark on a lead', () => {
  const plain: Happened = {
    crm: 'GoHighLevel',
    place: 'own',
    leftOut: [],
    ownerId: null,
    kept: [],
    existed: false,
  };

  it.each<[string, Partial<Happened>, string[]]>([
    ['an address of another lead', { leftOut: ['email'], ownerId: 'lead_a' }, ['in a note only', 'lead_a']],
    ['an address of a deleted lead', { leftOut: ['email'] }, ['in a note only', 'another lead']],
    [
      'no phone and an address of another lead',
      { place: 'guest', leftOut: ['phone', 'email'], ownerId: 'lead_a' },
      ['Merged into the contact of lead_a', 'in a note there'],
    ],
    ['a phone that is no number', { leftOut: ['phone'] }, ['The phone was left out']],
    ['a phone of another contact', { kept: ['phone'] }, ['The phone stayed with another contact']],
    ['an address of another contact', { kept: ['email'] }, ['The e-mail address stayed']],
    ['a last name that stayed', { kept: ['lastName'] }, ['kept the last name']],
    [
      'a contact that existed',
      { existed: true },
      ['had a contact with this phone or e-mail address already'],
    ],
  ])('%s is said', (_what, happened, words) => {
    const remark = remarkOn({ ...plain, ...happened });
    for (const word of words) expect(remark).toContain(word);
    expect(remark).not.toMatch(/undefined|null/);
  });

  it('is nothing when nothing happened', () => expect(remarkOn(plain)).toBeNull());

  it('begins with the lead that has the same contact', () => {
    expect(shownRemark({ remark: null, mergedWith: null })).toBeNull();
    expect(shownRemark({ remark: 'More.', mergedWith: 'lead_a' })).toMatch(/^Merged with lead_a: .* More\.$/);
  });
});

it('fields that stayed with another contact are lines of the note', () => {
  expect(keptLines(['phone', 'lastName'], sent)).toEqual(['Phone, of another contact: +13055550150']);
  expect(keptLines(['email'], sent)).toEqual(['E-mail, of another contact: Ann@Example.com']);
});

it('an answer without the contact leaves the planned hash', () => {
  expect(answeredHash(null, 'planned')).toBe('planned');
  expect(answeredHash({ ...answered, email: 'ann@example.com' }, 'planned')).toBe(
    answeredHash(answered, 'planned'),
  );
});
