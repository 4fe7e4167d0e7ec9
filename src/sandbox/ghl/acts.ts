import { z } from 'zod';
import type { Ledger } from '../ledger.ts';
import type { Params } from '../vendor.ts';
import { createFields, readDraft } from './body.ts';
import { fullName, restOf, type Stored } from './contacts.ts';
import { accountEvents } from './events.ts';
import type { Ghl } from './ghl.ts';
import type { Location } from './locations.ts';
import { ledgerFields, wireContact } from './wire.ts';

export const locationSchema = z.strictObject({
  name: z.string().min(1).optional(),
  allowDuplicateContact: z.boolean().optional(),
  contactUniqueIdentifiers: z
    .array(z.enum(['email', 'phone']))
    .min(1)
    .max(2)
    .optional(),
  active: z.boolean().optional(),
  installed: z.boolean().optional(),
});
export const accountEventSchema = z.strictObject({
  type: z.enum(accountEvents),
  /** Properties set or replaced in the vendor's example; null leaves one out. */
  fields: z.record(z.string(), z.unknown()).optional(),
});
export const contactQuerySchema = z.strictObject({
  location: z.string().optional(),
  query: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  offset: z.coerce.number().int().min(0).default(0),
});

/** Actions of a CRM user. They send webhooks to the product and are recorded in the ledger as `crm.…`. */
export function createGhlActs(ghl: Ghl, ledger: Ledger, onChange: () => void) {
  const { contacts } = ghl.book;
  const record = (operation: string, contact: Stored, params: Params, after: () => void) => {
    ledger.append(
      'ghl',
      { operation, params, ...ledgerFields(contacts, contact) },
      { outcome: 'accepted', status: null, fault: null },
    );
    after();
    onChange();
    return wireContact(contacts, contact);
  };
  return {
    create(locationId: string, given: Params) {
      const location = ghl.locations.get(locationId);
      const made = ghl.book.create(location, readDraft(given, createFields, location));
      return record('crm.contact.create', made.contact, given, made.after);
    },
    /** Changes any property of a contact, including `dnd` and `dndSettings`. */
    edit(id: string, given: Params) {
      const contact = ghl.book.existing(id, null);
      const after = ghl.book.update(contact, readDraft(given, createFields, contact.location));
      return record('crm.contact.edit', contact, given, after);
    },
    remove(id: string) {
      const contact = ghl.book.existing(id, null);
      return record('crm.contact.delete', contact, {}, ghl.book.remove(contact));
    },
    /** Changes settings of a location, which is created if it does not exist. Returns its settings and counts. */
    location(id: string, given: z.infer<typeof locationSchema> = {}) {
      const location = ghl.locations.get(id);
      Object.assign(location, locationSchema.parse(given));
      onChange();
      return stateOf(ghl, location);
    },
    /** Expires all access tokens of a location. */
    expireTokens: (id: string) => ({ expired: ghl.tokens.expire(ghl.locations.get(id)) }),
    /** Sends an event about the app, the location or its users, in the vendor's shape. Returns the body. */
    event(id: string, given: z.input<typeof accountEventSchema>) {
      return ghl.hooks.send(ghl.locations.get(id), accountEventSchema.parse(given));
    },
    /** Removes the app from the location: its tokens are refused from now on, and the app is told. */
    uninstall(id: string) {
      const location = ghl.locations.get(id);
      location.installed = false;
      onChange();
      return ghl.hooks.send(location, { type: 'UNINSTALL' });
    },
    /** Issues an authorization code, as the consent page does. */
    authorize: (id: string, redirectUri: string, scope = 'contacts.write contacts.readonly') => ({
      code: ghl.tokens.issueCode(id, redirectUri, scope),
    }),
    contacts(given: z.input<typeof contactQuerySchema> = {}) {
      const { location: id, query, limit, offset } = contactQuerySchema.parse(given);
      const location = id === undefined ? undefined : ghl.locations.get(id);
      return contacts
        .list({ location, limit, offset, ...(query !== undefined && { text: query }) })
        .map((contact) => ({
          ...wireContact(contacts, contact),
          writes: contact.writes,
          history: contacts.historyOf(contact),
        }));
    },
    contact(id: string) {
      const contact = ghl.book.existing(id, null);
      return {
        ...wireContact(contacts, contact),
        writes: contact.writes,
        history: contacts.historyOf(contact),
        notes: contacts.notesOf(contact),
      };
    },
  };
}

/** Counting a million contacts is slow, so the counts are returned on request only and not shown on the page. */
function stateOf(ghl: Ghl, location: Location) {
  const { calls, counts, ...settings } = location;
  return {
    ...settings,
    ...counts,
    calls: calls.calls,
    limited: calls.limited,
    peak: calls.peak,
    ...ghl.book.contacts.statistics(location),
  };
}

const shown = { contacts: 60, locations: 200 };

/** Data of the contacts page: newest first, with a limit. */
export function contactsView(ghl: Ghl, query: URLSearchParams) {
  const { contacts } = ghl.book;
  const wanted = query.get('location') ?? '';
  const location = wanted === '' ? undefined : (ghl.locations.find(wanted) ?? undefined);
  const found = contacts.list({ location, text: query.get('query') ?? '', limit: shown.contacts });
  return {
    total: contacts.size,
    locations: ghl.locations
      .list()
      .slice(-shown.locations)
      .map(({ id, counts, calls }) => ({
        id,
        contacts: counts.created - counts.removed,
        calls: calls.calls,
        limited: calls.limited,
      })),
    contacts: found.map((contact) => {
      const { profile, customFields, dndSettings } = restOf(contact);
      const { firstName: _first, lastName: _last, source = '', ...more } = profile;
      return {
        id: contacts.idOf(contact),
        location: contact.location.id,
        name: fullName(profile),
        phone: contact.phone,
        email: contact.email,
        source,
        tags: contact.tags,
        dnd: contact.dnd || dndSettings?.SMS?.status === 'active' || dndSettings?.SMS?.status === 'permanent',
        updatedAt: new Date(contact.updatedAt).toISOString(),
        more: [
          ...Object.entries(more),
          ...(customFields ?? []).map(({ id, value }) => [
            contact.location.fields.find((field) => field.id === id)?.name ?? id,
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
          ...contacts.notesOf(contact).map(({ body }) => ['note', body]),
          ...contacts
            .historyOf(contact)
            .slice(0, -1)
            .map(({ name, phone, email }) => ['was', [name, phone, email].filter(Boolean).join(', ')]),
        ].filter(([, value]) => value !== ''),
      };
    }),
  };
}
