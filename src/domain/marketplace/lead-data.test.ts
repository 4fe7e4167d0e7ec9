import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CategoryField, type FieldType, fieldTypes, readFields } from './category-fields.ts';
import { judgeData, mostUnknown } from './lead-data.ts';

const field = (name: string, type: FieldType, more: Partial<CategoryField> = {}): CategoryField => ({
  name,
  type,
  required: false,
  locked: false,
  description: null,
  options: [],
  ...more,
});

const select = field('x', 'select', { options: ['Tile', 'Metal', '3'] });
const typed = (type: FieldType) => (type === 'select' ? select : field('x', type));

describe('values by type', () => {
  it.each<[FieldType, unknown, unknown]>([
    ['text', ' Miami ', 'Miami'],
    ['text', 42, '42'],
    ['text', false, 'false'],
    ['number', 0, 0],
    ['number', '12.5', 12.5],
    ['number', ' -3 ', -3],
    ['email', 'Ann <ann@x.com>', 'ann@x.com'],
    ['phone', '(305) 555-0142', '+13055550142'],
    ['phone', 3055550142, '+13055550142'],
    ['phone', '+44 20 7946 0958', '+442079460958'],
    ['date', '2026-11-28', '2026-11-28'],
    ['date', '11/8/2026', '2026-11-08'],
    ['date', '2026-11-28T10:00:00Z', '2026-11-28T10:00:00Z'],
    ['boolean', false, false],
    ['boolean', 'Yes', true],
    ['boolean', 0, false],
    ['boolean', '1', true],
    ['select', 'tile', 'Tile'],
    ['select', 3, '3'],
    ['state', 'ca', 'CA'],
    ['state', 'new  york', 'NY'],
    ['state', 'DC', 'DC'],
    ['state', 'Puerto Rico', 'PR'],
    ['zip', '33139', '33139'],
    ['zip', 2108, '02108'],
    ['zip', '331391234', '33139-1234'],
    ['zip', '33139-1234', '33139-1234'],
    ['url', 'https://x.com/a b', 'https://x.com/a%20b'],
  ])('%s %j is %j', (type, given, value) => {
    expect(judgeData([typed(type)], { x: given })).toEqual({ ok: true, locked: {}, public: { x: value } });
  });

  it.each<[FieldType, unknown]>([
    ['text', {}],
    ['text', ['a']],
    ['text', 'a\0b'],
    ['text', '\ud800'],
    ['text', 'x'.repeat(2_001)],
    ['number', 'twelve'],
    ['number', '1e5'],
    ['number', true],
    ['number', Number.NaN],
    ['email', 'ann at home'],
    ['email', 5],
    ['phone', '555-01'],
    ['phone', '000-000-0000'],
    ['phone', true],
    ['date', '2026-02-30'],
    ['date', '13/13/2026'],
    ['date', 'tomorrow'],
    ['date', 1764288000000],
    ['date', '2026-11-28T99:00:00Z'],
    ['boolean', 'maybe'],
    ['boolean', 2],
    ['select', 'Straw'],
    ['select', 'toString'],
    ['state', 'Calif.'],
    ['state', 'XX'],
    ['state', 5],
    ['state', 'constructor'],
    ['zip', '3313'],
    ['zip', 'SW1A 1AA'],
    ['zip', 331391],
    ['url', 'x.com'],
    ['url', 'javascript:alert(1)'],
    ['url', 'https://'],
  ])('%s %j is not valid', (type, given) => {
    expect(judgeData([typed(type)], { x: given })).toEqual({ ok: false, problem: 'invalid', field: 'x' });
  });

  it.each([[undefined], [null], [''], ['  ']])('%j is missing, of every type', (blank) => {
    for (const type of fieldTypes) {
      expect(judgeData([typed(type)], { x: blank })).toEqual({ ok: true, locked: {}, public: {} });
      expect(judgeData([{ ...typed(type), required: true }], { x: blank })).toEqual({
        ok: false,
        problem: 'missing',
        field: 'x',
      });
    }
  });
});

describe('the data of a lead', () => {
  const fields = [
    field('firstName', 'text', { required: true, locked: true }),
    field('email', 'email', { required: true, locked: true }),
    field('hasRoof', 'boolean', { required: true }),
    field('age', 'number', { required: true }),
  ];
  const complete = { firstName: 'Ann', email: 'ann@x.com', hasRoof: false, age: 0 };

  it('is split into locked and public; false and 0 are values', () => {
    expect(judgeData(fields, complete)).toEqual({
      ok: true,
      locked: { firstName: 'Ann', email: 'ann@x.com' },
      public: { hasRoof: false, age: 0 },
    });
  });

  it('names the first missing field in the order of the fields, before an invalid one', () => {
    expect(judgeData(fields, { age: 'old' })).toEqual({ ok: false, problem: 'missing', field: 'firstName' });
    expect(judgeData(fields, { firstName: 'Ann', age: 'old' })).toEqual({
      ok: false,
      problem: 'missing',
      field: 'email',
    });
    expect(judgeData(fields, { ...complete, email: 'no', age: 'old' })).toEqual({
      ok: false,
      problem: 'invalid',
      field: 'email',
    });
  });

  it('keeps unknown keys, locked', () => {
    expect(judgeData(fields, { ...complete, coverage: 'Full', more: true, none: null })).toMatchObject({
      ok: true,
      locked: { coverage: 'Full', more: true },
      public: { hasRoof: false, age: 0 },
    });
  });

  it('keeps 50 unknown keys and refuses 51', () => {
    const unknown = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`u${i}`, i]));
    expect(judgeData(fields, { ...complete, ...unknown(mostUnknown) }).ok).toBe(true);
    expect(judgeData(fields, { ...complete, ...unknown(mostUnknown + 1) })).toEqual({
      ok: false,
      problem: 'too_many_unknown',
      field: null,
    });
  });

  it('refuses an unknown key that holds an object, and ignores our own ids', () => {
    expect(judgeData(fields, { ...complete, utm: { a: 1 } })).toMatchObject({
      problem: 'invalid',
      field: 'utm',
    });
    expect(judgeData(fields, { ...complete, leadId: 'mine', buyerId: 'mine' })).toEqual(
      judgeData(fields, complete),
    );
  });

  it('never throws, and puts every value into exactly one of the two', () => {
    const anyField = fc.record({
      name: fc.string({ minLength: 1, maxLength: 20 }),
      type: fc.constantFrom(...fieldTypes),
      required: fc.boolean(),
      locked: fc.boolean(),
      options: fc.array(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(
        fc.array(anyField, { maxLength: 8 }),
        fc.dictionary(fc.string(), fc.anything()),
        fc.array(fc.anything()),
        (given, unknown, values) => {
          const read = readFields(given);
          if (!read.ok) return;
          const data = {
            ...unknown,
            ...Object.fromEntries(read.fields.map(({ name }, i) => [name, values[i]])),
          };
          const judged = judgeData(read.fields, data);
          if (!judged.ok) return;
          for (const { name, locked } of read.fields) {
            const [own, other] = locked ? [judged.locked, judged.public] : [judged.public, judged.locked];
            expect(Object.hasOwn(other, name)).toBe(false);
            if (data[name] === 0 || data[name] === false) expect(Object.hasOwn(own, name)).toBe(true);
          }
          const names = new Set(read.fields.map(({ name }) => name));
          expect(Object.keys(judged.public).every((name) => names.has(name))).toBe(true);
        },
      ),
    );
  });
});
