import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from '../../src/db/account/api-keys.ts';
import { assertProviders, createBuyer, upsertBuyers } from '../../src/db/account/buyers.ts';
import { createOrganization } from '../../src/db/account/organizations.ts';
import { lockCount } from '../../src/db/account/stored.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { openUpload } from '../../src/db/imports/imports.ts';
import { RefusedError } from '../../src/domain/errors.ts';
import { clientOf, createTestDatabase, type TestDatabase } from '../harness/database.ts';

let database: TestDatabase;
let processes: Database[];
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  processes = [1, 2].map(() => createDatabase({ ...clientOf(database), max: 12 }));
  db = processes[0]!;
});
afterAll(async () => {
  for (const each of processes ?? []) await each.close();
  await database?.drop();
});

async function organization(): Promise<string> {
  const id = uuidv7();
  const names = { name: 'Parallel', slug: id, footer: '', supportContact: 'x@parallel.example' };
  await createOrganization(db, { id, ...names });
  return id;
}

/** As many at once as the connections of two processes allow; returns what was not refused. */
async function inParallel<T>(times: number, insert: (db: Database, n: number) => Promise<T>): Promise<T[]> {
  const settled = await Promise.all(
    Array.from({ length: times }, (_, n) =>
      insert(processes[n % 2]!, n).catch((error: unknown) => {
        if (error instanceof RefusedError) return null;
        throw error;
      }),
    ),
  );
  return settled.filter((each): each is Awaited<T> => each !== null);
}

const countOf = async (table: string, organizationId: string) => {
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${table} WHERE organization_id = $1`,
    [organizationId],
  );
  return row!.n;
};

const keyOf = (organizationId: string) =>
  ({
    organizationId,
    owner: 'organization',
    name: 'k',
    scopes: [],
    createdBy: null,
    idempotencyKey: null,
  }) as const;

describe('[S11] parallel requests do not pass a limit of what is stored', () => {
  it('150 uploads at once open as many files as may wait', async () => {
    const organizationId = await organization();
    const opened = await inParallel(150, (each) =>
      openUpload(each, { id: uuidv7(), organizationId, fileName: 'a.csv', dialect: {} }, 50),
    );
    expect(opened.filter((ok) => ok)).toHaveLength(50);
    expect(await countOf('imports', organizationId)).toBe(50);
  });

  it('uploads of one organization wait for each other on one connection, and leave the others free', async () => {
    const organizationId = await organization();
    const nothing = (): void => undefined;
    const lock = { held: nothing, release: nothing };
    const isHeld = new Promise<void>((resolve) => {
      lock.held = resolve;
    });
    const holding = processes[1]!.withTx(async (tx) => {
      await lockCount(tx, 'files_waiting', organizationId);
      lock.held();
      await new Promise<void>((resolve) => {
        lock.release = resolve;
      });
    });
    await isHeld;
    const uploads = Array.from({ length: 30 }, () =>
      openUpload(db, { id: uuidv7(), organizationId, fileName: 'a.csv', dialect: {} }, 50),
    );
    for (let answers = 0; answers < 20; answers += 1) await db.query('SELECT 1');
    expect(db.pool.totalCount - db.pool.idleCount).toBe(1);
    lock.release();
    await Promise.all([holding, ...uploads]);
    expect(await countOf('imports', organizationId)).toBe(30);
  });

  it('60 keys at once are created up to the limit', async () => {
    const organizationId = await organization();
    expect(await inParallel(60, (each) => makeKey(each, keyOf(organizationId), 25))).toHaveLength(25);
    expect(await countOf('api_keys', organizationId)).toBe(25);
  });

  it('60 providers at once, alone and in files, are stored up to the limit', async () => {
    const organizationId = await organization();
    const fields = (id: string) => ({
      externalId: id,
      name: null,
      phone: '+13055550160',
      email: null,
      language: null,
    });
    await inParallel(60, async (each, n) => {
      if (n % 3 > 0) {
        const buyer = { ...fields(`p${n}`), id: uuidv7(), organizationId, idempotencyKey: null, most: 30 };
        return createBuyer(each, buyer);
      }
      return each.withTx(async (tx) => {
        await lockCount(tx, 'providers', organizationId);
        await upsertBuyers(tx, organizationId, [fields(`f${n}`), fields(`g${n}`)]);
        await assertProviders(tx, organizationId, 30);
      });
    });
    const stored = await countOf('buyers', organizationId);
    expect(stored).toBeLessThanOrEqual(30);
    expect(stored).toBeGreaterThan(28);
  });

  it('another organization is not limited by it', async () => {
    const organizationId = await organization();
    expect(await inParallel(3, (each) => makeKey(each, keyOf(organizationId), 25))).toHaveLength(3);
  });
});
