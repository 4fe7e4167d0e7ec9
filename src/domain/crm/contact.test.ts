import { describe, expect, it } from 'vitest';
import { countryCode, type LeadForCrm, personHash, planContact } from './contact.ts';

const lead: LeadForCrm = {
  name: "Seán O'Brien",
  phone: '+13055550142',
  phoneValid: true,
  email: 'Sean@Example.com',
  address: '1 Main St',
  notes: 'Call after 5',
  city: 'Miami',
};
const plain = { tags: ['old_lead_reactivation'], sourceLabel: null, fieldMapping: {} };

describe('planContact', () => {
  it('splits the name, omits absent fields and keeps the note separate', () => {
    expect(planContact(lead, plain)).toEqual({
      contact: {
        firstName: 'Seán',
        lastName: "O'Brien",
        email: 'Sean@Example.com',
        phone: '+13055550142',
        address1: '1 Main St',
        city: 'Miami',
      },
      tags: ['old_lead_reactivation'],
      note: 'Call after 5',
      hash: personHash({
        firstName: 'Seán',
        lastName: "O'Brien",
        email: 'sean@example.com',
        phone: '+13055550142',
      }),
    });
  });

  it("maps custom columns and notes to the company's fields", () => {
    const more = {
      custom: { Roof: 'flat', Unmapped: 'x', __proto__: 'y' },
      tags: ['vip', 'old_lead_reactivation'],
    };
    const wishes = { ...plain, sourceLabel: 'Spreadsheet', fieldMapping: { Roof: 'f1', notes: 'f2' } };
    const planned = planContact({ ...lead, more }, wishes);
    expect(planned.contact.customFields).toEqual({ f1: 'flat', f2: 'Call after 5' });
    expect(planned.contact.source).toBe('Spreadsheet');
    expect(planned.tags).toEqual(['old_lead_reactivation', 'vip']);
    // `__proto__: 'y'` in a literal sets a prototype, so there is no such field.
    expect(planned.note).toBe('Unmapped: x');
  });

  it('drops no value: what has no field in the CRM is added to the note', () => {
    const more = { custom: { Budget: '$10', Roof: 'flat', constructor: 'c' } };
    const planned = planContact({ ...lead, more }, { ...plain, fieldMapping: { Roof: 'f1' } });
    expect(planned.contact.customFields).toEqual({ f1: 'flat' });
    expect(planned.note).toBe('Call after 5\nBudget: $10\nconstructor: c');
    expect(planContact({ ...lead, notes: null, more: {} }, plain).note).toBeNull();
  });

  it('sends an invalid number only when nothing else identifies the contact', () => {
    const odd = { ...lead, phone: '+1-555-1234', phoneValid: false };
    expect(planContact(odd, plain).contact.phone).toBeUndefined();
    expect(planContact({ ...odd, email: null }, plain).contact.phone).toBe('+1-555-1234');
  });
});

it.each([
  ['us', 'US'],
  ['United States', 'US'],
  ['U.S.A.', 'US'],
  ['México', null],
  ['Mexico', 'MX'],
  ['Narnia', null],
  [null, null],
])('country %s is %s', (given, code) => expect(countryCode(given)).toBe(code));
