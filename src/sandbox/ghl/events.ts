/** Webhook events about the contacts of a location. */
export const contactEvents = [
  'ContactCreate',
  'ContactUpdate',
  'ContactDelete',
  'ContactTagUpdate',
  'ContactDndUpdate',
] as const;
export type ContactEvent = (typeof contactEvents)[number];

/** Events about the app, its locations, their users and other objects that a contact is not. */
export const accountEvents = [
  'INSTALL',
  'UNINSTALL',
  'PLAN_CHANGE',
  'EXTERNAL_AUTH_CONNECTED',
  'LocationCreate',
  'LocationUpdate',
  'UserCreate',
  'UserUpdate',
  'UserDelete',
  'OpportunityCreate',
  'OpportunityStatusUpdate',
  'AppointmentCreate',
  'TaskCreate',
  'NoteCreate',
  'InboundMessage',
  'OutboundMessage',
  'InvoicePaid',
] as const;
export type AccountEvent = (typeof accountEvents)[number];

type Place = { id: string; companyId: string; name: string };

const appId = '665c6bb13d4e5364bdec0e2f';
const user = {
  id: 'sandboxUser000000001',
  firstName: 'Uma',
  lastName: 'User',
  email: 'uma@location.example',
  phone: '+13055550190',
  extension: '',
  role: 'admin',
  permissions: { contactsEnabled: true },
};

/**
 * The body of an event without `webhookId` and `timestamp`. Those of locations carry their id as `id`, with no
 * `locationId`; those of users have an id, names and a phone, like contacts.
 */
export function accountEventBody(
  type: AccountEvent,
  { id, companyId, name }: Place,
): Record<string, unknown> {
  const ofLocation = { type, locationId: id };
  if (type === 'INSTALL')
    return { ...ofLocation, appId, companyId, userId: user.id, installType: 'Location' };
  if (type === 'UNINSTALL') return { ...ofLocation, appId, companyId };
  if (type === 'PLAN_CHANGE')
    return { ...ofLocation, appId, companyId, userId: user.id, currentPlanId: 'plan_1', newPlanId: 'plan_2' };
  if (type === 'EXTERNAL_AUTH_CONNECTED') return { ...ofLocation, companyId, credentials: {} };
  if (type.startsWith('Location'))
    return { type, id, companyId, name, email: 'mail@location.example', stripeProductId: 'prod_sandbox' };
  if (type.startsWith('User')) return { ...ofLocation, companyId, ...user };
  const contactId = 'sandboxContact000001';
  if (type === 'AppointmentCreate')
    return { ...ofLocation, appointment: { id: 'sandboxAppointment01', contactId, title: 'Visit' } };
  return { ...ofLocation, id: 'sandboxObject0000001', contactId, body: 'Hello', status: 'open' };
}
