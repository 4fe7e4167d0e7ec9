import { getCountries } from 'libphonenumber-js';
import { expect, it } from 'vitest';
import { countryCode, phoneRegion } from './country.ts';

it.each(
  [
    ...['UK', 'uk', 'U.K.', 'u.k', 'GB', 'GBR', 'United Kingdom', 'the United Kingdom', 'Great Britain'],
    ...['Britain', 'England', 'Scotland', 'Wales', 'Northern Ireland', 'Reino Unido', 'Royaume-Uni'],
    ...['Vereinigtes Königreich', 'Regno Unito', 'Gran Bretaña', 'England, UK', 'UK - United Kingdom'],
  ].map((text) => [text, 'GB']),
)('%j is %s', (text, code) => expect(countryCode(text)).toBe(code));

it.each(
  [
    ...['US', 'us', 'U.S.', 'U.S', 'USA', 'U.S.A.', 'United States', 'United States of America', 'America'],
    ...[
      'the United States',
      'Estados Unidos',
      'Estados Unidos de América',
      'EE.UU.',
      'EE. UU.',
      'EEUU',
      'EUA',
    ],
    ...[
      'États-Unis',
      'Vereinigte Staaten',
      'US - United States',
      'United States (US)',
      'United States of America (the)',
    ],
  ].map((text) => [text, 'US']),
)('%j is %s', (text, code) => expect(countryCode(text)).toBe(code));

it.each([
  ['Mexico', 'MX'],
  ['México', 'MX'],
  ['MÉXICO', 'MX'],
  ['Méjico', 'MX'],
  ['MEX', 'MX'],
  ['Mexiko', 'MX'],
  ['Deutschland', 'DE'],
  ['Germany', 'DE'],
  ['Alemania', 'DE'],
  ['Allemagne', 'DE'],
  ['Alemanha', 'DE'],
  ['Germany (DE)', 'DE'],
  ['España', 'ES'],
  ['Espana', 'ES'],
  ['Spain', 'ES'],
  ['Spanien', 'ES'],
  ['Österreich', 'AT'],
  ['Oesterreich', null],
  ['Schweiz', 'CH'],
  ['Suisse', 'CH'],
  ['Svizzera', 'CH'],
  ['Brasil', 'BR'],
  ['Brazil', 'BR'],
  ['Holland', 'NL'],
  ['The Netherlands', 'NL'],
  ['Nederland', 'NL'],
  ['Czech Republic', 'CZ'],
  ['Czechia', 'CZ'],
  ['Türkiye', 'TR'],
  ['Turkey', 'TR'],
  ['Côte d’Ivoire', 'CI'],
  ["Cote d'Ivoire", 'CI'],
  ['Ivory Coast', 'CI'],
  ['South Korea', 'KR'],
  ['Korea, Republic of', 'KR'],
  ['Russia', 'RU'],
  ['Russian Federation', 'RU'],
  ['Россия', 'RU'],
  ['日本', 'JP'],
  ['中国', 'CN'],
  ['대한민국', 'KR'],
  ['Ελλάδα', 'GR'],
  ['UAE', 'AE'],
  ['U.A.E.', 'AE'],
  ['St. Lucia', 'LC'],
  ['Saint Lucia', 'LC'],
  ['Bosnia', 'BA'],
  ['Bosnia & Herzegovina', 'BA'],
  ['Bosnia and Herzegovina', 'BA'],
  ['Viet Nam', 'VN'],
  ['Burma', 'MM'],
  ['República Dominicana', 'DO'],
  ['Puerto Rico', 'PR'],
  ['Ireland', 'IE'],
  ['Éire', 'IE'],
  ['Hong Kong', 'HK'],
  ['Polska', 'PL'],
  ['Congo', 'CG'],
  ['Congo, Democratic Republic of the', 'CD'],
  ['Congo (the Democratic Republic of the)', 'CD'],
  ['Korea, North', 'KP'],
  ['Korea, Democratic People’s Republic of', 'KP'],
  ['Ireland, Northern', 'GB'],
  ['Virgin Islands, U.S.', 'VI'],
  ['Virgin Islands (U.S.)', 'VI'],
  ['Virgin Islands (British)', 'VG'],
  ['China, Hong Kong SAR', 'HK'],
  ['China, Macao SAR', 'MO'],
  ['Samoa, American', 'AS'],
  ['Sudan, South', 'SS'],
  ['Guinea, Equatorial', 'GQ'],
  ['P.R. China', 'CN'],
  ['Trinidad', 'TT'],
  ['Saudi', 'SA'],
  ['Italia', 'IT'],
  ['Perú', 'PE'],
  ['XX', null],
  ['EU', null],
  ['AN', null],
  ['ZZ', null],
  ['Narnia', null],
  ['Florida', null],
  ['1', null],
  ['', null],
  [' ', null],
  [null, null],
  ['x'.repeat(1_000), null],
])('%j is %s', (text, code) => expect(countryCode(text)).toBe(code));

it('knows every country with a numbering plan by its code and by its names in the languages of the column names', () => {
  const missing: string[] = [];
  for (const language of ['en', 'es', 'de', 'fr', 'pt']) {
    const names = new Intl.DisplayNames([language], { type: 'region' });
    for (const code of getCountries()) {
      if (['AC', 'TA'].includes(code)) continue;
      if (countryCode(code) !== code) missing.push(code);
      if (countryCode(names.of(code)) !== code) missing.push(`${language}: ${names.of(code)}`);
    }
  }
  expect(missing).toEqual([]);
});

it('has no numbering plan for the Antarctic', () => {
  expect([countryCode('AQ'), phoneRegion('AQ'), phoneRegion('UK')]).toEqual(['AQ', null, 'GB']);
});
