import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { inBatches } from './batches.ts';

describe('inBatches', () => {
  it('resolves concurrent calls of one event loop iteration with one lookup, each with its own result', async () => {
    const looks: number[][] = [];
    const double = inBatches(async (keys: number[]) => {
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
    const ask = inBatches(async (keys: string[]) => {
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

  it('a batch that fails without an answer of the database rejects only the calls that shared it', async () => {
    let broken = true;
    const ask = inBatches(async (keys: string[]) => {
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
    const ask = inBatches(
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

  it('that hangs holds up the next ones for a time only', async () => {
    const works: number[][] = [];
    const ask = inBatches(
      async (keys: number[]) => {
        works.push(keys);
        if (keys.includes(1)) await new Promise(() => undefined);
        return keys;
      },
      { atOnce: 1, most: 10, patienceMs: 20 },
    );
    void ask(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await Promise.all([ask(2), ask(3)])).toEqual([2, 3]);
    expect(works).toEqual([[1], [2, 3]]);
  });

  it('has a bound: further calls take the next one', async () => {
    const works: number[][] = [];
    const ask = inBatches(
      async (keys: number[]) => {
        works.push(keys);
        return keys;
      },
      { atOnce: 1, most: 2 },
    );
    expect(await Promise.all([1, 2, 3, 4, 5].map(ask))).toEqual([1, 2, 3, 4, 5]);
    expect(works).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('that the database refuses is done again in halves: each member has its own outcome', async () => {
    const refusal = new pg.DatabaseError('a constraint', 0, 'error');
    const works: number[][] = [];
    const ask = inBatches(async (keys: number[]) => {
      works.push(keys);
      if (keys.includes(2)) throw refusal;
      return keys;
    });
    const settled = await Promise.allSettled([1, 2, 3].map(ask));
    expect(settled).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: refusal },
      { status: 'fulfilled', value: 3 },
    ]);
    expect(works).toEqual([[1, 2, 3], [1, 2], [1], [2], [3]]);
  });

  it('of 64 with one that the database refuses takes 13 more, and stores all others', async () => {
    const works: number[][] = [];
    const refusal = new pg.DatabaseError('a constraint', 0, 'error');
    const ask = inBatches(async (keys: number[]) => {
      works.push(keys);
      if (keys.includes(40)) throw refusal;
      return keys;
    });
    const settled = await Promise.allSettled(Array.from({ length: 64 }, (_, n) => ask(n)));
    expect(settled.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([40]);
    expect(works).toHaveLength(13);
  });

  it.each(['55P03', '57014', '53100', '53200', '58030', 'XX000'])(
    'that fails with %s, which no member is to blame for, is not tried again',
    async (code) => {
      const works: number[][] = [];
      const ask = inBatches(async (keys: number[]) => {
        works.push(keys);
        throw Object.assign(new pg.DatabaseError('not now', 0, 'error'), { code });
      });
      const settled = await Promise.allSettled([1, 2, 3].map(ask));
      expect(settled.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
      expect(works).toEqual([[1, 2, 3]]);
    },
  );

  it('is bounded by weight, and takes one member of any weight', async () => {
    const works: number[][] = [];
    const ask = inBatches(
      async (weights: number[]) => {
        works.push(weights);
        return weights;
      },
      { atOnce: 1, most: 10, weightOf: (weight) => weight },
    );
    await Promise.all([4, 5, 2, 30, 9, 1, 1].map(ask));
    expect(works).toEqual([[4, 5], [2], [30], [9, 1], [1]]);
  });
});
