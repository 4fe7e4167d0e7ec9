import { createHmac, hkdfSync, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { hashPassword } from '@better-auth/utils/password';
import type { Config } from '../../config.ts';
import { scryptTurns } from './scrypt-turns.ts';

/**
 * How passwords are stored. One scrypt takes a core for some 60 ms, so a rush of registrations cannot be hashed while its
 * callers wait. A registration therefore stores an HMAC, which is worth nothing without a key of the server, and the
 * account-keeper replaces it within seconds by a scrypt of that same HMAC: the password itself is kept nowhere.
 *
 * - `hmac$<key id>$<salt>$<mac>`: of a registration, until it is strengthened
 * - `scrypt$<key id>$<salt>$<hash>`: the same, strengthened
 * - `<salt>:<hash>`: scrypt of the password itself, by the sign-in library's own function
 *
 * The key belongs to the one of ENCRYPTION_KEYS that its id names, never to SESSION_SECRET: a key stays configured as long
 * as something is encrypted with it, and sessions may be ended by a new secret without ending passwords.
 */
export type Passwords = {
  /** Hashes with scrypt. For a request: throws RefusedError 503 when too many wait for their turn. */
  hash(password: string): Promise<string>;
  /** Stores at once what `strengthen` replaces. */
  quick(password: string): string;
  /** The scrypt of a quick hash. Returns null for what is no quick hash. Waits behind requests. */
  strengthen(stored: string): Promise<string | null>;
  /** In constant time. Takes as long for a wrong password as `hash` does, whatever the format. */
  verify(stored: string, password: string): Promise<boolean>;
};

type Keys = Pick<Config, 'encryptionKeys'>;

const bytes = { salt: 16, hash: 64 };
const cost = { N: 16_384, r: 16, p: 1, maxmem: 64 * 1024 * 1024 };

export function createPasswords({ encryptionKeys }: Keys): Passwords {
  const keys = new Map(
    encryptionKeys.map(({ id, key }) => [
      id,
      Buffer.from(hkdfSync('sha256', key, '', 'leadgate password', 32)),
    ]),
  );
  const newest = encryptionKeys[0]!.id;
  const macOf = (keyId: string, salt: string, password: string): Buffer | null => {
    const key = keys.get(keyId);
    return key
      ? createHmac('sha256', key).update(salt).update('\0').update(password.normalize('NFKC')).digest()
      : null;
  };
  const burn = async () => void (await stretched('request', randomBytes(32), 'no account'));

  return {
    hash: (password) => scryptTurns.take('request', () => hashPassword(password)),
    quick(password) {
      const salt = randomBytes(bytes.salt).toString('base64url');
      return ['hmac', newest, salt, macOf(newest, salt, password)!.toString('base64url')].join('$');
    },
    async strengthen(stored) {
      const parts = partsOf(stored);
      if (parts?.kind !== 'hmac') return null;
      const hash = await stretched('background', parts.hash, parts.salt);
      return ['scrypt', parts.keyId, parts.salt, hash.toString('base64url')].join('$');
    },
    async verify(stored, password) {
      const parts = partsOf(stored);
      if (!parts) return verifyPlain(stored, password);
      const mac = macOf(parts.keyId, parts.salt, password);
      const given = mac && parts.kind === 'scrypt' ? await stretched('request', mac, parts.salt) : mac;
      const same = given?.length === parts.hash.length && timingSafeEqual(given, parts.hash);
      // An answer that comes at once would tell that this account exists and is new.
      if (!same && (parts.kind === 'hmac' || !mac)) await burn();
      return same;
    },
  };
}

type Parts = { kind: 'hmac' | 'scrypt'; keyId: string; salt: string; hash: Buffer };

function partsOf(stored: string): Parts | null {
  const [kind, keyId = '', salt = '', hash = ''] = stored.split('$');
  if (kind !== 'hmac' && kind !== 'scrypt') return null;
  return { kind, keyId, salt, hash: Buffer.from(hash, 'base64url') };
}

async function verifyPlain(stored: string, password: string): Promise<boolean> {
  const [salt = '', hash = ''] = stored.split(':');
  const expected = Buffer.from(hash, 'hex');
  const given = await stretched('request', password.normalize('NFKC'), salt);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const stretched = (whose: 'request' | 'background', secret: string | Buffer, salt: string): Promise<Buffer> =>
  scryptTurns.take(
    whose,
    () =>
      new Promise<Buffer>((resolve, reject) =>
        scrypt(secret, salt, bytes.hash, cost, (error, key) => (error ? reject(error) : resolve(key))),
      ),
  );
