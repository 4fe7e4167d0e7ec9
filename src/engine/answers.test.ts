import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import type { Booking } from '../db/transport/effects.ts';
import { createAnswers } from './answers.ts';

const answer = (name: string): Booking => [{ name, statement: () => sql`SELECT 1` }];
const [first, second] = [answer('first'), answer('second')];

function begin() {
  const written: Booking[] = [];
  const answers = createAnswers(async (booking) => void written.push(booking));
  return { answers, written };
}

describe('the answers of a run', () => {
  it('commit with the statement that ends the run, once', async () => {
    const { answers, written } = begin();
    expect(answers.keep(first)).toBe(true);
    expect(await answers.with(async (kept) => kept)).toBe(first);
    expect(await answers.with(async (kept) => kept)).toEqual([]);
    await answers.write();
    expect(written).toEqual([]);
  });

  it('stay kept when that statement fails, and can be written alone', async () => {
    const { answers, written } = begin();
    answers.keep(first);
    await expect(answers.with(() => Promise.reject(new Error('a constraint')))).rejects.toThrow(
      'a constraint',
    );
    await answers.write();
    await answers.write();
    expect(written).toEqual([first]);
  });

  it('are kept one at a time', () => {
    const { answers } = begin();
    expect(answers.keep(first)).toBe(true);
    expect(answers.keep(second)).toBe(false);
  });

  it('that come while a statement without any is under way are not lost', async () => {
    const { answers, written } = begin();
    await answers.with(async () => answers.keep(first));
    await answers.write();
    expect(written).toEqual([first]);
  });

  it('are not kept once the run was given up: what was kept is written, what comes later is refused', async () => {
    const { answers, written } = begin();
    answers.keep(first);
    answers.end();
    await answers.write();
    expect(written).toEqual([first]);
    expect(answers.keep(second)).toBe(false);
  });
});
