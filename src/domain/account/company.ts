import { type CountryCode, getCountries, parsePhoneNumberFromString } from 'libphonenumber-js';
import type { CrmName } from '../../config.ts';
import type { FieldErrors } from '../lead/candidate.ts';
import { isEmail } from '../lead/email.ts';
import { parseLeadPhone } from '../phone/lead-phone.ts';

/** A company's registration. `defaultRegion` is the country of its leads' phones without a country code. */
export type CompanyRegistration = {
  name: string;
  ownerName: string;
  ownerEmail: string;
  ownerPhone: string;
  /** The account of its CRM. */
  account: { vendor: CrmName; accountId: string };
  defaultRegion: string;
};

/** Settings that may be changed later. An absent field is not changed. */
export type CompanyChanges = Partial<{
  name: string;
  ownerName: string;
  ownerEmail: string;
  ownerPhone: string;
  defaultRegion: string;
  dedupeWindowMs: number;
  tags: string[];
  sourceLabel: string | null;
  fieldMapping: Record<string, string>;
  rateShare: number;
}>;

/** How a company connects its CRM. */
export type CrmToken = {
  token: string;
  vendor?: string;
  accountId?: string;
  apiVersion?: string;
  rateShare?: number;
};

export type Read<T> = { ok: true; value: T } | { ok: false; errors: FieldErrors };

const dayMs = 86_400_000;
const mostDays = 3_650;
const mostTags = 50;
const mostFields = 100;
const regions = new Set<string>(getCountries());
const unreadable = /[\0\p{Cs}\ufffd]/u;

/** Validates fields one by one and collects the errors. The readers return null when a field is absent or invalid. */
class Fields {
  readonly errors: FieldErrors = {};
  readonly #given: Readonly<Record<string, unknown>>;

  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given;
  }

  has(field: string): boolean {
    return this.#of(field) !== undefined;
  }

  text(field: string, longest: number): string | null {
    const value = this.#of(field);
    if (value === undefined || value === null) return this.refuse(field, 'is missing');
    if (typeof value !== 'string') return this.refuse(field, 'must be a text');
    const text = value.trim();
    if (text === '') return this.refuse(field, 'is missing');
    if (text.length > longest) return this.refuse(field, `is longer than ${longest} characters`);
    if (unreadable.test(text)) return this.refuse(field, 'contains a character that cannot be read');
    return text;
  }

  /** Returns null for a blank or null value, which clears the field. */
  optional(field: string, longest: number): string | null {
    const value = this.#of(field);
    const blank = value === null || (typeof value === 'string' && value.trim() === '');
    return blank ? null : this.text(field, longest);
  }

  pattern(field: string, longest: number, pattern: RegExp, reason: string): string | null {
    const text = this.text(field, longest);
    return text === null || pattern.test(text) ? text : this.refuse(field, reason);
  }

  number(field: string, lowest: number, highest: number): number | null {
    const value = this.#of(field);
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number !== 'number' || !(number >= lowest && number <= highest))
      return this.refuse(field, `must be a number from ${lowest} to ${highest}`);
    return number;
  }

  email(field: string): string | null {
    const text = this.text(field, 254);
    return text === null || isEmail(text) ? text : this.refuse(field, 'is not an e-mail address');
  }

  phone(field: string, region: CountryCode): string | null {
    const text = this.text(field, 40);
    if (text === null) return null;
    const phone = parseLeadPhone(text, region);
    return phone.ok ? phone.value : this.refuse(field, phone.reason);
  }

  location(field: string): string | null {
    return this.pattern(
      field,
      100,
      /^[A-Za-z0-9_-]+$/,
      'is not a location id: it is the last part of the address after /location/',
    );
  }

  region(field: string): string | null {
    const code = this.text(field, 2)?.toUpperCase() ?? null;
    return code === null || regions.has(code) ? code : this.refuse(field, 'is not a country code such as US');
  }

  /** Accepts a list, or one comma-separated text. Duplicates are removed. */
  tags(field: string): string[] | null {
    const value = this.#of(field);
    const list = typeof value === 'string' ? value.split(',') : value;
    if (!Array.isArray(list) || list.some((tag) => typeof tag !== 'string'))
      return this.refuse(field, 'must be a list of texts');
    const tags = [...new Set((list as string[]).map((tag) => tag.trim()).filter((tag) => tag !== ''))];
    if (tags.length > mostTags) return this.refuse(field, `are more than ${mostTags}`);
    if (tags.some((tag) => tag.length > 100)) return this.refuse(field, 'one is longer than 100 characters');
    if (tags.some((tag) => unreadable.test(tag)))
      return this.refuse(field, 'contain a character that cannot be read');
    return tags;
  }

  mapping(field: string): Record<string, string> | null {
    const value = this.#of(field);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.refuse(field, 'must be an object: name here -> id of the CRM’s field');
    const entries = Object.entries(value as Record<string, unknown>).map(
      ([name, id]) => [name.trim(), id] as const,
    );
    if (entries.length > mostFields) return this.refuse(field, `are more than ${mostFields}`);
    const wrong = entries.find(
      ([name, id]) =>
        name === '' ||
        name.length > 200 ||
        unreadable.test(name) ||
        typeof id !== 'string' ||
        !/^[\w.-]{1,100}$/.test(id),
    );
    if (wrong)
      return this.refuse(field, `“${wrong[0].slice(0, 200)}” does not name a field of the CRM by its id`);
    return Object.fromEntries(entries as [string, string][]);
  }

  refuse(field: string, reason: string): null {
    this.errors[field] = [reason];
    return null;
  }

  read<T>(value: T): Read<T> {
    return Object.keys(this.errors).length === 0 ? { ok: true, value } : { ok: false, errors: this.errors };
  }

  #of(field: string): unknown {
    return Object.hasOwn(this.#given, field) ? this.#given[field] : undefined;
  }
}

