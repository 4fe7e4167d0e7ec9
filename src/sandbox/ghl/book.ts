import { type Answer, json, type Params, type VendorRequest } from '../vendor.ts';
import { type Draft, readTags } from './body.ts';
import { type Contacts, fullName, restOf, type Stored } from './contacts.ts';
import type { Hooks } from './hooks.ts';
import type { Identifier, Location } from './locations.ts';
import { GhlRefusal, invalid } from './refusal.ts';
import { ledgerFields } from './wire.ts';

/** Operations on contacts, shared by both versions of the API and the actions of CRM users. */
export class Book {
  readonly contacts: Contacts;
  readonly hooks: Hooks;

  constructor(contacts: Contacts, hooks: Hooks) {
    this.contacts = contacts;
    this.hooks = hooks;
  }

  /** Returns the contact with this id in this location (null: any). Throws 400 when unknown, as GoHighLevel does. */
  existing(id: string, location: Location | null): Stored {
    const contact = this.contacts.find(id);
    if (!contact) throw new GhlRefusal(400, [`Contact with id ${id} not found`]);
    if (location && contact.location !== location) throw noAccess();
    return contact;
  }

  upsert(
    location: Location,
    draft: Draft,
    createAnyway: boolean,
  ): { contact: Stored; isNew: boolean; after: () => void } {
    if (draft.email === undefined && draft.phone === undefined)
      throw new GhlRefusal(400, ['Pass at least one of number, email query parameter']);
    const hit = createAnyway && location.allowDuplicateContact ? null : this.contacts.match(location, draft);
    if (!hit) {
      const contact = this.contacts.create(location, draft);
      return { contact, isNew: true, after: this.hooks.created(contact) };
    }
    const change = this.contacts.update(hit.contact, this.#withoutDuplicates(hit.contact, draft));
    return { contact: hit.contact, isNew: false, after: this.hooks.changed(hit.contact, change) };
  }

  /** Throws a duplicate refusal with the id of the existing contact. */
  create(location: Location, draft: Draft): { contact: Stored; after: () => void } {
    const hit = location.allowDuplicateContact ? null : this.contacts.match(location, draft);
    if (hit) throw this.#duplicate(hit.contact, hit.matchingField);
    const contact = this.contacts.create(location, draft);
    return { contact, after: this.hooks.created(contact) };
  }

  update(contact: Stored, draft: Draft): () => void {
    for (const field of contact.location.contactUniqueIdentifiers) {
      const other = this.#ownerOf(contact, field, draft);
      if (other && !contact.location.allowDuplicateContact) throw this.#duplicate(other, field);
    }
    return this.hooks.changed(contact, this.contacts.update(contact, draft));
  }

  remove(contact: Stored): () => void {
    const after = this.hooks.removed(contact);
    this.contacts.remove(contact);
    return after;
  }

  /** POST and DELETE …/tags: adds or removes tags. */
  changeTags(contact: Stored, params: Params, operation: string, status: number): Answer {
    const given = readTags(params.tags);
    if (!given || given.length === 0)
      throw invalid(
        'each value in tags must be a string',
        'tags should not be empty',
        'tags must be an array',
      );
    const tags = operation.endsWith('.add')
      ? [...new Set([...contact.tags, ...given])]
      : contact.tags.filter((tag) => !given.includes(tag));
    const changed = this.contacts.setTags(contact, tags);
    return {
      ...json(status, { tags: contact.tags }),
      record: { operation, params, ...ledgerFields(this.contacts, contact, given.join(', ')) },
      after: this.hooks.tagged(contact, changed),
    };
  }

  addNote(contact: Stored, { params }: { params: Params }, status: number): Answer {
    const { body, userId } = params;
    if (typeof body !== 'string' || body === '')
      throw invalid('body should not be empty', 'body must be a string');
    const note = this.contacts.addNote(contact, body, typeof userId === 'string' ? userId : null);
    const record = { operation: 'contact.note.add', params, ...ledgerFields(this.contacts, contact, body) };
    return { ...json(status, { note: { ...note, contactId: this.contacts.idOf(contact) } }), record };
  }

  enrol(contact: Stored, request: VendorRequest, params: Params, operation: string): Answer {
    const workflow = request.path.replace(/\/$/, '').split('/').at(-1) ?? '';
    const record = { operation, params, ...ledgerFields(this.contacts, contact, workflow) };
    // GoHighLevel's spelling.
    return { ...json(200, { succeded: true }), record };
  }

  /** Drops an e-mail or phone of another contact silently, because an upsert matches by the first field only. */
  #withoutDuplicates(contact: Stored, draft: Draft): Draft {
    if (contact.location.allowDuplicateContact) return draft;
    const { email, phone, ...rest } = draft;
    return {
      ...rest,
      ...(email !== undefined && !this.#ownerOf(contact, 'email', draft) && { email }),
      ...(phone !== undefined && !this.#ownerOf(contact, 'phone', draft) && { phone }),
    };
  }

  #ownerOf(contact: Stored, field: Identifier, draft: Draft): Stored | null {
    const value = draft[field];
    const owner = value === undefined ? null : this.contacts.by(contact.location, field, value);
    return owner === contact ? null : owner;
  }

  #duplicate(contact: Stored, matchingField: Identifier): GhlRefusal {
    return new GhlRefusal(400, ['This location does not allow duplicated contacts.'], {
      contactId: this.contacts.idOf(contact),
      contactName: fullName(restOf(contact).profile),
      matchingField,
    });
  }
}

export function noAccess(): GhlRefusal {
  return new GhlRefusal(403, ['The token does not have access to this location.']);
}
