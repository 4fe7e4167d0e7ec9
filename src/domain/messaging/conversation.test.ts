import { describe, expect, it } from 'vitest';
import type { UnlockState } from '../unlock/machine.ts';
import { actionOf, judgeReply, type Offer } from './conversation.ts';

const now = new Date('2026-11-21T12:00:00Z');
const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const offer = (
  leadId: string,
  status: UnlockState,
  teasedHoursAgo: number | null,
  endedHoursAgo: number | null = null,
): Offer => ({
  unlockId: `unlock of ${leadId}`,
  organizationId: 'o',
  leadId,
  status,
  teasedAt: teasedHoursAgo === null ? null : ago(teasedHoursAgo),
  createdAt: ago(teasedHoursAgo ?? 0),
  endedAt: endedHoursAgo === null ? null : ago(endedHoursAgo),
});
const older = offer('lead_older', 'AWAITING_PAYMENT', 5);
const newer = offer('lead_Newer', 'AWAIT_CONFIRM', 1);
const numbered = offer('lead_1001', 'AWAIT_CONFIRM', 6);
const unrecorded = offer('lead_unbooked', 'NEW_LEAD', null);
const expired = offer('lead_expired', 'EXPIRED', 3, 2);
const longGone = offer('lead_gone', 'EXPIRED', 24 * 9, 24 * 8);
const done = offer('lead_done', 'DONE', 4, 3);

type Expected = {
  intent: string;
  event: string | null;
  lead?: string | null;
  operator?: boolean;
  optIn?: boolean;
  optOut?: boolean;
};
const judged = (text: string, offers: Offer[], optedOut = false, canOptIn = optedOut): Expected => {
  const verdict = judgeReply(text, { optedOut, canOptIn, offers }, now);
  return {
    intent: verdict.intent,
    event: verdict.event,
    lead: verdict.event ? (verdict.offer?.leadId ?? null) : null,
    operator: verdict.needsOperator,
    optIn: verdict.optIn,
    optOut: verdict.optOut,
  };
};
const noEffect = { event: null, lead: null, operator: false, optIn: false, optOut: false };
const operator = (intent: string) => ({ ...noEffect, intent, operator: true });
const emits = (intent: string, event: string, lead: string) => ({
  ...noEffect,
  ...{ intent, event, lead },
  operator: event === 'unclear',
});

