import { type Contacts, fullName, restOf, type Stored } from './contacts.ts';

/** A contact as v2 writes it, in answers and in webhooks. */
export function wireContact(contacts: Contacts, contact: Stored): Record<string, unknown> {
  const { profile, customFields, dndSettings } = restOf(contact);
  const name = fullName(profile);
  return {
    id: contacts.idOf(contact),
    locationId: contact.location.id,
    name,
    ...profile,
    email: contact.email,
    phone: contact.phone,
    dnd: contact.dnd,
    ...(dndSettings && { dndSettings }),
    type: 'lead',
    tags: contact.tags,
    dateAdded: new Date(contact.addedAt).toISOString(),
    dateUpdated: new Date(contact.updatedAt).toISOString(),
    customFields: customFields ?? [],
  };
}

/** As v1 writes it: `contactName`, and `customField` as a list although it is sent as a map. */
export function wireContactV1(contacts: Contacts, contact: Stored): Record<string, unknown> {
  const { name, customFields, dndSettings: _v2, ...rest } = wireContact(contacts, contact);
  return { ...rest, contactName: name, customField: customFields };
}

/** What the ledger is searched by: number or address, name, location. */
export function traits(contacts: Contacts, contact: Stored, text?: string) {
  return {
    vendorId: contacts.idOf(contact),
    to: contact.phone ?? contact.email,
    text: text ?? fullName(restOf(contact).profile),
    reference: contact.location.id,
  };
}
