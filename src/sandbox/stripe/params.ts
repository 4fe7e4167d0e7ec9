import type { Metadata } from './objects.ts';

/** An empty value removes its key. */
export function metadataFrom(given: unknown, before: Metadata = {}): Metadata {
  if (given === '') return {};
  if (typeof given !== 'object' || given === null) return before;
  return Object.fromEntries(
    Object.entries({ ...before, ...given }).filter(([, value]) => value !== ''),
  ) as Metadata;
}

/** Returns null for an absent and for an empty value. */
export function optional(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export const isTrue = (value: unknown): boolean => value === 'true';
