import { type Contacts, fullName, restOf, type Stored } from './contacts.ts';

/** Serializes a contact as in v2 responses and webhooks. */
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

/** Serializes a contact as in v1 responses: `contactName`, and `customField` as a list although requests send a map. */
export function wireContactV1(contacts: Contacts, contact: Stored): Record<string, unknown> {
  const { name, customFields, dndSettings: _v2, ...rest } = wireContact(contacts, contact);
  return { ...rest, contactName: name, customField: customFields };
}

/** Searchable ledger fields of a contact: phone or e-mail, name, location. */
export function ledgerFields(contacts: Contacts, contact: Stored, text?: string) {
  return {
    vendorId: contacts.idOf(contact),
    to: contact.phone ?? contact.email,
    text: text ?? fullName(restOf(contact).profile),
    reference: contact.location.id,
  };
}
