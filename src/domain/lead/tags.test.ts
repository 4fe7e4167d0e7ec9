import { expect, it } from 'vitest';
import { readTags } from './tags.ts';

it.each<[string, string[]]>([
  ['vip', ['vip']],
  ['vip, new', ['vip', 'new']],
  ['vip;new', ['vip', 'new']],
  ['vip|new', ['vip', 'new']],
  ['vip\nnew', ['vip', 'new']],
  ['vip\tnew', ['vip', 'new']],
  ['"vip"\t"a, b"', ['vip', 'a, b']],
  ['"vip"\tnew\told', ['vip', 'new', 'old']],
  ['vip\t"a, b"\tnew', ['vip', 'a, b', 'new']],
  ['* "a, b" ::: * new', ['a, b', 'new']],
  ['"a, b":::"new"', ['a, b', 'new']],
  ['- vip\n- new', ['vip', 'new']],
  ['• vip\n• new', ['vip', 'new']],
  ['-5, +5', ['-5', '+5']],
  ['“vip”, “new”', ['vip', 'new']],
  ['"vip","old lead"', ['vip', 'old lead']],
  ['"vip", "old lead"', ['vip', 'old lead']],
  ['"vip";"old lead"', ['vip', 'old lead']],
  ['"vip" "old lead"', ['vip', 'old lead']],
  ['"vip"', ['vip']],
  ['"vip","last, first"', ['vip', 'last, first']],
  ['"vip",new', ['vip', 'new']],
  ["'vip','old lead'", ['vip', 'old lead']],
  ["'vip'", ['vip']],
  ["'vip", ['vip']],
  ['="vip"', ['vip']],
  ['["vip","old lead"]', ['vip', 'old lead']],
  ["['vip', 'old lead']", ['vip', 'old lead']],
  ['[]', []],
  ['{vip,"old lead"}', ['vip', 'old lead']],
  ['* myContacts ::: * Roofing', ['myContacts', 'Roofing']],
  ['old, vip;old', ['old', 'vip']],
  ['say "hi", x', ['say "hi"', 'x']],
  ['"unclosed, b', ['unclosed', 'b']],
  ['"a""b"', ['a"b']],
  ['n/a', []],
  ['NULL', []],
  ['\\N', []],
  ['-, vip', ['vip']],
  ['""', []],
  ['\u200b', []],
  ['', []],
  [' , ;', []],
  ['5" pipe', ['5" pipe']],
])('%j: %j', (cell, tags) => expect(readTags([cell])).toEqual({ ok: true, tags }));

it('more than 50, or a longer cell, are refused', () => {
  const many = Array.from({ length: 51 }, (_, i) => i).join(',');
  expect(readTags([many])).toEqual({ ok: false, reason: 'are more than 50' });
  expect(readTags([`"${many.replaceAll(',', '","')}"`])).toEqual({ ok: false, reason: 'are more than 50' });
  expect(readTags([','.repeat(20_000)])).toEqual({ ok: false, reason: 'are more than 50' });
});
