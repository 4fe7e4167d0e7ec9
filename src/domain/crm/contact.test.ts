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
      place: 'own',
      leftOut: [],
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

  it('sends no number that the CRM refuses, with or without an address', () => {
    const odd = { ...lead, phone: '305-555-0142 ext. 5', phoneValid: false };
    const byAddress = planContact(odd, plain);
    expect(byAddress).toMatchObject({ place: 'own', leftOut: ['phone'] });
    expect(byAddress.contact.phone).toBeUndefined();
    const unknown = planContact({ ...odd, email: null }, plain);
    expect(unknown).toMatchObject({ place: 'none', leftOut: ['phone'] });
    expect(JSON.stringify(unknown.contact)).not.toContain('305');
  });

  it.each([
    ['Cher', null, null, { firstName: 'Cher', lastName: '' }],
    ['Bob', 'Bob', null, { firstName: 'Bob', lastName: '' }],
    ['Lee', null, 'Lee', { firstName: '', lastName: 'Lee' }],
    ['Ann Lee', 'Ann', 'Lee', { firstName: 'Ann', lastName: 'Lee' }],
  ])(
    'the name %j is written whole, so that no half of another name stays',
    (name, firstName, lastName, names) => {
      const { contact } = planContact({ ...lead, name, more: { firstName, lastName } }, plain);
      expect({ firstName: contact.firstName, lastName: contact.lastName }).toEqual(names);
    },
  );

  it('a lead without a name writes none', () => {
    const { contact } = planContact({ ...lead, name: null }, plain);
    expect(Object.keys(contact)).not.toContain('firstName');
    expect(Object.keys(contact)).not.toContain('lastName');
  });

  it('[F71] an address of another person is kept in the note, and the contact is found by its phone', () => {
    const planned = planContact({ ...lead, addressTaken: true }, plain);
    expect(planned).toMatchObject({
      place: 'own',
      leftOut: ['email'],
      note: 'Call after 5\n\nE-mail, of another contact: Sean@Example.com',
    });
    expect(planned.contact).toMatchObject({ firstName: 'Seán', phone: '+13055550142' });
    expect(planned.contact.email).toBeUndefined();
    expect(planned.hash).toBe(
      personHash({ firstName: 'Seán', lastName: "O'Brien", email: null, phone: '+13055550142' }),
    );
  });

  it('[F71] with an address of another person and no usable phone, a note is added and no field is changed', () => {
    const more = { tags: ['vip'], custom: { Roof: 'flat' }, company: 'Roofs' };
    const guest = { ...lead, phone: 'call me', phoneValid: false, addressTaken: true, more };
    expect(planContact(guest, { ...plain, fieldMapping: { Roof: 'f1', notes: 'f2' } })).toMatchObject({
      contact: {},
      tags: [],
      place: 'guest',
      note: "Call after 5\nRoof: flat\n\nAnother lead with this e-mail address: Seán O'Brien",
    });
  });

  it('keeps further numbers in the note, also when the notes are mapped to a field', () => {
    const more = { otherPhones: ['+13055550143', '555-0144'] };
    const others = 'Other phone: +13055550143\nOther phone: 555-0144';
    expect(planContact({ ...lead, more }, plain).note).toBe(`Call after 5\n${others}`);
    expect(planContact({ ...lead, more }, { ...plain, fieldMapping: { notes: 'f2' } }).note).toBe(others);
  });
});
