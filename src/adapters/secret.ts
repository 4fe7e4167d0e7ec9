import { createHash, timingSafeEqual } from 'node:crypto';

/** Equal or not, without telling by its duration where or how long they differ. An unset secret equals nothing. */
export function sameSecret(given: string | undefined, expected: string): boolean {
  if (given === undefined || expected === '') return false;
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
