import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foreignAwaits } from '../../scripts/transactions.ts';

const root = new URL('../../src/', import.meta.url);
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(new URL(name, root), 'utf8') }));
/** Names of the files whose text matches. */
const filesWith = (pattern: RegExp) =>
  sources.flatMap(({ name, text }) => (pattern.test(text) ? [name] : [])).sort();

describe('[S32] connections to the database', () => {
  it('a transaction awaits nothing but its own statements', () => {
    const found = sources.flatMap(({ name, text }) =>
      /withTx\(|: Tx\b/.test(text)
        ? foreignAwaits(text, { tsx: name.endsWith('.tsx') }).map(
            ({ line, text }) => `src/${name}:${line} ${text}`,
          )
        : [],
    );
    expect(found).toEqual([]);
  });

  it('only the client takes a session from the pool, and no request holds a cursor', () => {
    expect(filesWith(/\bpool\.connect\(/)).toEqual(['db/client.ts']);
    expect(filesWith(/\breader\.stream\b/)).toEqual([]);
  });

  it.each([
    ['await upload(request)', 'upload(request)'],
    ['for await (const batch of rows(source)) await store(tx, batch)', 'rows(source)'],
    ['await Promise.all([store(tx), stripe.refund()])', 'Promise.all([store(tx), stripe.refund()])'],
    ['return fetch(url)', 'fetch(url)'],
    ['if (first) { return ok ? store(tx) : send() }', 'ok ? store(tx) : send()'],
    [
      'await new Promise((resolve) => setTimeout(resolve, 1))',
      'new Promise((resolve) => setTimeout(resolve, 1))',
    ],
    ['const each = async () => { await send(tx.id) }; await store(tx, each)', 'send(tx.id)'],
    ['await db.query(text)', 'db.query(text)'],
  ])('finds what %s waits for', (body, stranger) => {
    const inCallback = foreignAwaits(`const ü = 1;\nawait db.withTx(async (tx) => {\n${body}\n});`);
    expect(inCallback).toEqual([{ line: 3, text: stranger }]);
    const inFunction = foreignAwaits(`async function step(id: string, tx: Tx) { ${body} }`);
    expect(inFunction).toEqual([{ line: 1, text: stranger }]);
  });

  it.each([
    'await tx.query(text)',
    'await tx.orm.execute(text)',
    'const [row] = await run(tx, text); return row?.id ?? null',
    'return run(tx, text).then(first)',
    'await Promise.all([run(tx, a), run(tx, b)])',
    'await Promise.all(rows.map((row) => run(tx, row)))',
    'for (const row of rows) await run(tx, row); return { rows }',
    'return lock.mine ? work(tx) : null',
  ])('accepts %s', (body) => {
    expect(foreignAwaits(`await db.withTx(async (tx) => { ${body} });`)).toEqual([]);
  });

  it('accepts an arrow function that returns its statement, and refuses one that it cannot see', () => {
    expect(foreignAwaits('await db.withTx((tx) => store(tx, rows));')).toEqual([]);
    expect(foreignAwaits('await db.withTx(() => send());')).toEqual([{ line: 1, text: 'send()' }]);
    expect(foreignAwaits('await db.withTx(step);')).toEqual([{ line: 1, text: 'step' }]);
  });
});
