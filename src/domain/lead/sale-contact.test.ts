import { describe, expect, it } from 'vitest';
import { judgeSaleContact } from './sale-contact.ts';

const judge = (phone: string | null, email: string | null) => judgeSaleContact({ phone, email }, 'US');

describe('[F75] the contact of a lead that is sold', () => {
  it.each<[string | null, string | null, string | null, boolean, string | null, ('phone' | 'email')[]]>([
    ['+13055550101', null, '+13055550101', true, null, []],
    ['(305) 555-0101', 'ann@example.com', '+13055550101', true, 'ann@example.com', []],
    ['\u202a305\u00a0555 0101\u202c', null, '+13055550101', true, null, []],
    ['Cell: 305-555-0101', null, '+13055550101', true, null, []],
    ['+1234567890', 'ann@example.com', '+1234567890', false, 'ann@example.com', []],
    ['+1-555-1234', null, '+1-555-1234', false, null, []],
    [null, 'Ann <ann@example.com>', null, false, 'ann@example.com', []],
    ['', 'o&leary@example.com', null, false, 'o&leary@example.com', []],
    ['n/a', 'jörg@example.com', null, false, 'jörg@example.com', []],
    ['ask for Sarah', 'ann@example.com', null, false, 'ann@example.com', ['phone']],
    ['1.3E+10', 'ann@example.com', null, false, 'ann@example.com', ['phone']],
    ['12345', 'ann@example.com', null, false, 'ann@example.com', ['phone']],
    ['305-555-0101', 'noemail', '+13055550101', true, null, ['email']],
    ['305-555-0101', 'none@none', '+13055550101', true, null, ['email']],
    ['305-555-0101', 'n/a', '+13055550101', true, null, []],
    ['305-555-0101', 'ann@münchen.example', '+13055550101', true, 'ann@xn--mnchen-3ya.example', []],
  ])('%j and %j', (givenPhone, givenEmail, phone, valid, email, leftOut) => {
    const judged = judge(givenPhone, givenEmail);
    if (!judged.ok) throw new Error(JSON.stringify(judged.errors));
    expect(judged.contact.phone).toEqual(phone === null ? null : { value: phone, valid });
    expect(judged.contact.email).toBe(email);
    expect(Object.keys(judged.contact.leftOut)).toEqual(leftOut);
  });

  it.each<[string | null, string | null, ('phone' | 'email')[]]>([
    [null, null, ['phone']],
    ['', ' ', ['phone']],
    ['\u200b', null, ['phone']],
    ['\u200b\u2060', '\ufeff', ['phone']],
    ['\u3164', null, ['phone']],
    ['\u2800\u2800', null, ['phone']],
    ['-', 'n/a', ['phone']],
    ['NULL', '\\N', ['phone']],
    ['none', null, ['phone']],
    ['call me', null, ['phone']],
    ['()+--', null, ['phone']],
    ['++++++++', null, ['phone']],
    ['1', null, ['phone']],
    ['123-456', null, ['phone']],
    ['1.30556E+10', null, ['phone']],
    ['💬💬💬💬💬💬💬', null, ['phone']],
    [null, 'noemail', ['phone', 'email']],
    [null, 'ann at home', ['phone', 'email']],
    ['call me', 'none@none', ['phone', 'email']],
    ['+1-555-1234', 'noemail', ['email']],
  ])('%j and %j is none', (phone, email, fields) => {
    const judged = judge(phone, email);
    expect(judged.ok).toBe(false);
    expect(judged.ok ? [] : Object.keys(judged.errors)).toEqual(fields);
  });

  it('keeps further numbers, the extension and further addresses for the notes', () => {
    expect(judge('305-555-0101 x12 / 786-555-0101', 'a@example.com; b@example.com')).toMatchObject({
      contact: { noteLines: ['Extension: 12', 'Other phone: +17865550101', 'Other email: b@example.com'] },
    });
  });
});
