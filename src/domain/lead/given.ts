import type { CountryCode } from 'libphonenumber-js';
import { type FieldErrors, type GivenLead, type Judged, judgeLead, LEAD_FIELDS } from './candidate.ts';

const texts = LEAD_FIELDS.filter((field) => field !== 'tags');
const single = new Set<string>(texts.filter((field) => field !== 'phone' && field !== 'email'));
const mostCustomFields = 200;

/** Returns the `company_id` of a lead sent to the API, or null when it is absent or not a valid id. */
export const companyIdOf = (data: unknown): number | null => {
  const id = (data as { company_id?: unknown } | null)?.company_id;
  return typeof id === 'number' && Number.isInteger(id) && id > 0 && id <= 2_147_483_647 ? id : null;
};

/**
 * Validates a lead as sent to the API: lead fields as strings, `tags` as a list, `custom_fields` as an object. Unknown
 * keys are ignored. Numbers are refused, because a phone or postal code sent as a number has lost leading zeros or digits.
 */
export function judgeGiven(data: unknown, region: CountryCode, companyError: string | null): Judged {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return { ok: false, errors: { lead: ['must be an object'] } };
  const errors: FieldErrors = {};
  const given = readGiven(data as Record<string, unknown>, errors);
  const judged = judgeLead(given, region);
  if (companyError !== null) errors.company_id = [companyError];
  for (const _field in errors)
    return { ok: false, errors: judged.ok ? errors : { ...judged.errors, ...errors } };
  return judged;
}

function readGiven(data: Record<string, unknown>, errors: FieldErrors): GivenLead {
  const given: GivenLead = {};
  for (const field of texts) {
    const value = data[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') errors[field] = ['must be a text, in quotes'];
    else if (field === 'phone') given.phones = [value];
    else if (field === 'email') given.emails = [value];
    else if (single.has(field)) given[field as 'name'] = value;
  }
  const { tags, custom_fields: custom } = data;
  if (typeof tags === 'string') given.tags = [tags];
  else if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) given.tags = tags;
  else if (tags !== undefined && tags !== null) errors.tags = ['must be a list of texts'];
  if (custom !== undefined && custom !== null && custom !== '') given.custom = customOf(custom, errors);
  return given;
}

function customOf(custom: unknown, errors: FieldErrors): [string, string][] {
  const wrong = (reason: string) => {
    errors.custom_fields = [reason];
    return [];
  };
  if (typeof custom !== 'object' || custom === null || Array.isArray(custom))
    return wrong('must be an object: name -> text');
  const entries = Object.entries(custom as Record<string, unknown>);
  if (entries.length > mostCustomFields) return wrong(`are more than ${mostCustomFields}`);
  const odd = entries.find(
    ([name, value]) =>
      name.trim() === '' || name.length > 200 || /[\0\p{Cs}]/u.test(name) || typeof value !== 'string',
  );
  return odd
    ? wrong(`“${odd[0].slice(0, 200)}” must be a name with a text`)
    : (entries as [string, string][]);
}
