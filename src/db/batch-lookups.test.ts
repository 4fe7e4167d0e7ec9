import { describe, expect, it } from 'vitest';
import { batchLookups } from './batch-lookups.ts';

describe('batchLookups', () => {
  it('resolves concurrent calls of one event loop iteration with one lookup, each with its own result', async () => {
    const looks: number[][] = [];
    const double = batchLookups(async (keys: number[]) => {
      looks.push(keys);
      return keys.map((key) => key * 2);
    });
    expect(await Promise.all([double(1), double(2), double(1)])).toEqual([2, 4, 2]);
    expect(looks).toEqual([[1, 2, 1]]);
  });

  it('does not join a lookup that began before the call', async () => {
    let truth = 'valid';
    let began = () => {};
    const beginning = new Promise<void>((resolve) => {
      began = resolve;
    });
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const ask = batchLookups(async (keys: string[]) => {
      const seen = truth;
      began();
      await answered;
      return keys.map(() => seen);
    });
    const first = ask('key');
    await beginning;
    truth = 'revoked';
    const second = ask('key');
    answer();
    expect(await first).toBe('valid');
    expect(await second).toBe('revoked');
  });

  it('a failed lookup rejects only the calls that shared it', async () => {
    let broken = true;
    const ask = batchLookups(async (keys: string[]) => {
      if (broken) throw new Error('away');
      return keys;
    });
    const both = await Promise.allSettled([ask('a'), ask('b')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    broken = false;
    expect(await ask('c')).toBe('c');
  });

  it('three lookups are under way at most; later calls share the next one', async () => {
    const looks: { keys: number[]; end: () => void }[] = [];
    const ask = batchLookups(
      (keys: number[]) => new Promise<number[]>((end) => looks.push({ keys, end: () => end(keys) })),
    );
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const answers: Promise<number>[] = [];
    for (const key of [1, 2, 3, 4, 5]) {
      answers.push(ask(key));
      await turn();
    }
    expect(looks.map(({ keys }) => keys)).toEqual([[1], [2], [3]]);
    looks[1]!.end();
    await expect(answers[1]).resolves.toBe(2);
    await turn();
    expect(looks[3]!.keys).toEqual([4, 5]);
    for (const { end } of looks) end();
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5]);
  });
});
