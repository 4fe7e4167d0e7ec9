import { expect, it } from 'vitest';
import { isLocalRequest, needsNoKey } from './local-request.ts';

const host = '127.0.0.1:3000';

it.each([
  ['loopback by its address', '127.0.0.1', { host }, true],
  ['loopback by name', '::1', { host: 'localhost' }, true],
  ['IPv4 loopback mapped to IPv6', '::ffff:127.0.0.1', { host: '[::1]:3000' }, true],
  ['our own page', '127.0.0.1', { host, origin: `http://${host}` }, true],
  ['another machine', '203.0.113.9', { host }, false],
  ['a foreign name that resolves to loopback', '127.0.0.1', { host: 'evil.example:3000' }, false],
  ['no host at all', '127.0.0.1', {}, false],
  ['a page of another site', '127.0.0.1', { host, origin: 'https://evil.example' }, false],
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'].map(
    (name) => [`a proxy that sends ${name}`, '127.0.0.1', { host, [name]: 'x' }, false] as const,
  ),
  ['Cloudflare', '127.0.0.1', { host, 'cf-connecting-ip': '203.0.113.9' }, false],
] as const)('isLocalRequest: %s', (_name, remoteAddress, headers, expected) => {
  expect(isLocalRequest({ headers, socket: { remoteAddress } })).toBe(expected);
});

it.each([
  ['npm start', false, 'http://127.0.0.1:3000', '127.0.0.1', true],
  ['npm start by name', false, 'http://localhost:3000', '127.0.0.1', true],
  ['another machine', false, 'http://127.0.0.1:3000', '203.0.113.9', false],
  [
    'a public address, through a proxy that adds no header',
    false,
    'https://leads.example.com',
    '127.0.0.1',
    false,
  ],
  ['an address of the local network', false, 'http://192.168.0.7:3000', '127.0.0.1', false],
  ['production', true, 'http://127.0.0.1:3000', '127.0.0.1', false],
] as const)('[S38] needsNoKey: %s', (_name, production, publicUrl, remoteAddress, expected) => {
  expect(needsNoKey({ production, publicUrl }, { headers: { host }, socket: { remoteAddress } })).toBe(
    expected,
  );
});
