import { describe, expect, it } from 'vitest';
import { readCrmToken, readRegistration, readSettings } from './company.ts';

const registration = {
  company_name: ' Sunshine Clinic ',
  owner_name: "Seán O'Brien",
  owner_email: 'owner@sunshine.example',
  owner_phone: '+1 305 555 0142',
  ghl_location_id: 've9EPM428h8vShlRW1KT',
};
const errorsOf = (read: { ok: boolean; errors?: unknown }) => (read.ok ? null : read.errors);

describe('a registration', () => {
  it('is parsed into its fields', () => {
    expect(readRegistration(registration)).toEqual({
      ok: true,
      value: {
        name: 'Sunshine Clinic',
        ownerName: "Seán O'Brien",
        ownerEmail: 'owner@sunshine.example',
        ownerPhone: '+13055550142',
        account: { vendor: 'ghl', accountId: 've9EPM428h8vShlRW1KT' },
        defaultRegion: 'US',
      },
    });
  });

  it.each([
    ['+34 612 34 56 78', undefined, 'ES', '+34612345678'],
    ['612 34 56 78', 'es', 'ES', '+34612345678'],
    ['+1-555-1234', undefined, 'US', '+1-555-1234'],
    ['+34 612 34 56 78', 'MX', 'MX', '+34612345678'],
  ])(
    'with the owner’s phone %s and region %s gets region %s',
    (owner_phone, default_region, region, phone) => {
      const read = readRegistration({ ...registration, owner_phone, default_region });
      expect(read).toMatchObject({ ok: true, value: { defaultRegion: region, ownerPhone: phone } });
    },
  );

  it.each([
    ['company_name', '', 'is missing'],
    ['company_name', undefined, 'is missing'],
    ['company_name', 7, 'must be a text'],
    ['company_name', 'x'.repeat(201), 'is longer than 200 characters'],
    ['owner_name', 'a\0b', 'contains a character that cannot be read'],
    ['owner_email', 'nobody@', 'is not an e-mail address'],
    ['owner_phone', '1.30556E+10', expect.stringContaining('scientific notation')],
    [
      'ghl_location_id',
      'https://app.gohighlevel.com/v2/location/x',
      expect.stringContaining('is not a location id'),
    ],
    ['default_region', 'USA', 'is longer than 2 characters'],
    ['default_region', 'XX', 'is not a country code such as US'],
  ])('is refused for %s = %j', (field, value, reason) => {
    expect(errorsOf(readRegistration({ ...registration, [field]: value }))).toEqual({ [field]: [reason] });
  });
});

describe('settings', () => {
  it.each([
    [{}, {}],
    [{ dedupe_days: '0.5' }, { dedupeWindowMs: 43_200_000 }],
    [{ dedupe_days: 0 }, { dedupeWindowMs: 0 }],
    [{ tags: ' a, b ,a,' }, { tags: ['a', 'b'] }],
    [{ tags: [] }, { tags: [] }],
    [{ source_label: ' ' }, { sourceLabel: null }],
    [{ source_label: null }, { sourceLabel: null }],
    [{ field_mapping: { ' Budget ': 'Fld1' } }, { fieldMapping: { Budget: 'Fld1' } }],
    [{ rate_share: '50' }, { rateShare: 50 }],
    [
      { owner_phone: '612 34 56 78', default_region: 'ES' },
      { defaultRegion: 'ES', ownerPhone: '+34612345678' },
    ],
    [{ organizationId: 'x', price: 1 }, {}],
  ])('%j is parsed as %j', (given, value) => {
    expect(readSettings(given, 'US')).toEqual({ ok: true, value });
  });

  it.each([
    [{ dedupe_days: '' }, 'dedupe_days'],
    [{ dedupe_days: Number.NaN }, 'dedupe_days'],
    [{ dedupe_days: 3_651 }, 'dedupe_days'],
    [{ rate_share: 101 }, 'rate_share'],
    [{ tags: 'x'.repeat(101) }, 'tags'],
    [{ tags: Array.from({ length: 51 }, (_, i) => `t${i}`) }, 'tags'],
    [{ field_mapping: [] }, 'field_mapping'],
    [{ field_mapping: { Budget: 'a b' } }, 'field_mapping'],
    [{ field_mapping: { '': 'Fld1' } }, 'field_mapping'],
    [{ company_name: ' ' }, 'company_name'],
  ])('%j is refused', (given, field) => {
    expect(Object.keys(errorsOf(readSettings(given, 'US')) ?? {})).toEqual([field]);
  });

  it('keeps a field named __proto__', () => {
    const read = readSettings({ field_mapping: JSON.parse('{"__proto__":"Fld1"}') }, 'US');
    expect(read.ok && Object.entries(read.value.fieldMapping!)).toEqual([['__proto__', 'Fld1']]);
  });
});

describe('a token', () => {
  it.each([
    [{ token: 'pit-1' }, { token: 'pit-1' }],
    [
      { token: 'pit-1', location_id: 'loc', api_version: 'v1', rate_share: '30' },
      { token: 'pit-1', accountId: 'loc', apiVersion: 'v1', rateShare: 30 },
    ],
  ])('%j', (given, value) => {
    expect(readCrmToken(given)).toEqual({ ok: true, value });
  });

  it.each([
    [{}, 'token'],
    [{ token: 'two words' }, 'token'],
    [{ token: 'pit-1', location_id: '' }, 'location_id'],
  ])('%j is refused', (given, field) => {
    expect(Object.keys(errorsOf(readCrmToken(given)) ?? {})).toEqual([field]);
  });
});
