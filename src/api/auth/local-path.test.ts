import { describe, expect, it } from 'vitest';
import { firstIdOf, statesOf } from '../console/views.ts';
import { ago, duration } from '../web/parts.tsx';
import { landing, localPath } from './local-path.ts';
import { assertSameOrigin, trustedOrigins } from './origin.ts';

describe('[S09] where a page may come from', () => {
  const ours = trustedOrigins('https://leads.example.com/base');
  it.each([
    ['our origin', { origin: 'https://leads.example.com' }, true],
    [
      'blanked by a referrer policy, said to be ours',
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      true,
    ],
    ['none, said to be ours', { 'sec-fetch-site': 'same-origin' }, true],
    ['none at all', {}, false],
    ['blanked, of another site', { origin: 'null', 'sec-fetch-site': 'cross-site' }, false],
    [
      'another site that says it is ours',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      false,
    ],
    ['a neighbour of the same site', { 'sec-fetch-site': 'same-site' }, false],
    ['our name over http', { origin: 'http://leads.example.com' }, false],
    ['this machine', { origin: 'http://localhost:3000' }, false],
  ])('%s', (_name, headers, allowed) => {
    const check = () => assertSameOrigin({ method: 'POST', headers }, ours);
    if (allowed) expect(check).not.toThrow();
    else expect(check).toThrow(/not come from one of our own pages/);
  });

  it('takes every spelling of this machine while developing, with its port', () => {
    expect(trustedOrigins('http://127.0.0.1:3000')).toEqual([
      'http://127.0.0.1:3000',
      'http://localhost:3000',
      'http://[::1]:3000',
    ]);
  });
});

it.each([
  ['/console', '/console'],
  ['/console/unlocks/1?x=1', '/console/unlocks/1?x=1'],
  ['/queues/queue/revealer', '/queues/queue/revealer'],
  ['/', '/'],
  ['/dashboard/3/imports?after=1', '/dashboard/3/imports?after=1'],
  ['/companies#x', '/companies#x'],
  ['/companiesx', '/console'],
  ['/consoles', '/console'],
  ['//evil.example', '/console'],
  ['/console//evil.example', '/console'],
  ['/console\\evil', '/console'],
  ['/console\n', '/console'],
  ['/dashboard/1?q=日', '/console'],
  ['/dashboard/1?q=\u0001', '/console'],
  ['https://evil.example/console', '/console'],
  [undefined, '/console'],
  [['/queues'], '/console'],
])('localPath(%j) is %s', (wanted, expected) => {
  expect(localPath(wanted)).toBe(expected);
});

it.each([
  ['operator', undefined, '/console'],
  ['operator', '/dashboard/3', '/dashboard/3'],
  ['operator', '/', '/'],
  ['member', undefined, '/'],
  ['member', '/dashboard/3', '/dashboard/3'],
  ['member', '/console/inbox', '/'],
  ['member', '/queues', '/'],
  ['member', '/companies', '/'],
  ['member', '//evil.example', '/'],
] as const)('%s who wanted %j lands on %s', (role, wanted, expected) => {
  expect(landing(role, wanted)).toBe(expected);
});

it.each([
  [-5_000, 'now'],
  [900, 'now'],
  [12_400, '12 s ago'],
  [250_000, '4 min ago'],
  [10_800_000, '3 h ago'],
  [400_000_000, '5 d ago'],
])('ago(%i) is %s', (ms, expected) => {
  expect(ago(ms)).toBe(expected);
});

it.each([
  [0, '0.1 ms'],
  [8.64, '8.6 ms'],
  [35.2, '35 ms'],
  [1_240, '1.2 s'],
])('duration(%d) is %s', (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

it('the first id of a moment sorts before every id made in it and after every id made before', () => {
  expect(firstIdOf(0x01a1fc17_6bc5)).toBe('01a1fc17-6bc5-7000-8000-000000000000');
  expect(firstIdOf(0x01a1fc17_6bc5) > '01a1fc17-6bc4-7fff-bfff-ffffffffffff').toBe(true);
});

it.each([
  ['', 0],
  ['open', 7],
  ['paid', 3],
  ['DONE', 1],
  ['nonsense', 0],
  ['toString', 0],
])('the filter %j names %i states', (status, count) => {
  expect(statesOf(status)).toHaveLength(count);
});
