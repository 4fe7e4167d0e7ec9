import { describe, expect, it } from 'vitest';
import { createPayLinks, isPayToken } from './pay-link.ts';

const unlockId = '019a0000-0000-7000-8000-000000000001';
const secret = Buffer.alloc(32, 1);
const links = createPayLinks(secret, 'https://leads.example.com');

describe('[S10] the token of a pay link', () => {
  it('has 128 bits in URL-safe characters', () => {
    const token = links.token(unlockId, 1);
    expect(Buffer.from(token, 'base64url')).toHaveLength(16);
    expect(token).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(isPayToken(token)).toBe(true);
  });

  it('is recomputed from the id and version', () => {
    expect(createPayLinks(secret, 'https://other.example').token(unlockId, 1)).toBe(links.token(unlockId, 1));
  });

  it('differs for every unlock, version and key', () => {
    const tokens = new Set<string>();
    for (let n = 0; n < 1_000; n += 1)
      tokens.add(links.token(`${unlockId.slice(0, -4)}${String(n).padStart(4, '0')}`, 1));
    for (let version = 2; version < 100; version += 1) tokens.add(links.token(unlockId, version));
    tokens.add(createPayLinks(Buffer.alloc(32, 2), '').token(unlockId, 1));
    expect(tokens.size).toBe(1_000 + 98 + 1);
  });

  it('differs when digits move from the id to the version', () => {
    expect(links.token('unlock-1', 11)).not.toBe(links.token('unlock-1.1', 1));
    expect(links.token('a.1', 1)).not.toBe(links.token('a', 11));
  });

  it('is invalid after the version was incremented: its hash differs', () => {
    expect(links.hash(links.token(unlockId, 2))).not.toBe(links.hash(links.token(unlockId, 1)));
  });

  it('contains neither key nor id, and is not derived from the vault key directly', async () => {
    const { createHmac } = await import('node:crypto');
    const token = links.token(unlockId, 1);
    const naive = createHmac('sha256', secret)
      .update(`${unlockId}.1`)
      .digest()
      .subarray(0, 16)
      .toString('base64url');
    expect(token).not.toBe(naive);
    expect(links.url(unlockId, 1)).not.toContain(unlockId);
  });

  it('is stored as its SHA-256', () => {
    const hash = links.hash(links.token(unlockId, 1));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hash).not.toContain(links.token(unlockId, 1));
  });

  it('is part of a URL on our own host', () => {
    expect(links.url(unlockId, 1)).toBe(`https://leads.example.com/p/${links.token(unlockId, 1)}`);
  });

  it.each([
    '',
    'a',
    'A'.repeat(21),
    'A'.repeat(23),
    `${'A'.repeat(21)}=`,
    `${'A'.repeat(21)}/`,
    `${'A'.repeat(21)}.`,
    `${'A'.repeat(22)}\n`,
    '../../../etc/passwd__12',
  ])('is not %j', (value) => {
    expect(isPayToken(value)).toBe(false);
  });
});
