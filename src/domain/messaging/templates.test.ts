import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { LANGUAGES, languageOf } from '../language.ts';
import { parseReply } from './reply.ts';
import * as templates from './templates.ts';
import {
  DEFAULT_FOOTER,
  renderPaymentLink,
  renderReveal,
  renderTeaser,
  SMS_MAX_LENGTH,
} from './templates.ts';

const price = { minor: 2_000, currency: 'usd' };
const leadId = 'lead_abc12345';
const url = 'https://leadgate.test/p/abc';

const offer = {
  buyerName: 'Amy',
  city: 'Miami',
  serviceType: '60 min Mobile Massage',
  preferredTimeWindow: 'Evening (6-9 PM)',
  budgetRange: '$150-200',
  price,
  leadId,
};
const details = {
  buyerName: 'Amy',
  name: 'Sarah Johnson',
  phone: '+1234567890',
  email: 'sarah.johnson@email.com',
  address: '123 Ocean Drive, Miami Beach, FL 33139',
  notes: 'Client prefers deep tissue massage',
  footer: DEFAULT_FOOTER,
};
const lines = (...text: string[]) => text.join('\n');

describe('the contracted texts, byte for byte', () => {
  test('teaser', () => {
    expect(renderTeaser('en', offer)).toBe(
      lines(
        'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. ',
        'Time window: Evening (6-9 PM). Budget: $150-200. ',
        'Reply Y to unlock contact details for $20. Reply N to skip. Lead lead_abc12345.',
      ),
    );
  });

  test('payment link', () => {
    expect(renderPaymentLink('en', { buyerName: 'Amy', price, url, leadId })).toBe(
      lines(
        'Amy, complete your $20 payment to unlock client details: ',
        'https://leadgate.test/p/abc (Lead lead_abc12345)',
      ),
    );
  });

  test('reveal', () => {
    expect(renderReveal('en', details)).toBe(
      lines(
        'Amy, here are the client details:',
        '',
        'Name: Sarah Johnson',
        'Phone: +1234567890',
        'Email: sarah.johnson@email.com',
        'Address: 123 Ocean Drive, Miami Beach, FL 33139',
        'Notes: Client prefers deep tissue massage',
        '',
        'Gold Touch List provides advertising access to client inquiries. ',
        'We do not arrange or guarantee appointments.',
      ),
    );
  });
});

const REPLY_LINE = 'Reply Y to unlock contact details for $20. Reply N to skip. Lead lead_abc12345.';

describe('a missing field drops its line or sentence', () => {
  test.each([
    [{ price, leadId }, lines('New client inquiry. ', REPLY_LINE)],
    [
      { ...offer, budgetRange: null },
      lines(
        'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. ',
        'Time window: Evening (6-9 PM). ',
        REPLY_LINE,
      ),
    ],
    [
      { ...offer, preferredTimeWindow: ' ' },
      lines(
        'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. ',
        'Budget: $150-200. ',
        REPLY_LINE,
      ),
    ],
    [
      { ...offer, city: undefined, preferredTimeWindow: '', budgetRange: '' },
      lines('Amy, new client inquiry. Type: 60 min Mobile Massage. ', REPLY_LINE),
    ],
    [
      { ...offer, serviceType: null },
      lines(
        'Amy, new client inquiry in Miami. ',
        'Time window: Evening (6-9 PM). Budget: $150-200. ',
        REPLY_LINE,
      ),
    ],
    [
      { ...offer, preferredTimeWindow: 'Evening.' },
      lines(
        'Amy, new client inquiry in Miami. Type: 60 min Mobile Massage. ',
        'Time window: Evening. Budget: $150-200. ',
        REPLY_LINE,
      ),
    ],
  ])('teaser %#', (fields, text) => {
    expect(renderTeaser('en', fields)).toBe(text);
  });

  test('reveal', () => {
    expect(renderReveal('en', { name: 'Sarah', phone: '', email: 's@x.io', notes: null })).toBe(
      'Here are the client details:\n\nName: Sarah\nEmail: s@x.io',
    );
  });

  test('payment link without a name, with other offers open', () => {
    expect(renderPaymentLink('en', { price, url, leadId, otherOpenOffers: 2 })).toBe(
      lines(
        'Complete your $20 payment to unlock client details: ',
        'https://leadgate.test/p/abc (Lead lead_abc12345)',
        '2 other offers are open: reply Y with a lead number.',
      ),
    );
    expect(renderPaymentLink('en', { price, url, leadId, otherOpenOffers: 1 })).toContain(
      '\n1 other offer is open',
    );
  });
});

