import { describe, expect, it } from 'vitest';
import { companyIdOf, judgeGiven } from './given.ts';

const lead = { name: 'Sarah Johnson', phone: '(305) 555-0142', company_id: 1 };

describe('a lead sent to the API', () => {
  it('accepts lead fields and ignores others', () => {
    const judged = judgeGiven(
      {
        ...lead,
        ...{
          email: 'sarah@example.com',
          notes: '=1+1',
          tags: ['a', 'a', 'b'],
          custom_fields: { Budget: '$5' },
        },
        status: 'success',
        organization: 'x',
        phones: ['+34612345678'],
        customFields: {},
      },
      'US',
      null,
    );
    expect(judged).toMatchObject({
      ok: true,
      lead: {
        name: 'Sarah Johnson',
        phone: '+13055550142',
        phoneValid: true,
        email: 'sarah@example.com',
        notes: '=1+1',
        tags: ['a', 'b'],
        customFields: { Budget: '$5' },
      },
    });
    expect(JSON.stringify(judged)).not.toMatch(/success|34612345678/);
  });

  it.each([null, undefined, 'Sarah', 7, [], true])('cannot be %j', (data) => {
    expect(judgeGiven(data, 'US', null)).toEqual({ ok: false, errors: { lead: ['must be an object'] } });
  });

  it.each([
    [{ phone: 13055550142 }, { phone: ['must be a text, in quotes'] }],
    [{ name: { first: 'Sarah' } }, { name: ['must be a text, in quotes'] }],
    [{ phone: null }, { phone: ['is missing'] }],
    [{ tags: 'a, b', notes: 7 }, { notes: ['must be a text, in quotes'] }],
    [{ tags: [['a']] }, { tags: ['must be a list of texts'] }],
    [{ custom_fields: [] }, { custom_fields: ['must be an object: name -> text'] }],
    [{ custom_fields: { Budget: 5 } }, { custom_fields: ['“Budget” must be a name with a text'] }],
    [{ custom_fields: { 'a\0': 'x' } }, { custom_fields: [expect.stringContaining('must be a name')] }],
    [{ custom_fields: { Budget: 'a\0' } }, { 'custom:Budget': ['contains a NUL character'] }],
  ])('with %j is refused', (fields, errors) => {
    expect(judgeGiven({ ...lead, ...fields }, 'US', null)).toEqual({ ok: false, errors });
  });

  it.each([
    [
      { email: '', notes: '', city: '' },
      { email: null, notes: null, city: null },
    ],
    [
      { email: null, tags: null, custom_fields: null },
      { email: null, tags: [], customFields: {} },
    ],
    [
      { tags: '', custom_fields: '' },
      { tags: [], customFields: {} },
    ],
    [
      { email: 'NULL', company: '\\N', state: 'n/a' },
      { email: null, company: null, state: null },
    ],
    [{ email: 'Ann <ann@example.com>' }, { email: 'ann@example.com' }],
    [{ email: 'o&leary@example.com' }, { email: 'o&leary@example.com' }],
    [
      { phone: '="3055550142"', postal_code: '="02139"' },
      { phone: '+13055550142', postalCode: '02139' },
    ],
    [{ phone: '305-555-0142 x5' }, { phone: '+13055550142', notes: 'Extension: 5' }],
    [{ tags: '"vip","old lead"' }, { tags: ['vip', 'old lead'] }],
    [{ country: 'UK', phone: '020 7946 0018' }, { phone: '+442079460018' }],
  ])('is read like a row of a file: %j', (fields, expected) => {
    expect(judgeGiven({ ...lead, ...fields }, 'US', null)).toMatchObject({ ok: true, lead: expected });
  });

  it('reports an invalid company with the other errors', () => {
    expect(judgeGiven({ ...lead, phone: 'x' }, 'US', 'is missing')).toEqual({
      ok: false,
      errors: { phone: ['is not a phone number'], company_id: ['is missing'] },
    });
  });

  it('keeps a field named __proto__', () => {
    const judged = judgeGiven({ ...lead, custom_fields: JSON.parse('{"__proto__":"x"}') }, 'US', null);
    expect(judged.ok && Object.entries(judged.lead.customFields)).toEqual([['__proto__', 'x']]);
  });
});

it.each([
  [{ company_id: 1 }, 1],
  [{ company_id: 2_147_483_648 }, null],
  [{ company_id: '1' }, null],
  [{ company_id: 1.5 }, null],
  [{ company_id: 0 }, null],
  [{}, null],
  [null, null],
  ['x', null],
])('company_id of %j is %j', (data, id) => {
  expect(companyIdOf(data)).toBe(id);
});
