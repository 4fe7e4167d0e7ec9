import { describe, expect, it } from 'vitest';
import { fieldTypes, lockedByDefault, mostFields, readFields } from './category-fields.ts';

const usual = { required: false, locked: false, description: null, options: [] };

describe('the fields of a category', () => {
  it.each([
    [
      'a name and a type',
      [{ name: ' roofAge ', type: 'number' }],
      [{ ...usual, name: 'roofAge', type: 'number' }],
    ],
    [
      'all keys',
      [
        {
          name: 'email',
          type: 'email',
          required: true,
          locked: false,
          description: ' Best address ',
          more: 1,
        },
      ],
      [{ ...usual, name: 'email', type: 'email', required: true, description: 'Best address' }],
    ],
    [
      'a select with its values',
      [{ name: 'roof', type: 'select', options: ['Tile', ' Metal ', 3] }],
      [{ ...usual, name: 'roof', type: 'select', options: ['Tile', 'Metal', '3'] }],
    ],
    [
      'the options of another type, which are ignored',
      [{ name: 'city', type: 'text', options: ['x'] }],
      [{ ...usual, name: 'city', type: 'text' }],
    ],
    [
      'null where a key may be absent',
      [{ name: 'a', type: 'text', required: null, locked: null, description: null }],
      [{ ...usual, name: 'a', type: 'text' }],
    ],
    [
      'names that differ in case',
      [
        { name: 'a', type: 'text' },
        { name: 'A', type: 'text' },
      ],
      [
        { ...usual, name: 'a', type: 'text' },
        { ...usual, name: 'A', type: 'text' },
      ],
    ],
    [
      'a name of 60 characters',
      [{ name: 'n'.repeat(60), type: 'text' }],
      [{ ...usual, name: 'n'.repeat(60), type: 'text' }],
    ],
  ])('%s', (_what, given, fields) => {
    expect(readFields(given)).toEqual({ ok: true, fields });
  });

  it.each(fieldTypes.map((type) => [type]))('the type %s is known', (type) => {
    expect(readFields([{ name: 'x', type, options: ['a'] }]).ok).toBe(true);
  });

  it.each([
    ['no list', {}, 'fields'],
    ['a text', 'name', 'fields'],
    ['an empty list', [], 'fields'],
    [
      '101 fields',
      Array.from({ length: mostFields + 1 }, (_, i) => ({ name: `f${i}`, type: 'text' })),
      'fields',
    ],
    ['a field that is a text', ['name'], 'fields.0'],
    ['a field that is null', [null], 'fields.0'],
    ['no name', [{ type: 'text' }], 'fields.0.name'],
    ['a blank name', [{ name: ' ', type: 'text' }], 'fields.0.name'],
    ['a number as a name', [{ name: 5, type: 'text' }], 'fields.0.name'],
    ['a name of 61 characters', [{ name: 'n'.repeat(61), type: 'text' }], 'fields.0.name'],
    ['a NUL in a name', [{ name: 'a\0b', type: 'text' }], 'fields.0.name'],
    ['half a surrogate in a name', [{ name: 'a\ud800', type: 'text' }], 'fields.0.name'],
    ['the name __proto__', [{ name: '__proto__', type: 'text' }], 'fields.0.name'],
    ['the name constructor', [{ name: 'constructor', type: 'text' }], 'fields.0.name'],
    ['the name leadId', [{ name: 'leadId', type: 'text' }], 'fields.0.name'],
    ['the name buyerId', [{ name: ' buyerId', type: 'text' }], 'fields.0.name'],
    [
      'a name twice',
      [
        { name: 'a', type: 'text' },
        { name: 'a ', type: 'zip' },
      ],
      'fields.1.name',
    ],
    ['no type', [{ name: 'a' }], 'fields.0.type'],
    ['an unknown type', [{ name: 'a', type: 'TEXT' }], 'fields.0.type'],
    ['a type of Object', [{ name: 'a', type: 'toString' }], 'fields.0.type'],
    ['required as a text', [{ name: 'a', type: 'text', required: 'yes' }], 'fields.0.required'],
    ['locked as a number', [{ name: 'a', type: 'text', locked: 1 }], 'fields.0.locked'],
    [
      'a long description',
      [{ name: 'a', type: 'text', description: 'd'.repeat(501) }],
      'fields.0.description',
    ],
    ['a select without values', [{ name: 'a', type: 'select' }], 'fields.0.options'],
    ['a select with no values', [{ name: 'a', type: 'select', options: [] }], 'fields.0.options'],
    [
      'a select with 201 values',
      [{ name: 'a', type: 'select', options: Array.from({ length: 201 }, (_, i) => `${i}`) }],
      'fields.0.options',
    ],
    ['a value twice', [{ name: 'a', type: 'select', options: ['x', 'x '] }], 'fields.0.options'],
    ['a blank value', [{ name: 'a', type: 'select', options: ['x', ''] }], 'fields.0.options.1'],
    ['an object as a value', [{ name: 'a', type: 'select', options: [{}] }], 'fields.0.options.0'],
  ])('%s is refused', (_what, given, path) => {
    expect(readFields(given)).toMatchObject({ ok: false, path });
  });

  it.each([
    ...['firstName', 'lastName', 'name', 'fullName', 'first_name', 'Last Name', 'middleName', 'surname'],
    ...[
      'contactName',
      'customer_first_name',
      'address',
      'Street Address',
      'address_line_2',
      'street',
      'homeAddress',
    ],
    ...['contactEmail', 'phone_number', 'mobile'],
  ])('a text called %s is locked', (name) => {
    expect(lockedByDefault('text', name)).toBe(true);
  });

  it.each([
    'city',
    'state',
    'zip',
    'roofAge',
    'companySize',
    'coverage',
    'productName',
    'streetLights',
    'unitsSold',
  ])('a text called %s is public', (name) => {
    expect(lockedByDefault('text', name)).toBe(false);
  });

  it('e-mail addresses and phones are locked under any name', () => {
    expect([
      lockedByDefault('email', 'x'),
      lockedByDefault('phone', 'y'),
      lockedByDefault('zip', 'z'),
    ]).toEqual([true, true, false]);
  });
});