/**
 * Validates `{ company_name, owner_name, owner_email, owner_phone, ghl_location_id, default_region? }`
 * (docs/contracts.md). The default region is the country of the owner's phone.
 */
export function readRegistration(given: Readonly<Record<string, unknown>>): Read<CompanyRegistration> {
  const fields = new Fields(given);
  const region = fields.has('default_region') ? fields.region('default_region') : null;
  const ownerPhone = fields.phone('owner_phone', (region ?? 'US') as CountryCode) ?? '';
  return fields.read({
    name: fields.text('company_name', 200) ?? '',
    ownerName: fields.text('owner_name', 200) ?? '',
    ownerEmail: fields.email('owner_email') ?? '',
    ownerPhone,
    account: { vendor: 'ghl', accountId: fields.location('ghl_location_id') ?? '' },
    defaultRegion: region ?? parsePhoneNumberFromString(ownerPhone)?.country ?? 'US',
  });
}

/**
 * Validates the settings given by an API call or a form, under their public names. `dedupe_days` may be a fraction; 0
 * turns deduplication off. `region` is the country of an owner's phone without a country code.
 */
export function readSettings(given: Readonly<Record<string, unknown>>, region: string): Read<CompanyChanges> {
  const fields = new Fields(given);
  const changes: CompanyChanges = {};
  const take = <T>(field: string, value: (field: string) => T | null, set: (value: T) => void) => {
    if (!fields.has(field)) return;
    const read = value(field);
    if (read !== null) set(read);
  };
  take(
    'company_name',
    (f) => fields.text(f, 200),
    (value) => (changes.name = value),
  );
  take(
    'owner_name',
    (f) => fields.text(f, 200),
    (value) => (changes.ownerName = value),
  );
  take(
    'owner_email',
    (f) => fields.email(f),
    (value) => (changes.ownerEmail = value),
  );
  take(
    'default_region',
    (f) => fields.region(f),
    (value) => (changes.defaultRegion = value),
  );
  const country = (changes.defaultRegion ?? region) as CountryCode;
  take(
    'owner_phone',
    (f) => fields.phone(f, country),
    (value) => (changes.ownerPhone = value),
  );
  take(
    'dedupe_days',
    (f) => fields.number(f, 0, mostDays),
    (days) => (changes.dedupeWindowMs = Math.round(days * dayMs)),
  );
  take(
    'tags',
    (f) => fields.tags(f),
    (value) => (changes.tags = value),
  );
  take(
    'field_mapping',
    (f) => fields.mapping(f),
    (value) => (changes.fieldMapping = value),
  );
  take(
    'rate_share',
    (f) => fields.number(f, 1, 100),
    (value) => (changes.rateShare = Math.round(value)),
  );
  if (fields.has('source_label')) changes.sourceLabel = fields.optional('source_label', 200);
  return fields.read(changes);
}

/** Validates `{ token, location_id?, api_version?, rate_share?, vendor? }`. */
export function readCrmToken(given: Readonly<Record<string, unknown>>): Read<CrmToken> {
  const fields = new Fields(given);
  const token = fields.pattern('token', 2_000, /^[\x21-\x7e]+$/, 'is not a token') ?? '';
  const value: CrmToken = { token };
  if (fields.has('location_id')) value.accountId = fields.location('location_id') ?? '';
  if (fields.has('api_version')) {
    value.apiVersion = fields.text('api_version', 20) ?? '';
  }
  if (fields.has('vendor')) value.vendor = fields.text('vendor', 50) ?? '';
  if (fields.has('rate_share')) value.rateShare = Math.round(fields.number('rate_share', 1, 100) ?? 100);
  return fields.read(value);
}
