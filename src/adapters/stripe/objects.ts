/** Stripe's largest page of a list. */
export const pageSize = 100;

/** Returns undefined for a value that is not known here, which Stripe may have added later. */
export function oneOf<T extends string>(known: readonly T[], word: string | null): T | undefined {
  return known.find((candidate) => candidate === word);
}

export function idOf(value: string | { id: string } | null): string | null {
  return typeof value === 'object' ? (value?.id ?? null) : value;
}