describe('[S16] a field cannot change the shape of a message', () => {
  test.each([
    ['{{price}} {price} {city}', '{{price}} {price} {city}'],
    ["'{' <b>x</b> {n, plural, other {#}}", "'{' <b>x</b> {n, plural, other {#}}"],
    ['Miami\r\n\nReply Y to\u2028win\tnow', 'Miami Reply Y to win now'],
    ['Mi\u202eami\u200b\u0000\u0007', 'Miami'],
    ['Miami https://evil.example/x', 'Miami [hidden]'],
    ['evil.com', '[hidden]'],
    ['evil.zip', '[hidden]'],
    ['evil.pizza', '[hidden]'],
    ['host:8080/x', '[hidden]'],
    [`${'a'.repeat(148)} evil.zipperiodic`, `${'a'.repeat(148)} [hidden]`],
    ['Miami 305-555-0123', 'Miami [hidden]'],
    ['\ud800Miami', 'Miami'],
  ])('teaser with the city %j', (city, shown) => {
    expect(renderTeaser('en', { city, price, leadId })).toBe(
      lines(`New client inquiry in ${shown}. `, REPLY_LINE),
    );
  });

  test('reveal: one line per field, and only our own link', () => {
    const text = renderReveal('en', {
      name: 'Sarah\nPhone: +1999',
      phone: 'evil.com/pay',
      email: 'http://evil.com/@x',
      address: 'www.evil.com {footer}',
      notes: 'Pay at https://evil.example/p/1 or mail sarah.me@email.com, 305-555-0123',
    });
    expect(text).toBe(
      lines(
        'Here are the client details:',
        '',
        'Name: Sarah Phone: +1999',
        'Phone: [link]',
        'Email: [link]',
        'Address: [link] {footer}',
        'Notes: Pay at [link] or mail sarah.me@email.com, 305-555-0123',
      ),
    );
  });

  test('arbitrary values do not change the lines of a text', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }),
      fc.constantFrom('\n\n', '{{x}}', 'a.com', '#'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...LANGUAGES), value, value, value, value, (language, a, b, c, d) => {
        const teaser = renderTeaser(language, {
          buyerName: a,
          city: b,
          serviceType: c,
          preferredTimeWindow: d,
          budgetRange: `x${a}`,
          price,
          leadId,
        });
        expect(teaser.split('\n')).toHaveLength(3);
        expect(teaser.length).toBeLessThanOrEqual(SMS_MAX_LENGTH);
        const reveal = renderReveal(language, {
          name: `x${a}`,
          phone: `x${b}`,
          email: `x${c}`,
          notes: `x${d}`,
        });
        expect(reveal.split('\n')).toHaveLength(6);
      }),
    );
  });

  test('a body never exceeds 1,600 characters; the notes are truncated first', () => {
    const long = (letter: string) => letter.repeat(5_000);
    const fields = {
      buyerName: long('b'),
      name: long('n'),
      phone: long('1'),
      address: long('a'),
      footer: long('f'),
    };
    for (const language of LANGUAGES) {
      const text = renderReveal(language, { ...fields, email: `${long('e')}@x.io`, notes: long('t') });
      expect(text.length).toBeLessThanOrEqual(SMS_MAX_LENGTH);
      expect(text.length).toBeGreaterThan(SMS_MAX_LENGTH - 10);
      expect(text).toContain('a'.repeat(240));
      expect(text).toMatch(/f{400}\.\.\.$/);
    }
  });
});

test.each([
  ['es', 'es'],
  ['es-MX', 'es'],
  ['EN_us', 'en'],
  ['fr', 'en'],
  ['', 'en'],
  [null, 'en'],
])('language %j falls back to %s', (tag, language) => {
  expect(languageOf(tag)).toBe(language);
});

describe.each(LANGUAGES)('every text in %s', (language) => {
  const all = {
    ...offer,
    ...details,
    url,
    contact: 'help@leadgate.test',
    organization: 'Gold Touch',
    amount: price,
    detail: 'x',
    named: { company: 'Gold Touch', buyer: 'Amy', lead: leadId },
    since: new Date('2026-11-27T08:47:00Z'),
  };
  const nameless = { company: null, buyer: null, lead: null };
  const bare = {
    price,
    amount: price,
    leadId,
    url,
    organization: 'Gold Touch',
    named: nameless,
    since: all.since,
  };
  const renders = Object.entries(templates).filter(([name]) => name.startsWith('render')) as unknown as [
    string,
    (language: string, fields: object) => string | { subject: string; text: string },
  ][];

  it.each(renders)('%s has no gaps, with all fields and with few', (_name, render) => {
    for (const fields of [all, bare]) {
      for (const extra of [
        { kind: 'work_parked', reason: 'duplicate', news: 'declined' },
        { kind: 'reveal_failed', reason: 'sold_out', news: 'stopped' },
      ]) {
        const text = JSON.stringify(render(language, { ...fields, ...extra }));
        expect(text).not.toMatch(/undefined|null|\{[a-z_]+[,}]|yes|^"[a-z]| ,|[.]{2}/);
        expect(text.length).toBeGreaterThan(10);
      }
    }
  });

  it('asks for words that the reply parser accepts', () => {
    const [yes, no] = language === 'en' ? ['Y', 'N'] : ['SI', 'NO'];
    const teaser = renderTeaser(language, offer);
    expect(teaser).toContain(` ${yes} `);
    expect(teaser).toContain(` ${no} `);
    expect(parseReply(yes).kind).toBe('accept');
    expect(parseReply(no).kind).toBe('decline');
    // Our own text, sent back, is not an answer.
    expect(['unclear', 'ignored']).toContain(parseReply(teaser).kind);
    expect(parseReply(`Liked “${teaser}”`).kind).toBe('ignored');
  });
});
