import { expect, it } from 'vitest';
import { isInternal } from './sign-in-limits.ts';

it.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['::ffff:10.2.3.4', true],
  ['172.31.255.255', true],
  ['192.168.1.1', true],
  ['100.64.0.1', true],
  ['fd12:3456::1', true],
  ['fe80::1%eth0', true],
  ['203.0.113.4', false],
  ['::ffff:203.0.113.4', false],
  ['172.32.0.1', false],
  ['2001:db8::1', false],
  [undefined, false],
])('[S09] %s is internal: %s', (address, expected) => {
  expect(isInternal(address)).toBe(expected);
});
