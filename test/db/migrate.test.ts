import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { atServer, createTestDatabase, type TestDatabase } from '../harness/database.ts';

let test: TestDatabase;
let folder: string;

beforeEach(async () => {
  test = await createTestDatabase();
  await atServer(test.directUrl, (client) => client.query('DROP TABLE schema_migrations'));
  folder = await mkdtemp(join(tmpdir(), 'leadgate-migrations-'));
  await write(
    '0000_first',
    'CREATE TABLE first_step (n int);\n--> statement-breakpoint\nINSERT INTO first_step VALUES (1);',
  );
});

afterEach(async () => {
  await rm(folder, { recursive: true });
  await test.drop();
});

const write = (name: string, sql: string) => writeFile(join(folder, `${name}.sql`), sql);

const count = (table: string) =>
  atServer(
    test.directUrl,
    async (client) => (await client.query(`SELECT count(*)::int AS n FROM ${table}`)).rows[0].n,
  );

it('several processes that start together apply each file once', async () => {
  const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(test.directUrl, { folder })));
  expect(applied.flat()).toEqual(['0000_first']);
  expect(await count('first_step')).toBe(1);
});

it('new files are applied in the order of the journal', async () => {
  await migrate(test.directUrl, { folder });
  await write('0002_a', 'INSERT INTO third_step VALUES (3);');
  await write('0001_b', 'CREATE TABLE third_step (n int);');
  const entries = ['0000_first', '0001_b', '0002_a'].map((tag, idx) => ({ idx, tag }));
  await mkdir(join(folder, 'meta'));
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify({ entries: entries.toReversed() }));
  expect(await migrate(test.directUrl, { folder })).toEqual(['0001_b', '0002_a']);
  await write('0003_stray', 'SELECT 1;');
  await expect(migrate(test.directUrl, { folder })).rejects.toThrow('0003_stray');
});

it('a file that changed after it was applied is refused', async () => {
  await migrate(test.directUrl, { folder });
  await write('0000_first', 'CREATE TABLE first_step (n bigint);');
  await write('0001_next', 'CREATE TABLE next_step ();');
  await expect(migrate(test.directUrl, { folder })).rejects.toThrow('0000_first');
  await expect(count('next_step')).rejects.toThrow('does not exist');
});

it('a file that fails leaves no change, and is applied once it is fixed', async () => {
  await write('0001_bad', 'CREATE TABLE half (n int);\nINSERT INTO nowhere VALUES (1);');
  await expect(migrate(test.directUrl, { folder })).rejects.toThrow('0001_bad');
  await expect(count('half')).rejects.toThrow('does not exist');
  await write('0001_bad', 'CREATE TABLE half (n int);');
  expect(await migrate(test.directUrl, { folder })).toEqual(['0001_bad']);
});
