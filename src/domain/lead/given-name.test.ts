import { expect, it } from 'vitest';
import { namesOf } from './given-name.ts';

it.each<[name: string | null, first: string | null, last: string | null, becomes: (string | null)[]]>([
  ['Ann Lee', null, null, ['Ann Lee', null, null]],
  [null, 'Ann', 'Lee', ['Ann Lee', 'Ann', 'Lee']],
  [null, 'Ann', null, ['Ann', 'Ann', null]],
  [null, null, 'Lee', ['Lee', null, 'Lee']],
  [null, null, null, [null, null, null]],
  ['A. Lee', 'Ann', 'Lee', ['A. Lee', 'Ann', 'Lee']],
  // "Name" beside "Surname".
  ['Ann', null, 'Lee', ['Ann Lee', 'Ann', 'Lee']],
  ['Ana María', null, 'de la Cruz', ['Ana María de la Cruz', 'Ana María', 'de la Cruz']],
  // The full name beside one of its parts.
  ['Ann Lee', null, 'Lee', ['Ann Lee', 'Ann', 'Lee']],
  ['ANN LEE', null, 'Lee', ['ANN LEE', 'ANN', 'Lee']],
  ['Dr. Ann van Lee', null, 'van Lee', ['Dr. Ann van Lee', 'Dr. Ann', 'van Lee']],
  ['Lee, Ann', null, 'Lee', ['Lee, Ann', null, null]],
  // As one of two programs writes it.
  ['María López', null, 'Lopez', ['María López', 'María', 'Lopez']],
  ['Ann O’Brien', null, "O'Brien", ['Ann O’Brien', 'Ann', "O'Brien"]],
  ['Maria Lopez', 'María', null, ['Maria Lopez', 'María', 'Lopez']],
  ['LÓPEZ, María', null, 'Lopez', ['LÓPEZ, María', null, null]],
  // The last name is not at the end.
  ['Ann Lee Jr.', null, 'Lee', ['Ann Lee Jr.', 'Ann', 'Lee']],
  ['Lee Ann', null, 'Lee', ['Lee Ann', 'Ann', 'Lee']],
  ['Dr. Ann Lee, MD', null, 'Lee', ['Dr. Ann Lee, MD', null, null]],
  ['Ann Smith-Lee', null, 'Lee', ['Ann Smith-Lee', 'Ann', 'Lee']],
  ['Ana García', null, 'García López', ['Ana García', 'Ana', 'García López']],
  ['García', null, 'García López', ['García', null, 'García López']],
  [
    'María de los Ángeles',
    null,
    'de la Cruz',
    ['María de los Ángeles de la Cruz', 'María de los Ángeles', 'de la Cruz'],
  ],
  ['Lee', null, 'Lee', ['Lee', null, 'Lee']],
  ['Ann Lee', 'Ann', null, ['Ann Lee', 'Ann', 'Lee']],
  ['Ann', 'Ann', null, ['Ann', 'Ann', null]],
  ['Anna Lee', 'Ann', null, ['Anna Lee', 'Ann', null]],
  ['Acme', 'Ann', null, ['Acme', 'Ann', null]],
])('%j, %j and %j', (name, firstName, lastName, becomes) => {
  const names = namesOf({ name, firstName, lastName });
  expect([names.name, names.firstName, names.lastName]).toEqual(becomes);
});
