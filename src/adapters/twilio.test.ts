import { expect, it } from 'vitest';
import { twilioKeyword } from './twilio.ts';

const long = '+13055550100';
const tollFree = '+18005550100';
const handled = (body: string, optOutType = '', to = long) => twilioKeyword({ body, to, optOutType });

it.each([
  'STOP',
  'stopall',
  ' Unsubscribe ',
  'cancel',
  'END',
  'quit',
  'revoke',
  'OptOut',
  'START',
  'yes',
  'unstop',
])('Twilio answers %j, as the whole message', (body) => {
  expect(handled(body)).toEqual({ keyword: null, answered: true });
});

it.each(['STOP.', 'stop please', 'opt out', 'baja', 'Y', 'yes please', 'start now', 'HELP', ''])(
  'Twilio hands over %j as any other text',
  (body) => {
    expect(handled(body)).toEqual({ keyword: null, answered: false });
  },
);

it('on a toll-free number carriers handle STOP, START and UNSTOP only', () => {
  for (const body of ['STOP', 'UNSTOP', 'start']) expect(handled(body, '', tollFree).answered).toBe(true);
  for (const body of ['END', 'QUIT', 'YES']) expect(handled(body, '', tollFree).answered).toBe(false);
});

it('Advanced Opt-Out reports what it recognized and answered', () => {
  expect(handled('pausa', 'STOP')).toEqual({ keyword: 'stop', answered: true });
  expect(handled('vuelvo', 'START')).toEqual({ keyword: 'start', answered: true });
  expect(handled('stop', 'HELP')).toEqual({ keyword: 'help', answered: true });
  expect(handled('pausa', 'MAYBE')).toEqual({ keyword: null, answered: false });
});
