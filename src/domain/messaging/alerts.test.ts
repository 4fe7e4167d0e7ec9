import { describe, expect, it } from 'vitest';
import { eventTypes } from '../../events/catalog.ts';
import { recipients } from '../../events/routes.ts';
import { LANGUAGES } from '../language.ts';
import { eventInWords } from '../transport/event-words.ts';
import { stepOf } from '../transport/steps.ts';
import { placeOf } from './alert-place.ts';
import { type AlertDetails, type AlertKind, alert, alerts, titleOf, withNames } from './alerts.ts';
import { renderOperatorAlert } from './templates.ts';

const named = { company: 'Sunshine Clinic', buyer: 'Dan O’Neil', lead: 'lead_abc12345' };
const unnamed = { company: null, buyer: null, lead: null };
const kinds = Object.keys(alerts) as AlertKind[];
const internals = /[{}]|undefined|null|\b\w+_\w+\b(?<!lead_abc12345)|\w+\.\w+ed\b|-sender|-linker/;
const since = new Date('2026-11-27T08:47:12Z');

describe.each(LANGUAGES)('alerts in %s', (language) => {
  it.each(kinds.flatMap((kind) => [named, unnamed].map((who) => [kind, who] as const)))(
    '%s about %o has a subject and a body in words',
    (kind, who) => {
      const details: AlertDetails = {
        worker: 'teaser-sender',
        eventType: 'unlock.offered',
        check: 'queue_memory',
      };
      const mail = renderOperatorAlert(language, {
        kind,
        details,
        named: who,
        since,
        url: 'https://x.example/c',
      });
      expect(mail.subject).toMatch(/^\[leadgate\] (?:\p{Lu}|leadgate)/u);
      for (const text of [mail.subject, mail.text.replace(/https?:\S+/g, '')])
        expect(text).not.toMatch(internals);
      expect(mail.text).toContain('2026-11-27 08:47 UTC');
      expect(mail.text).toContain('https://x.example/c');
      expect(mail.text).toContain(alerts[kind].next[language]);
    },
  );
});

describe('titles', () => {
  it.each<[AlertKind, AlertDetails, string]>([
    [
      'work_parked',
      { worker: 'teaser-sender', eventType: 'unlock.offered' },
      'Teaser to Dan O’Neil wasn’t sent',
    ],
    [
      'work_parked',
      { worker: 'payment-linker', eventType: 'payment.unwanted' },
      'Refund to Dan O’Neil wasn’t made',
    ],
    [
      'work_parked',
      { worker: 'distributor', eventType: 'lead.received' },
      'Lead lead_abc12345 wasn’t offered',
    ],
    ['work_parked', {}, 'A step of Sunshine Clinic failed'],
    ['reveal_failed', {}, 'Paid details weren’t delivered to Dan O’Neil'],
    ['payment_refunded', { amount: '$20' }, '$20 refunded to Dan O’Neil'],
    ['payment_refunded', {}, 'A payment refunded to Dan O’Neil'],
    ['payment_disputed', {}, 'Dan O’Neil disputes a payment'],
    ['crm_paused', {}, 'Sunshine Clinic: CRM connection paused'],
    ['installation_unwell', { check: 'disk' }, 'leadgate itself needs attention: disk space'],
  ])('%s with %o reads %s', (kind, details, title) => {
    expect(withNames(titleOf(kind, details).en, named)).toBe(title);
  });

  it('a name cannot add a line or a link to a mail', () => {
    const buyer = 'Dan\r\nBcc: all@evil.example https://evil.example/x';
    const mail = renderOperatorAlert('en', {
      kind: 'payment_disputed',
      details: null,
      named: { ...unnamed, buyer },
      since,
    });
    expect(mail.subject).not.toMatch(/[\r\n]|evil\.example\/x/);
    expect(mail.text).not.toContain('https://evil');
  });

  it('the amount is in the text and in the title', () => {
    const { text, details } = alert('payment_refunded', { amount: '$12.50', price: '$20' });
    expect(text).toBe('$12.50 of $20 was refunded.');
    expect(details).toEqual({ amount: '$12.50' });
  });
});

it('every step and every event has words without names of ours', () => {
  for (const type of eventTypes) {
    expect(eventInWords(type)).not.toMatch(/[._{}]/);
    for (const { worker } of recipients(type, 0)) {
      const { name, failed } = stepOf(worker, type);
      expect(name, `${worker} ${type}`).not.toBe('A step');
      expect(name).not.toMatch(/[._{}]/);
      expect(failed.replace(/\{(buyer|company|lead)\}/g, '')).not.toMatch(/[._{}]/);
    }
  }
});

it.each([
  ['crm_paused', { unlockId: null, companyNumber: 7, importId: null }, '/dashboard/7/settings'],
  ['work_parked', { unlockId: null, companyNumber: 7, importId: 'i' }, '/dashboard/7/imports/i'],
  ['work_parked', { unlockId: 'u', companyNumber: 7, importId: null }, '/console/unlocks/u'],
  ['spend_cap', { unlockId: null, companyNumber: 7, importId: null }, '/dashboard/7'],
  ['installation_unwell', { unlockId: null, companyNumber: null, importId: null }, undefined],
] as const)('%s of %o links to %s', (kind, thing, path) => {
  expect(placeOf(kind, thing)?.path).toBe(path);
});
