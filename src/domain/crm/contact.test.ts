import { describe, expect, it } from 'vitest';
import { type LeadForCrm, personHash, planContact } from './contact.ts';

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
    expect(planned.note).toBeNull();
  });

  it('keeps further numbers in the note, also when the notes are mapped to a field', () => {
    const more = { otherPhones: ['+13055550143', '555-0144'] };
    const others = 'Other phone: +13055550143\nOther phone: 555-0144';
    expect(planContact({ ...lead, more }, plain).note).toBe(`Call after 5\n${others}`);
    expect(planContact({ ...lead, more }, { ...plain, fieldMapping: { notes: 'f2' } }).note).toBe(others);
  });

  it('sends an invalid number only when nothing else identifies the contact', () => {
    const odd = { ...lead, phone: '+1-555-1234', phoneValid: false };
    expect(planContact(odd, plain).contact.phone).toBeUndefined();
    expect(planContact({ ...odd, email: null }, plain).contact.phone).toBe('+1-555-1234');
  });
});