describe('the offer that a reply refers to', () => {
  it.each([
    ['bare Y is the newest teaser', 'Y', [older, newer, expired], emits('accept', 'accepted', 'lead_Newer')],
    ['bare N is the newest teaser', 'n', [older, newer], emits('decline', 'declined', 'lead_Newer')],
    [
      'prefers an offer whose teaser is recorded as sent',
      'Y',
      [unrecorded, older],
      emits('accept', 'accepted', 'lead_older'),
    ],
    [
      'a reply before the teaser is recorded',
      'Y',
      [unrecorded],
      emits('accept', 'accepted', 'lead_unbooked'),
    ],
    [
      'an id picks its lead, in any case',
      'yes LEAD_NEWER please',
      [older, newer],
      emits('accept', 'accepted', 'lead_Newer'),
    ],
    ['an id picks an older one', 'Y lead_older', [older, newer], emits('accept', 'accepted', 'lead_older')],
    [
      'an id never offered here does not buy another lead',
      'Y lead_foreign',
      [newer],
      emits('unclear', 'unclear', 'lead_Newer'),
    ],
    [
      'an id never offered here does not decline another offer',
      'N lead_foreign',
      [newer],
      emits('unclear', 'unclear', 'lead_Newer'),
    ],
    ['an id never offered here, nothing open', 'Y lead_foreign', [expired], operator('accept')],
    ...['Y older', 'y lead older', 'Yes, lead-older please', 'LEAD#older y', 'yes leadolder'].map(
      (text): [string, string, Offer[], Expected] => [
        `an id without its sign picks its lead: ${text}`,
        text,
        [older, newer],
        emits('accept', 'accepted', 'lead_older'),
      ],
    ),
    ...['Yes call 305 555 1001', 'Yes, my address is 1001 Main St', 'yes, my number ends in 1001'].map(
      (text): [string, string, Offer[], Expected] => [
        `a number that an id happens to end with picks none: ${text}`,
        text,
        [numbered, newer],
        emits('accept', 'accepted', 'lead_Newer'),
      ],
    ),
    ...['Y 1001', 'yes to 1001', 'Yes, #1001', 'lead 1001 yes', 'yes lead number 1001', '1001 yes'].map(
      (text): [string, string, Offer[], Expected] => [
        `an id of digits picks its lead: ${text}`,
        text,
        [numbered, newer],
        emits('accept', 'accepted', 'lead_1001'),
      ],
    ),
    ...['ok 10am2pm', 'Y b4noon', 'yes leads4u'].flatMap((text): [string, string, Offer[], Expected][] => [
      [
        `a time is no id of the only offer: ${text}`,
        text,
        [newer],
        emits('accept', 'accepted', 'lead_Newer'),
      ],
      [
        `it could be one of several: ${text}`,
        text,
        [older, newer],
        emits('unclear', 'unclear', 'lead_Newer'),
      ],
    ]),
    ...[
      'Y lead abc12345',
      'Yes abc12345',
      'Y lead abc12',
      'I want leadabc12345 yes',
      'N lead abc12345',
      'no abc12345',
    ].map((text): [string, string, Offer[], Expected] => [
      `an unknown id without its sign picks no other lead: ${text}`,
      text,
      [newer],
      emits('unclear', 'unclear', 'lead_Newer'),
    ]),
    ...[
      ...[
        'Y 2',
        '2 yes',
        'Yes #2',
        'yes to the second',
        'Yes, the first one',
        'y 1 and 2',
        'Yes both',
        'yes to all',
      ],
      ...[
        'ok the other one',
        'N 2',
        'no to both',
        'skip the last one',
        'sí al segundo',
        'si los dos',
        'No a la otra',
      ],
    ].map((text): [string, string, Offer[], Expected] => [
      `a place among several offers picks none: ${text}`,
      text,
      [older, newer],
      emits('unclear', 'unclear', 'lead_Newer'),
    ]),
    [
      'a place, when another offer ended recently',
      'Y 2',
      [newer, expired],
      emits('unclear', 'unclear', 'lead_Newer'),
    ],
    ['a place with one offer', 'Y 1', [newer, longGone], emits('accept', 'accepted', 'lead_Newer')],
    ['a time is no place', 'Yes at 7', [older, newer], emits('accept', 'accepted', 'lead_Newer')],
    [
      'an id beside a place',
      'yes the other one, lead_older',
      [older, newer],
      emits('accept', 'accepted', 'lead_older'),
    ],
    [
      'an ended offer by its id is answered',
      'Y lead_expired',
      [newer, expired],
      emits('accept', 'accepted', 'lead_expired'),
    ],
    [
      'a bought lead by its id is answered again',
      'Y lead_done',
      [newer, done],
      emits('accept', 'accepted', 'lead_done'),
    ],
    ['bare Y soon after the end', 'Y', [expired], emits('accept', 'accepted', 'lead_expired')],
    ['bare Y long after', 'Y', [longGone], operator('accept')],
    ['N with nothing open', 'N', [expired], operator('decline')],
    ['an unknown phone', 'Y', [], operator('accept')],
    ['unclear with an offer', 'Y or N?', [newer], emits('unclear', 'unclear', 'lead_Newer')],
    ['unclear without an open offer', 'who is this', [expired], operator('unclear')],
    [
      'an autoresponder with an offer',
      'I am driving and will get back to you',
      [newer],
      { ...noEffect, intent: 'unclear', operator: true },
    ],
    ['emoji only', '🎉🎉', [newer], emits('unclear', 'unclear', 'lead_Newer')],
    ['a thumb is an answer', '👍🏽', [newer], emits('accept', 'accepted', 'lead_Newer')],
    ['help from a phone with an offer', 'HELP', [expired], emits('help', 'help', 'lead_expired')],
    ['help from an unknown phone', 'help', [], operator('help')],
    ['a tapback', 'Liked “Reply Y to unlock”', [newer], { ...noEffect, intent: 'ignored' }],
    ['START from a subscribed phone', 'START', [newer], { ...noEffect, intent: 'start' }],
  ] as const)('%s', (_name, text, offers, expected) => {
    expect(judged(text, [...offers])).toEqual(expected);
  });
});

