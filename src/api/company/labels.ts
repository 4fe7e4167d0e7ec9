import type { LeadField } from '../../domain/lead/candidate.ts';

export const fieldLabels: Record<LeadField, string> = {
  name: 'Name',
  first_name: 'First name',
  last_name: 'Last name',
  phone: 'Phone',
  email: 'Email',
  notes: 'Notes',
  company: 'Company',
  address: 'Street address',
  city: 'City',
  state: 'State or region',
  postal_code: 'Postal code',
  country: 'Country',
  website: 'Website',
  tags: 'Tags',
  source: 'Source',
};

/** The name of a lead field or, for `custom:<name>`, of a custom field. */
export const fieldLabel = (field: string): string =>
  field.startsWith('custom:') ? field.slice('custom:'.length) : (fieldLabels[field as LeadField] ?? field);

const regions = new Intl.DisplayNames(['en'], { type: 'region' });

/** The English name of a region code; the code itself when it has none. */
export function regionName(code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}
