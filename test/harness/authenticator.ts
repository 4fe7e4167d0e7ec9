import { createHmac } from 'node:crypto';

const shown = new Map<string, Set<number>>();

/**
 * A code that works now and was not asked for before: each works once. The present one, or else the next, which is valid
 * already. Not the one before: it ends with the present 30 seconds, perhaps before it has arrived.
 */
export function freshCodeFor(uri: string): string {
  const steps = [0, 1].map((offset) => Math.floor(Date.now() / 30_000) + offset);
  const given = shown.get(uri) ?? new Set();
  shown.set(uri, given);
  const step = steps.find((each) => !given.has(each));
  if (step === undefined) throw new Error('two codes of this app were used within 30 seconds');
  given.add(step);
  return codeFor(uri, step * 30_000);
}

/** The code that an authenticator app shows for an `otpauth://` address (RFC 6238: SHA-1, six digits, 30 seconds). */
export function codeFor(uri: string, at = Date.now()): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const secret = base32(new URL(uri).searchParams.get('secret')!);
  const digest = createHmac('sha1', secret).update(counter).digest();
  const offset = digest[digest.length - 1]! & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Another code than the right one. */
export const wrongCodeFor = (uri: string): string => {
  const close = [-30_000, 0, 30_000].map((ms) => codeFor(uri, Date.now() + ms));
  return ['111111', '222222', '333333', '444444'].find((code) => !close.includes(code))!;
};

function base32(text: string): Buffer {
  const signs = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...text.replace(/=+$/, '')].map((sign) => signs.indexOf(sign).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}
