/** Webhook events about the contacts of a location. */
export const contactEvents = [
  'ContactCreate',
  'ContactUpdate',
  'ContactDelete',
  'ContactTagUpdate',
  'ContactDndUpdate',
] as const;
export type ContactEvent = (typeof contactEvents)[number];
