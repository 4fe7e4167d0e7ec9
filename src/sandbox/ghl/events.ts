/** What a location's app is told of its contacts. */
export const contactEvents = [
  'ContactCreate',
  'ContactUpdate',
  'ContactDelete',
  'ContactTagUpdate',
  'ContactDndUpdate',
] as const;
export type ContactEvent = (typeof contactEvents)[number];
