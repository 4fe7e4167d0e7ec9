import { expect, it } from 'vitest';
import { reasonInWords } from './reason.ts';
import { attemptsInWords, stepOf } from './steps.ts';

const id = '01a21c2c-5b6e-7d4f-8a1b-0c9d8e7f6a5b';

it.each([
  [
    `the teaser was refused (bad_request) on unlock:${id}`,
    'The teaser was refused (the request was rejected).',
  ],
  [
    'twilio: twilio refused: unauthorized (20003)',
    'Twilio rejected it: the credentials were rejected (20003).',
  ],
  [
    'stripe: stripe refused: bad_request (amount_too_small)',
    'Stripe rejected it: the request was rejected (amount_too_small).',
  ],
  ['sendgrid: sendgrid did not answer in time', 'SendGrid did not answer in time.'],
  ['ghl: ghl failed (503)', 'GoHighLevel failed (503).'],
  [
    'Stripe refused the refund (not_found); refund the buyer by hand',
    'Stripe refused the refund (not found); refund the buyer by hand.',
  ],
  [`payment ${id} is unknown`, 'Payment is unknown.'],
  ['database error 23505', 'Database error 23505.'],
  [null, 'No reason was recorded.'],
  ['', 'No reason was recorded.'],
])('reason %s reads %s', (given, expected) => {
  expect(reasonInWords(given)).toBe(expected);
});

it.each([
  [0, 'Rejected on the first attempt'],
  [1, 'Rejected on the first attempt'],
  [12, 'Failed 12 times'],
])('%d failed attempts read %s', (attempts, expected) => {
  expect(attemptsInWords(attempts)).toBe(expected);
});

it('a step of an unknown worker or event has general words', () => {
  expect(stepOf('later-worker', 'later.event')).toEqual(stepOf('revealer', undefined));
  expect(stepOf('teaser-sender', 'unlock.offered').failed).toBe('Teaser to {buyer} wasn’t sent');
});
