import { afterAll, beforeAll, expect, it } from 'vitest';
import { isConnectionError } from '../../src/db/client.ts';
import { createPools } from '../../src/db/transport/queue-pools.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

it('a queue without a free connection is unavailable for now, which is no bug: for a statement and for a session', async () => {
  const pools = createPools(database.directUrl, 'public', () => undefined);
  const pool = pools.open(1);
  const held = await pool.connect();
  try {
    const failures = await Promise.all([
      pool.query('SELECT 1').catch((error: unknown) => error),
      pool.connect().catch((error: unknown) => error),
    ]);
    expect(failures.map(isConnectionError)).toEqual([true, true]);
  } finally {
    held.release();
    await pools.end();
  }
});
