import { expect, it } from 'vitest';
import { rowJudge } from './rows.ts';

const header = ['Name', 'Phone', 'Notes', 'Budget', 'Roof'];
const judge = rowJudge(header, ['name', 'phone', 'notes', 'note:Budget', 'note:Roof'], 'US');

it.each([
  [['A', '+13055550101', 'call late', '$10', 'flat'], 'call late\nBudget: $10\nRoof: flat'],
  [['A', '+13055550101', ' ', '$10', ' '], 'Budget: $10'],
  [['A', '+13055550101', '', '', 'flat'], 'Roof: flat'],
  [['A', '+13055550101', 'call late', '', ''], 'call late'],
  [['A', '+13055550101', '', '', ''], null],
])('columns added to the notes: %j has the notes %j', (cells, notes) => {
  const judged = judge({ row: 2, cells });
  expect(judged.ok && judged.lead.notes).toBe(notes);
});
