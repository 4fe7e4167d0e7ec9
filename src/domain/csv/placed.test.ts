import { expect, it } from 'vitest';
import { unplaced, unplacedProblem } from './placed.ts';

it.each<[string[], Record<string, string>, string[]]>([
  [['name', 'phone'], {}, []],
  [['custom:Budget', 'phone'], {}, ['Budget']],
  [['custom:Budget', 'phone'], { Budget: 'f1' }, []],
  [['custom:Budget', 'custom:Roof'], { Budget: 'f1' }, ['Roof']],
  [['note:Budget', 'notes'], {}, []],
  [
    ['custom:constructor', 'custom:__proto__', 'custom:toString'],
    {},
    ['constructor', '__proto__', 'toString'],
  ],
])('of %j, with the fields %j, %j have no place in the CRM', (mapping, fields, names) => {
  expect(unplaced(mapping as never, fields)).toEqual(names);
  expect(unplacedProblem(mapping as never, fields) === null).toBe(names.length === 0);
});

it('names a few of many columns', () => {
  const mapping = Array.from({ length: 300 }, (_, i) => `custom:Column ${i}` as const);
  const problem = unplacedProblem(mapping, {})!;
  expect(problem).toContain('“Column 4”, 295 more');
  expect(problem.length).toBeLessThan(1_000);
});
