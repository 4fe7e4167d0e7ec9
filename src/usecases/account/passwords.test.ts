import { randomBytes } from 'node:crypto';
import { hashPassword } from '@better-auth/utils/password';
import { describe, expect, it } from 'vitest';
import { createPasswords } from './passwords.ts';

const older = { id: 'k1', key: randomBytes(32) };
const newer = { id: 'k2', key: randomBytes(32) };
const passwords = createPasswords({ encryptionKeys: [older] });

describe('passwords', () => {
  it('of every format are verified, and others are not', async () => {
    const quick = passwords.quick('pass word ½');
    const stored = [
      quick,
      (await passwords.strengthen(quick))!,
      await passwords.hash('pass word ½'),
      await hashPassword('pass word ½'),
    ];
    expect(stored.map((each) => each.split(/[$:]/)[0]!.slice(0, 6))).toMatchObject([
      'hmac',
      'scrypt',
      {},
      {},
    ]);
    for (const each of stored) {
      expect(await passwords.verify(each, 'pass word ½'), each).toBe(true);
      // The same text in another of its Unicode forms.
      expect(await passwords.verify(each, 'pass word 1⁄2'), each).toBe(true);
      expect(await passwords.verify(each, 'pass word 2'), each).toBe(false);
    }
  });

  it('are different for one password, and contain nothing of it', () => {
    const [one, two] = [passwords.quick('password123'), passwords.quick('password123')];
    expect(one).not.toBe(two);
    expect(one).toMatch(/^hmac\$k1\$[\w-]{22}\$[\w-]{43}$/);
  });

  it('survive a new encryption key in front of theirs, and are of no use without theirs', async () => {
    const quick = passwords.quick('password123');
    const strong = (await passwords.strengthen(quick))!;
    const rotated = createPasswords({ encryptionKeys: [newer, older] });
    const foreign = createPasswords({ encryptionKeys: [newer] });
    for (const each of [quick, strong]) {
      expect(await rotated.verify(each, 'password123')).toBe(true);
      expect(await foreign.verify(each, 'password123')).toBe(false);
    }
    expect(rotated.quick('password123')).toMatch(/^hmac\$k2\$/);
  });

  it('are strengthened once: what is no quick hash is left as it is', async () => {
    const strong = (await passwords.strengthen(passwords.quick('password123')))!;
    expect(await passwords.strengthen(strong)).toBeNull();
    expect(await passwords.strengthen(await hashPassword('password123'))).toBeNull();
  });

  it.each(['', 'x', ':', 'hmac$k1$x$', 'scrypt$k1$x$', 'hmac$k9$x$eA', 'salt:zz'])(
    'stored as %j match no password',
    async (stored) => {
      expect(await passwords.verify(stored, '')).toBe(false);
      expect(await passwords.verify(stored, 'password123')).toBe(false);
    },
  );

  it('take a scrypt for each wrong one, whatever the format', async () => {
    const timed = async (work: () => Promise<unknown>) => {
      const began = performance.now();
      await work();
      return performance.now() - began;
    };
    const quick = passwords.quick('password123');
    const hashing = await timed(() => passwords.hash('password123'));
    for (const stored of [quick, (await passwords.strengthen(quick))!, await hashPassword('password123')])
      expect(await timed(() => passwords.verify(stored, 'wrong'))).toBeGreaterThan(hashing / 4);
  });
});
