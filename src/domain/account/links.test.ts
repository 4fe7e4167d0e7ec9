import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newId } from '../../events/new-id.ts';
import { createAccountLinks } from './links.ts';

const secret = randomBytes(32);
const links = createAccountLinks(secret, 'https://leads.example');
const tokenOf = (url: string) => url.split('/').at(-1)!;

describe('links', () => {
  it('are the same each time, and lead back to their row', () => {
    const id = newId();
    const url = links.url('reset_password', id);
    expect(url).toMatch(/^https:\/\/leads\.example\/reset-password\/[\w-]{43}$/);
    expect(links.url('reset_password', id)).toBe(url);
    expect(links.read('reset_password', tokenOf(url))).toBe(id);
  });

  it('of another kind, another key, or with a changed character lead nowhere', () => {
    const token = tokenOf(links.url('reset_password', newId()));
    expect(links.read('verify_email', token)).toBeNull();
    expect(createAccountLinks(randomBytes(32), '').read('reset_password', token)).toBeNull();
    for (const at of [0, 20, 30, 41]) {
      const other = token[at] === 'A' ? 'B' : 'A';
      expect(links.read('reset_password', token.slice(0, at) + other + token.slice(at + 1))).toBeNull();
    }
    for (const broken of ['', 'x', `${token}A`, token.slice(1), '='.repeat(43)])
      expect(links.read('reset_password', broken)).toBeNull();
  });
});
