import type { Params } from '../vendor.ts';
import { findField, type Location } from './locations.ts';
import { invalid } from './refusal.ts';

export type DndSetting = { status: string; message?: string; code?: string };
export type CustomValue = { id: string; value: unknown };

/** Properties that a write sets on a contact. Absent ones are not changed. */
export type Draft = {
  email?: string;
  phone?: string;
  profile: Record<string, string>;
  /** Replaces all tags. */
  tags?: string[];
  dnd?: boolean;
  dndSettings?: Record<string, DndSetting>;
  customFields?: CustomValue[];
};

const profileFields = new Set(
  'firstName lastName name gender address1 city state postalCode website timezone source dateOfBirth country companyName assignedTo'.split(
    ' ',
  ),
);
const everyField = [
  ...profileFields,
  'locationId',
  'email',
  'phone',
  'dnd',
  'dndSettings',
  'inboundDndSettings',
  'tags',
  'customFields',
];
/** Properties accepted by each call (UpsertContactDto, CreateContactDto, UpdateContactDto); others are refused by name. */
export const upsertFields = new Set([...everyField, 'createNewIfDuplicateAllowed']);
export const createFields = new Set(everyField);
export const updateFields = new Set(
  everyField.filter((name) => !['locationId', 'companyName', 'gender'].includes(name)),
);
export const v1Fields = new Set([
  ...everyField.filter((name) => !['customFields', 'locationId', 'inboundDndSettings'].includes(name)),
  'customField',
]);

const emailShape = /^[^\s@<>]+@[^\s@<>.]+(\.[^\s@<>.]+)+$/;
const channels = new Set(['Call', 'Email', 'SMS', 'WhatsApp', 'GMB', 'FB', 'all']);

/** Validates a body against the properties a call accepts. Throws 422 with all errors. */
export function readDraft(params: Params, known: Set<string>, location: Location): Draft {
  const wrong: string[] = [];
  const draft: Draft = { profile: {} };
  for (const [name, value] of Object.entries(params)) {
    if (!known.has(name)) wrong.push(`property ${name} should not exist`);
    else if (profileFields.has(name)) readProfile(draft, name, value, wrong);
    else if (value !== null && value !== undefined) readers[name]?.(draft, value, wrong, location);
  }
  if (wrong.length > 0) throw invalid(...wrong);
  return splitName(draft);
}

function readProfile(draft: Draft, name: string, value: unknown, wrong: string[]): void {
  if (value === null) draft.profile[name] = '';
  else if (typeof value === 'string') draft.profile[name] = value;
  else wrong.push(`${name} must be a string`);
}

type Read = (draft: Draft, value: unknown, wrong: string[], location: Location) => void;

const readers: Record<string, Read> = {
  locationId: (_draft, value, wrong) => {
    if (typeof value !== 'string') wrong.push('locationId must be a string');
  },
  email: (draft, value, wrong) => {
    if (value === '') return;
    if (typeof value === 'string' && emailShape.test(value)) draft.email = value;
    else wrong.push('email must be an email');
  },
  phone: (draft, value, wrong) => {
    if (value === '') return;
    const number = typeof value === 'string' ? normalPhone(value) : null;
    if (number === null) wrong.push('phone must be a valid phone number');
    else draft.phone = number;
  },
  tags: (draft, value, wrong) => {
    const tags = readTags(value);
    if (tags) draft.tags = tags;
    else wrong.push('each value in tags must be a string', 'tags must be an array');
  },
  dnd: (draft, value, wrong) => {
    if (typeof value === 'boolean') draft.dnd = value;
    else wrong.push('dnd must be a boolean value');
  },
  dndSettings: (draft, value, wrong) => {
    const settings = Object.entries(Object(value)) as [string, Partial<DndSetting>][];
    const bad = settings.some(
      ([channel, setting]) =>
        !channels.has(channel) || !['active', 'inactive', 'permanent'].includes(String(setting?.status)),
    );
    if (bad) wrong.push('dndSettings must hold channels with a status of active, inactive or permanent');
    else draft.dndSettings = Object.fromEntries(settings) as Record<string, DndSetting>;
  },
  customFields: (draft, value, wrong, location) => {
    if (!Array.isArray(value)) {
      wrong.push('customFields must be an array');
      return;
    }
    draft.customFields = value.flatMap((given: Record<string, unknown> | null) => {
      const key = given?.id ?? given?.key;
      // Requests use field_value where responses use value. Unknown fields are ignored.
      return customValue(location, key, given?.field_value);
    });
  },
  customField: (draft, value, _wrong, location) => {
    draft.customFields = Object.entries(Object(value)).flatMap(([key, given]) =>
      customValue(location, key, given),
    );
  },
};

function customValue(location: Location, key: unknown, value: unknown): CustomValue[] {
  const field = typeof key === 'string' ? findField(location, key) : null;
  return field && value !== undefined ? [{ id: field.id, value }] : [];
}

/** Returns the tags in lower case without duplicates, or null when the value is not a list of strings. */
export function readTags(value: unknown): string[] | null {
  if (!Array.isArray(value) || value.some((tag) => typeof tag !== 'string')) return null;
  const tags = (value as string[]).map((tag) => tag.trim().toLowerCase()).filter((tag) => tag !== '');
  return tags.length < 2 ? tags : [...new Set(tags)];
}

/** Splits `name` at its first space when no first or last name is given. */
function splitName(draft: Draft): Draft {
  const { profile } = draft;
  const { firstName, lastName, name } = profile;
  if (name !== undefined && firstName === undefined && lastName === undefined) {
    const cut = name.trim().search(/\s/);
    profile.firstName = cut < 0 ? name.trim() : name.trim().slice(0, cut);
    profile.lastName = cut < 0 ? '' : name.trim().slice(cut).trim();
  }
  delete profile.name;
  return draft;
}

/** Returns the E.164 form; ten digits are read as North American. Returns null when the text is not a number. */
export function normalPhone(given: string): string | null {
  if (/^\+[1-9]\d{6,14}$/.test(given)) return given;
  if (!/^\+?[\d\s().-]+$/.test(given)) return null;
  const digits = given.replace(/\D/g, '');
  if (given.startsWith('+')) return /^[1-9]\d{6,14}$/.test(digits) ? `+${digits}` : null;
  if (digits.length === 10) return `+1${digits}`;
  return /^1\d{10}$/.test(digits) ? `+${digits}` : null;
}
