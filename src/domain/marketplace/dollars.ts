/** Cents of an amount in dollars, as a JSON number or a numeric string. Null with more than two decimals, or none. */
export function dollarsToMinor(value: number | string): number | null {
  const text = typeof value === 'number' ? String(value) : value.trim();
  const parts = /^(-?)(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text);
  if (!parts) return null;
  const [, sign, whole, cents = ''] = parts;
  const minor = Number(whole) * 100 + Number(cents.padEnd(2, '0'));
  return sign === '-' ? -minor : minor;
}

/** A JSON number of dollars: 2500 → 25, 1250 → 12.5. */
export const minorToDollars = (minor: number): number => minor / 100;
