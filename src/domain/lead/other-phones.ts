import type { CountryCode } from 'libphonenumber-js';
import { parseLeadPhone } from '../phone/lead-phone.ts';

/** The most further numbers that are kept of one lead. */
const MOST = 10;

/**
 * The numbers of a lead beside `phone`, in order and each once: E.164 when valid, otherwise as given. Texts that are
 * not numbers are left out.
 */
export function otherPhones(given: readonly string[], phone: string, region: CountryCode): string[] {
  if (given.length < 2) return [];
  const kept = new Set<string>();
  for (const text of given) {
    if (kept.size === MOST) break;
    if (text.trim() === '') continue;
    const parsed = parseLeadPhone(text, region);
    if (parsed.ok && parsed.value !== phone) kept.add(parsed.value);
  }
  return [...kept];
}
