import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { within } from './deadline.ts';

it('an answer that arrived in time counts, though this process was too busy to read it', async () => {
  const answer = within(20, 'no answer', stat('package.json'));
  const end = performance.now() + 200;
  while (performance.now() < end);
  expect((await answer).isFile()).toBe(true);
});

it('without an answer the error names what was waited for, and how long', async () => {
  await expect(within(5, 'no answer', new Promise(() => undefined))).rejects.toThrow('no answer within 5 ms');
});
