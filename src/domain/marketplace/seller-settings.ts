/** The keys of a seller's branding: how its mails and pages look. */
export const brandingKeys = ['logoUrl', 'primaryColor', 'senderName', 'footer'] as const;
export type BrandingKey = (typeof brandingKeys)[number];

const zones = new Map<string, string>(
  [...Intl.supportedValuesOf('timeZone'), 'UTC'].map((zone) => [zone.toLowerCase(), zone]),
);

/** The IANA name of a time zone, such as `America/New_York`. Null for anything else. */
export function timeZoneOf(given: string): string | null {
  const known = zones.get(given.toLowerCase());
  if (known !== undefined) return known;
  // Older names of the same zones, such as US/Eastern, are none of the supported values.
  if (!/^[A-Za-z_]+(?:\/[A-Za-z0-9_+-]+){1,2}$/.test(given)) return null;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** Whether a seller may use the marketplace by its trial; there are no plans yet. */
export const subscriptionStatusOf = (trialEndsAt: Date, now: Date): 'TRIALING' | 'INACTIVE' =>
  now.getTime() < new Date(trialEndsAt).getTime() ? 'TRIALING' : 'INACTIVE';

/** Percent with at most two decimals as hundredths of a percent: 20 is 2000. Null for anything else. */
export function percentToBasisPoints(given: number | string): number | null {
  const text = typeof given === 'number' ? String(given) : given.trim();
  const parts = /^(\d{1,4})(?:\.(\d{1,2}))?$/.exec(text);
  return parts ? Number(parts[1]) * 100 + Number((parts[2] ?? '').padEnd(2, '0')) : null;
}

export const basisPointsToPercent = (points: number): number => points / 100;
/** Most of a markup, in hundredths of a percent. */
export const mostMarkup = 100_000;
