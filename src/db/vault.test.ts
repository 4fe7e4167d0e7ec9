import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createVault } from './vault.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const [old, fresh, foreign] = [key('k1'), key('k2'), key('k9')] as const;
const text = 'Sarah Johnson, 123 Ocean Drive, 😀';

/** Splits a sealed value, so that tests can recombine the parts. */
const split = (sealed: string) => {
  const [version = '', id = '', data = ''] = sealed.split('.');
  return { version, id, bytes: Buffer.from(data, 'base64url') };
};
const join = (id: string, bytes: Buffer) => `v1.${id}.${bytes.toString('base64url')}`;

describe('the vault', () => {
  const vault = createVault([old]);

  it.each(['', 'a', text, 'x'.repeat(100_000), '\0\n"\\'])('opens a sealed value (%#)', (value) => {
    const sealed = vault.seal(value);
    expect(vault.open(sealed)).toBe(value);
    expect(sealed).toMatch(/^v1\.k1\.[\w-]+$/);
    if (value.length > 3) expect(Buffer.from(split(sealed).bytes).includes(value)).toBe(false);
  });

  it('seals the same text differently each time, so that equal contacts are not recognisable', () => {
    const sealed = new Set(Array.from({ length: 200 }, () => vault.seal(text)));
    expect(sealed.size).toBe(200);
    const nonces = new Set([...sealed].map((value) => split(value).bytes.subarray(0, 12).toString('hex')));
    expect(nonces.size).toBe(200);
  });

  it('seals and opens JSON', () => {
    const contact = { name: 'Sarah', phone: null, notes: ['a', 1] };
    expect(vault.openJson(vault.sealJson(contact))).toEqual(contact);
  });

  it('refuses a value with any byte changed: nonce, tag or text', () => {
    const { id, bytes } = split(vault.seal(text));
    for (let at = 0; at < bytes.length; at += 1) {
      const tampered = Buffer.from(bytes);
      tampered[at] = tampered[at]! ^ 1;
      expect(() => vault.open(join(id, tampered)), `byte ${at}`).toThrow();
    }
  });

  it.each([
    ['cut short', (b: Buffer) => b.subarray(0, -1)],
    ['made longer', (b: Buffer) => Buffer.concat([b, Buffer.from([0])])],
    ['without text and tag', (b: Buffer) => b.subarray(0, 12)],
    ['with a tag of four bytes', (b: Buffer) => b.subarray(0, 16)],
    ['empty', () => Buffer.alloc(0)],
  ])('refuses a value %s', (_what, change) => {
    const { id, bytes } = split(vault.seal(text));
    expect(() => vault.open(join(id, change(bytes)))).toThrow();
  });

  it('refuses a shortened tag, which would be easier to guess', () => {
    const { id, bytes } = split(vault.seal(''));
    for (const length of [4, 8, 12, 15])
      expect(() => vault.open(join(id, bytes.subarray(0, 12 + length))), `${length} bytes`).toThrow();
  });

  it('refuses the tag of one value with the text of another', () => {
    const [one, other] = [split(vault.seal(text)).bytes, split(vault.seal(text)).bytes];
    expect(() => vault.open(join('k1', Buffer.concat([one.subarray(0, 28), other.subarray(28)])))).toThrow();
  });

  it('names the missing key in its error', () => {
    expect(() => vault.open(createVault([foreign]).seal(text))).toThrow(/no encryption key with id "?k9/);
  });

  it('[S14] does not quote a value that is not sealed', () => {
    for (const plain of [
      text,
      '{"email":"sarah.johnson@email.com"}',
      'v1.Sarah Johnson.x',
      'v1.sarah@email.com.x',
      'v2.k1.AAAA',
      '',
    ]) {
      const refusal = (() => {
        try {
          return vault.open(plain);
        } catch (error) {
          return (error as Error).message;
        }
      })();
      expect(refusal).not.toMatch(/sarah|johnson|ocean|com/i);
      expect(refusal).not.toBe(plain);
    }
  });

  it('throws without a key', () => {
    expect(() => createVault([])).toThrow();
  });
});

describe('rotation', () => {
  const before = createVault([old]);
  const after = createVault([fresh, old]);

  it('opens old values with the second key and seals new ones with the first', () => {
    expect(after.open(before.seal(text))).toBe(text);
    const sealed = after.seal(text);
    expect(split(sealed).id).toBe('k2');
    expect(after.open(sealed)).toBe(text);
    expect(() => before.open(sealed)).toThrow(/no encryption key with id "?k2/);
  });

  it('refuses a value whose key id was replaced', () => {
    const { bytes } = split(before.seal(text));
    expect(() => after.open(join('k2', bytes))).toThrow();
  });

  it('keeps the search index stable across a rotation', () => {
    expect(after.index('+13055550123')).toBe(before.index('+13055550123'));
  });
});

describe('the search index', () => {
  it('is equal for equal values, differs otherwise, and depends on the key', () => {
    const vault = createVault([old]);
    expect(vault.index('a')).toBe(vault.index('a'));
    expect(vault.index('a')).not.toBe(vault.index('b'));
    expect(vault.index('a')).not.toBe(createVault([foreign]).index('a'));
    expect(Buffer.from(vault.index('a'), 'base64url')).toHaveLength(32);
  });
});
