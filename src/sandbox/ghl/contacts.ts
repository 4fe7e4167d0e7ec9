import type { CustomValue, DndSetting, Draft } from './body.ts';
import { type Identifier, type Location, randomId } from './locations.ts';

/**
 * One contact, kept small because there may be a million: indexed fields, and `rest` with the JSON of everything else.
 */
export type Stored = {
  readonly serial: number;
  readonly location: Location;
  phone: string | null;
  email: string | null;
  tags: readonly string[];
  dnd: boolean;
  rest: string;
  addedAt: number;
  updatedAt: number;
  /** Number of creates and updates from any source, not counting changes of tags alone. */
  writes: number;
};

type Rest = {
  profile: Record<string, string>;
  customFields?: CustomValue[];
  dndSettings?: Record<string, DndSetting>;
};
export type Note = { id: string; body: string; userId: string | null; dateAdded: string };
/** Who a contact was at a time. */
export type Person = { at: string; name: string; phone: string | null; email: string | null };
export type Change = { fields: boolean; tags: boolean; dnd: boolean };

type Indexes = Record<Identifier, Map<string, number | number[]>>;

const maxTagSets = 10_000;
const maxNotes = 500_000;
/** Contacts whose earlier persons are kept. */
const maxHistories = 100_000;

/** All contacts of all locations. Beyond `max` the oldest are evicted and counted in `dropped`. */
export class Contacts {
  #contacts = new Map<number, Stored>();
  #indexes = new Map<Location, Indexes>();
  #tagSets = new Map<string, readonly string[]>();
  #notes = new Map<number, Note[]>();
  #noteCount = 0;
  /** Earlier persons of contacts that were written over, oldest first. */
  #histories = new Map<number, Person[]>();
  #next = 1;
  /** Changes on reset, so that earlier ids stay unknown. */
  #prefix = randomId(14);
  #max: number;
  dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#contacts.size;
  }

  /** 20 characters; the last six encode the serial number, so that no index by id is needed. */
  idOf(contact: Stored): string {
    return this.#prefix + contact.serial.toString(36).padStart(6, '0');
  }

  find(id: string): Stored | null {
    if (id.length !== 20 || !id.startsWith(this.#prefix)) return null;
    const contact = this.#contacts.get(Number.parseInt(id.slice(14), 36));
    return contact && this.idOf(contact) === id ? contact : null;
  }

  /** Returns the first contact with this e-mail or phone, or null. */
  by(location: Location, field: Identifier, value: string): Stored | null {
    const found = this.#indexes.get(location)?.[field].get(keyOf(value));
    const serial = Array.isArray(found) ? found[0] : found;
    return serial === undefined ? null : (this.#contacts.get(serial) ?? null);
  }

  /** Matches by the location's identifiers in order; the first that finds a contact wins. Returns null without a match. */
  match(
    location: Location,
    given: Pick<Draft, Identifier>,
  ): { contact: Stored; matchingField: Identifier } | null {
    for (const field of location.contactUniqueIdentifiers) {
      const value = given[field];
      const contact = value === undefined ? null : this.by(location, field, value);
      if (contact) return { contact, matchingField: field };
    }
    return null;
  }

  create(location: Location, draft: Draft): Stored {
    const now = Date.now();
    const contact: Stored = {
      serial: this.#next,
      location,
      phone: null,
      email: null,
      tags: this.#tagSet(draft.tags ?? []),
      dnd: draft.dnd ?? false,
      rest: '',
      addedAt: now,
      updatedAt: now,
      writes: 1,
    };
    this.#next += 1;
    this.#contacts.set(contact.serial, contact);
    this.#identify(contact, 'phone', draft.phone);
    this.#identify(contact, 'email', draft.email);
    const { profile, customFields, dndSettings } = draft;
    contact.rest = JSON.stringify({ profile, customFields, dndSettings });
    location.counts.created += 1;
    if (this.#contacts.size > this.#max) this.#dropOldest();
    return contact;
  }

  /** Sets the properties of the draft. Returns which kinds of properties changed. */
  update(contact: Stored, draft: Draft): Change {
    const before = { ...contact };
    const person = personOf(contact);
    this.#identify(contact, 'phone', draft.phone);
    this.#identify(contact, 'email', draft.email);
    const known = restOf(contact);
    const values = new Map((known.customFields ?? []).map(({ id, value }) => [id, value]));
    for (const { id, value } of draft.customFields ?? []) values.set(id, value);
    const dndSettings = draft.dndSettings
      ? { ...known.dndSettings, ...draft.dndSettings }
      : known.dndSettings;
    contact.rest = JSON.stringify({
      profile: { ...known.profile, ...draft.profile },
      customFields: values.size > 0 ? [...values].map(([id, value]) => ({ id, value })) : undefined,
      dndSettings,
    });
    if (draft.dnd !== undefined) contact.dnd = draft.dnd;
    const tags = draft.tags !== undefined && this.setTags(contact, draft.tags);
    this.#remember(contact, person);
    contact.updatedAt = Date.now();
    contact.writes += 1;
    contact.location.counts.updated += 1;
    return {
      fields:
        before.rest !== contact.rest || before.phone !== contact.phone || before.email !== contact.email,
      tags,
      dnd:
        before.dnd !== contact.dnd ||
        JSON.stringify(known.dndSettings ?? {}) !== JSON.stringify(dndSettings ?? {}),
    };
  }

  /** Returns whether the tags changed. */
  setTags(contact: Stored, tags: readonly string[]): boolean {
    const next = this.#tagSet(tags);
    const changed = next.length !== contact.tags.length || next.some((tag) => !contact.tags.includes(tag));
    contact.tags = next;
    contact.updatedAt = Date.now();
    return changed;
  }

  remove(contact: Stored): void {
    this.#forget(contact);
    contact.location.counts.removed += 1;
  }

  addNote(contact: Stored, body: string, userId: string | null): Note {
    const note = { id: randomId(), body, userId, dateAdded: new Date().toISOString() };
    const notes = this.#notes.get(contact.serial);
    if (notes) notes.push(note);
    else this.#notes.set(contact.serial, [note]);
    this.#noteCount += 1;
    const oldest = this.#noteCount > maxNotes ? this.#notes.entries().next().value : undefined;
    if (oldest) this.#forgetNotes(oldest[0]);
    return note;
  }

  /** Who the contact was, oldest first, and who it is. A contact of one person has one entry. */
  historyOf(contact: Stored): Person[] {
    return [...(this.#histories.get(contact.serial) ?? []), personOf(contact)];
  }

  notesOf(contact: Stored): Note[] {
    return this.#notes.get(contact.serial) ?? [];
  }

  /** Newest first. `text` is a phone, an e-mail, or a substring of a name, a tag and so on. */
  list(query: { location?: Location | undefined; text?: string; limit: number; offset?: number }): Stored[] {
    const { location, limit } = query;
    const text = (query.text ?? '').trim().toLowerCase();
    const exact = location && (this.by(location, 'phone', text) ?? this.by(location, 'email', text));
    if (exact) return query.offset ? [] : [exact];
    let skip = query.offset ?? 0;
    const found: Stored[] = [];
    // Iterates from the newest serial, because copying a million entries for the last sixty would block every call.
    for (let serial = this.#next - 1; serial > 0 && found.length < limit; serial -= 1) {
      const contact = this.#contacts.get(serial);
      if (!contact || (location && contact.location !== location)) continue;
      if (text !== '' && !textOf(contact).includes(text)) continue;
      if (skip > 0) skip -= 1;
      else found.push(contact);
    }
    return found;
  }

  /** Counts over all contacts of a location, for assertions. */
  statistics(location: Location) {
    let contacts = 0;
    let writtenOnce = 0;
    let overwritten = 0;
    for (const contact of this.#contacts.values()) {
      if (contact.location !== location) continue;
      contacts += 1;
      if (contact.writes === 1) writtenOnce += 1;
      if (this.#histories.has(contact.serial)) overwritten += 1;
    }
    const shared = (field: Identifier) =>
      [...(this.#indexes.get(location)?.[field].values() ?? [])].filter(Array.isArray).length;
    return {
      contacts,
      writtenOnce,
      writtenMore: contacts - writtenOnce,
      /** Contacts with another name, phone or e-mail than before. */
      overwritten,
      /** Phones and e-mails that more than one contact has. */
      sharedPhones: shared('phone'),
      sharedEmails: shared('email'),
      dropped: this.dropped,
    };
  }

  reset(): void {
    this.#contacts.clear();
    this.#indexes.clear();
    this.#tagSets.clear();
    this.#notes.clear();
    this.#noteCount = 0;
    this.#histories.clear();
    this.#prefix = randomId(14);
    this.dropped = 0;
  }

  #identify(contact: Stored, field: Identifier, value: string | undefined): void {
    if (value === undefined || value === contact[field]) return;
    this.#unindex(contact, field);
    contact[field] = value;
    let indexes = this.#indexes.get(contact.location);
    if (!indexes) {
      indexes = { phone: new Map(), email: new Map() };
      this.#indexes.set(contact.location, indexes);
    }
    const key = keyOf(value);
    const others = indexes[field].get(key);
    if (others === undefined) indexes[field].set(key, contact.serial);
    else indexes[field].set(key, [others, contact.serial].flat());
  }

  #unindex(contact: Stored, field: Identifier): void {
    const value = contact[field];
    const index = this.#indexes.get(contact.location)?.[field];
    if (value === null || !index) return;
    const key = keyOf(value);
    const left = [index.get(key) ?? []].flat().filter((serial) => serial !== contact.serial);
    if (left.length === 0) index.delete(key);
    else index.set(key, left.length === 1 && left[0] !== undefined ? left[0] : left);
  }

  /** Keeps who the contact was before a write, unless it is the same person still. */
  #remember(contact: Stored, before: Person): void {
    const { name, phone, email } = personOf(contact);
    if (before.name === name && before.phone === phone && before.email === email) return;
    const history = this.#histories.get(contact.serial);
    if (history) history.push(before);
    else this.#histories.set(contact.serial, [before]);
    const oldest = this.#histories.size > maxHistories ? this.#histories.keys().next().value : undefined;
    if (oldest !== undefined) this.#histories.delete(oldest);
  }

  #forget(contact: Stored): void {
    this.#contacts.delete(contact.serial);
    this.#histories.delete(contact.serial);
    this.#unindex(contact, 'phone');
    this.#unindex(contact, 'email');
    this.#forgetNotes(contact.serial);
  }

  #forgetNotes(serial: number): void {
    this.#noteCount -= this.#notes.get(serial)?.length ?? 0;
    this.#notes.delete(serial);
  }

  #dropOldest(): void {
    const oldest = this.#contacts.values().next().value;
    if (!oldest) return;
    this.#forget(oldest);
    this.dropped += 1;
  }

  /** Shares one list between contacts with the same tags, as nearly all contacts of an import have. */
  #tagSet(tags: readonly string[]): readonly string[] {
    const key = tags.join('\n');
    const known = this.#tagSets.get(key);
    if (known) return known;
    if (this.#tagSets.size >= maxTagSets) this.#tagSets.clear();
    const kept = Object.freeze([...tags]);
    this.#tagSets.set(key, kept);
    return kept;
  }
}

export function restOf(contact: Stored): Rest {
  return JSON.parse(contact.rest) as Rest;
}

function personOf(contact: Stored): Person {
  const { phone, email, updatedAt } = contact;
  const name = fullName(restOf(contact).profile);
  return { at: new Date(updatedAt).toISOString(), name, phone, email };
}

export function fullName(profile: Record<string, string>): string {
  return [profile.firstName, profile.lastName].filter(Boolean).join(' ');
}

function textOf(contact: Stored): string {
  const { profile } = restOf(contact);
  return [fullName(profile), contact.phone, contact.email, profile.companyName, ...contact.tags]
    .join('\n')
    .toLowerCase();
}

/** E-mails are compared ignoring case. */
function keyOf(value: string): string {
  return value.startsWith('+') ? value : value.toLowerCase();
}
