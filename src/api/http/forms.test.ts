import { expect, it } from 'vitest';
import { formOf } from './forms.ts';

it.each([
  ['the fields of a form', { email: 'a@b.example', back: '' }, { email: 'a@b.example', back: '' }],
  ['no values that are not text', { email: 1, code: null, list: ['x'], name: 'A' }, { name: 'A' }],
  ['no characters of a JSON text', 'abc', {}],
  ['no members of a list', ['a', 'b'], {}],
  ['nothing of a body that is absent', undefined, {}],
  ['nothing of a JSON null', null, {}],
])('a form has %s', (_what, body, fields) => {
  expect(formOf({ body })).toEqual(fields);
});
