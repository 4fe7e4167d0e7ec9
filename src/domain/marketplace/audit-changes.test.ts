import { describe, expect, it } from 'vitest';
import { differences } from './audit-changes.ts';

const field = {
  name: 'roofAge',
  type: 'number',
  required: true,
  locked: false,
  description: null,
  options: [],
};
const roof = { ...field, name: 'roof', type: 'select', required: false, options: ['Tile', 'Metal'] };

describe('what a change made different', () => {
  it.each([
    ['a value', { name: 'A', dailyCap: 5 }, { name: 'A', dailyCap: 7 }, [['Daily cap', '5', '7']]],
    ['a value that was cleared', { description: 'x' }, { description: null }, [['Description', 'x', null]]],
    ['a switch', { testMode: true }, { testMode: false }, [['Test mode', 'Yes', 'No']]],
    ['a creation', null, { name: 'A', description: null }, [['Name', null, 'A']]],
    ['a removal', { name: 'A', states: [] }, null, [['Name', 'A', null]]],
    [
      'constants, and no ids',
      null,
      { campaignId: 'x', status: 'ACTIVE', distributionLogic: 'ROUND_ROBIN' },
      [
        ['Status', null, 'Active'],
        ['Distribution logic', null, 'Round robin'],
      ],
    ],
    ['nothing', { name: 'A' }, { name: 'A' }, []],
    [
      'what a list gained and lost',
      { states: ['FL', 'TX'] },
      { states: ['TX', 'GA'] },
      [['States', 'FL', 'GA']],
    ],
    [
      'one field of a category',
      { fields: [field, roof] },
      { fields: [field, { ...roof, locked: true }] },
      [['Fields', 'roof (select, options: Tile | Metal)', 'roof (select, locked, options: Tile | Metal)']],
    ],
    ['the order of a list', { states: ['FL', 'TX'] }, { states: ['TX', 'FL'] }, []],
    [
      'an object',
      { branding: { footer: 'a' } },
      { branding: { footer: 'b' } },
      [['Branding', 'footer: a', 'footer: b']],
    ],
    ['a long text', { name: 'A' }, { name: 'n'.repeat(301) }, [['Name', 'A', `${'n'.repeat(300)}…`]]],
  ])('%s', (_what, before, after, expected) => {
    const found = differences(before, after).map(({ name, before, after }) => [name, before, after]);
    expect(found).toEqual(expected);
  });
});
