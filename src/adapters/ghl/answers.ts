import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { CrmQuota } from '../crm.ts';
import { retryAfterMs } from '../failure.ts';

const duplicate = z.object({
  meta: z.object({
    contactId: z.string().min(1),
    matchingField: z.enum(['phone', 'email']).optional().catch(undefined),
  }),
});
/** The existing contact, and the field by which it was found. */
export type DuplicateAnswer = z.infer<typeof duplicate>['meta'];

const message = z.union([z.string(), z.array(z.string())]);
const v2Refusal = z.object({ message });
const v1Refusal = z.object({ msg: z.string() });
const v1FieldRefusal = z.record(z.string(), z.object({ message: z.string() }));

const longestWords = 500;

/** Returns the existing contact when the refusal names it, or null. */
export function duplicateOf(body: unknown): DuplicateAnswer | null {
  const found = duplicate.safeParse(body);
  return found.success ? found.data.meta : null;
}

/** The vendor's message: one sentence or a list (v2), `msg` or one per field (v1). Addresses and numbers are left out. */
export function wordsOf(body: unknown): string | undefined {
  const v2 = v2Refusal.safeParse(body);
  if (v2.success) return withoutPersonalData([v2.data.message].flat());
  const v1 = v1Refusal.safeParse(body);
  if (v1.success) return withoutPersonalData([v1.data.msg]);
  const byField = v1FieldRefusal.safeParse(body);
  return byField.success
    ? withoutPersonalData(Object.values(byField.data).map((field) => field.message))
    : undefined;
}

function withoutPersonalData(sentences: string[]): string | undefined {
  const words = sentences
    .join('; ')
    .replace(/[^\s<>"'()]{1,64}@[^\s<>"'()]{1,255}/g, '[address]')
    .replace(/\+?\d[\d\s().-]{5,}\d/g, '[number]')
    .slice(0, longestWords);
  return words === '' ? undefined : words;
}

/** Returns null when the answer does not carry it. */
export function quotaFrom(headers: IncomingHttpHeaders): CrmQuota | null {
  const max = count(headers['x-ratelimit-max']);
  const remaining = count(headers['x-ratelimit-remaining']);
  const intervalMs = count(headers['x-ratelimit-interval-milliseconds']);
  if (max === null || remaining === null || intervalMs === null) return null;
  return {
    max,
    remaining,
    intervalMs,
    dailyMax: count(headers['x-ratelimit-limit-daily']),
    dailyRemaining: count(headers['x-ratelimit-daily-remaining']),
  };
}

/**
 * How long to wait after a 429: Retry-After where it is sent, an hour when the daily allowance is used up (the vendor
 * does not report reliably when its day ends), else one interval.
 */
export function resetMs(headers: IncomingHttpHeaders): number | undefined {
  const retryAfter = retryAfterMs(headers['retry-after']);
  if (retryAfter !== undefined) return retryAfter;
  const quota = quotaFrom(headers);
  if (quota?.dailyRemaining === 0) return 3_600_000;
  return quota?.intervalMs;
}

function count(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,12}$/.test(header) ? Number(header) : null;
}
