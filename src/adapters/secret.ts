import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares in constant time, independent of length. Returns false when `expected` is empty, so unset secrets never match. */
export function sameSecret(given: string | undefined, expected: string): boolean {
  if (given === undefined || expected === '') return false;
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