describe('[F27] a phone that is opted out buys nothing', () => {
  const optIn = { ...noEffect, intent: 'start', optIn: true };
  it.each([
    ['YES', optIn],
    ['yes', optIn],
    ['START', optIn],
    ['unstop', optIn],
    ['Y', operator('accept')],
    ['yes lead_Newer', operator('accept')],
    ['HELP', operator('help')],
    ['N', operator('decline')],
  ] as const)('%s', (text, expected) => {
    expect(judged(text, [newer], true)).toEqual(expected);
  });

  it.each(['START', 'YES'])('%s cannot lift an opt-out of others and goes to an operator', (text) => {
    expect(judged(text, [newer], true, false)).toMatchObject({ event: null, operator: true, optIn: false });
  });

  it('START lifts the opt-outs of single organizations, of which YES and Y take no notice', () => {
    expect(judged('START', [newer], false, true)).toEqual(optIn);
    for (const text of ['YES', 'Y'])
      expect(judged(text, [newer], false, true)).toEqual(emits('accept', 'accepted', 'lead_Newer'));
  });
});

describe("the carrier's own keyword outranks our reading", () => {
  const by = (text: string, keyword: 'stop' | 'start' | 'help', optedOut = false) =>
    judgeReply(text, { optedOut, canOptIn: optedOut, offers: [newer], keyword }, now);

  it.each(['Y', 'pausa', 'help', 'start', 'Can you stop by?'])('%s as STOP is an opt-out', (text) => {
    expect(by(text, 'stop')).toMatchObject({ intent: 'stop', optOut: true, event: null });
  });

  it.each(['vuelvo', 'stop', 'N', 'unsubscribe me'])('%s as START is none, and lifts one', (text) => {
    expect(by(text, 'start')).toMatchObject({ intent: 'start', optOut: false, optIn: false, event: null });
    expect(by(text, 'start', true)).toMatchObject({ intent: 'start', optOut: false, optIn: true });
  });

  it('as HELP it is neither an opt-out nor an answer', () => {
    for (const text of ['stop', 'Y', 'N', 'ayuda'])
      expect(by(text, 'help')).toMatchObject({ intent: 'help', optOut: false, event: 'help' });
  });

  it('YES as START is an acceptance from a subscribed phone, and subscribes an opted-out one', () => {
    expect(by('YES', 'start')).toMatchObject({ intent: 'accept', event: 'accepted' });
    expect(by('YES', 'start', true)).toMatchObject({ intent: 'start', optIn: true, event: null });
  });
});

it('[S34] a lead id that two organizations offered is the first offer, unless that one has ended', () => {
  const first = { ...offer('lead_same', 'AWAIT_CONFIRM', 5), unlockId: 'first' };
  const second = { ...offer('LEAD_same', 'AWAIT_CONFIRM', 1), unlockId: 'second', organizationId: 'p' };
  const bought = (offers: Offer[]) =>
    judgeReply('Y lead_same', { optedOut: false, canOptIn: false, offers }, now).offer?.unlockId;
  expect(bought([second, first])).toBe('first');
  expect(bought([second, { ...first, status: 'EXPIRED', endedAt: ago(1) }])).toBe('second');
});

it.each(['STOP', 'stop please', 'Y stop', 'unsubscribe'])('[S17] %s is an opt-out, from anybody', (text) => {
  for (const offers of [[], [newer]])
    expect(judged(text, offers)).toEqual({ ...noEffect, intent: 'stop', optOut: true });
});

it.each([
  [{ intent: 'accept', unlockId: 'u' }, 'accepted'],
  [{ intent: 'accept', unlockId: null }, 'ignored'],
  [{ intent: 'decline', unlockId: 'u' }, 'declined'],
  [{ intent: 'stop', unlockId: null }, 'stopped'],
  [{ intent: 'help', unlockId: null }, 'help'],
  [{ intent: 'unclear', unlockId: 'u' }, 'unclear'],
  [{ intent: 'start', unlockId: null }, 'ignored'],
  [{ intent: null, unlockId: null }, 'ignored'],
] as const)('%j is answered as %s', (stored, action) => {
  expect(actionOf(stored)).toBe(action);
});
