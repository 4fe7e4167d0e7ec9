import { expect, it } from 'vitest';
import { landing, localPath } from './local-path.ts';

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
] as const)('a signed-in %s who asked for %j lands on %s', (role, wanted, expected) => {
  expect(landing(role, wanted)).toBe(expected);
});
