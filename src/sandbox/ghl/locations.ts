import { randomBytes } from 'node:crypto';
import { CallWindow } from './limits.ts';

export type CustomField = {
  id: string;
  name: string;
  fieldKey: string;
  dataType: string;
  position: number;
};

export type Identifier = 'email' | 'phone';

/** A sub-account with its settings, custom fields and counts. */
export type Location = {
  id: string;
  name: string;
  companyId: string;
  /** The setting "Allow Duplicate Contact", and the order in which the fields are compared. */
  allowDuplicateContact: boolean;
  contactUniqueIdentifiers: Identifier[];
  /** When false, refreshing a token fails with "Location is not active"; the refresh token stays valid. */
  active: boolean;
  /** When false, the app is uninstalled and the private tokens are deleted: every call fails. */
  installed: boolean;
  fields: CustomField[];
  calls: CallWindow;
  counts: { created: number; updated: number; removed: number };
};

const maxLocations = 20_000;
const companyId = 'sandboxCompany000001';

/** Locations are created when they are first used. */
export class Locations {
  #locations = new Map<string, Location>();

  get(id: string): Location {
    const known = this.#locations.get(id);
    if (known) return known;
    const location: Location = {
      id,
      name: id,
      companyId,
      allowDuplicateContact: false,
      contactUniqueIdentifiers: ['email', 'phone'],
      active: true,
      installed: true,
      fields: [],
      calls: new CallWindow(),
      counts: { created: 0, updated: 0, removed: 0 },
    };
    this.#locations.set(id, location);
    if (this.#locations.size > maxLocations) {
      const oldest = this.#locations.keys().next().value;
      if (oldest !== undefined) this.#locations.delete(oldest);
    }
    return location;
  }

  find(id: string): Location | null {
    return this.#locations.get(id) ?? null;
  }

  list(): Location[] {
    return [...this.#locations.values()];
  }

  reset(): void {
    this.#locations.clear();
  }
}

/** Returns the existing field of this name, or creates it. */
export function addField(location: Location, name: string, dataType: string): CustomField {
  const fieldKey = `contact.${name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')}`;
  const known = location.fields.find((field) => field.fieldKey === fieldKey);
  if (known) return known;
  const field = { id: randomId(), name, fieldKey, dataType, position: location.fields.length * 50 };
  location.fields.push(field);
  return field;
}

/** Finds a field by id, or by key with or without `contact.`. Returns null when unknown. */
export function findField(location: Location, idOrKey: string): CustomField | null {
  return (
    location.fields.find(
      ({ id, fieldKey }) => id === idOrKey || fieldKey === idOrKey || fieldKey === `contact.${idOrKey}`,
    ) ?? null
  );
}

/** 20 letters and digits, as all ids of GoHighLevel. */
export function randomId(length = 20): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return [...randomBytes(length)].map((byte) => alphabet[byte % alphabet.length]).join('');
}
