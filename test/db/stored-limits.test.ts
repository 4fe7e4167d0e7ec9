import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from '../../src/db/account/api-keys.ts';
import { assertProviders, createBuyer, upsertBuyers } from '../../src/db/account/buyers.ts';
import { createOrganization } from '../../src/db/account/organizations.ts';
import { insertWithRoom, lockCount, recentRoom } from '../../src/db/account/stored.ts';
import { createDatabase, type Database } from '../../src/db/client.ts';
import { openUpload } from '../../src/db/imports/imports.ts';
import { storeBuyerRows, storeSubscriptionRows } from '../../src/db/marketplace/buyer-rows.ts';
import { insertPartyBuyer } from '../../src/db/marketplace/buyers.ts';
import { insertCampaign } from '../../src/db/marketplace/campaigns.ts';
import { insertCategory, listCategories } from '../../src/db/marketplace/categories.ts';
import { insertSubscription } from '../../src/db/marketplace/subscriptions.ts';
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

const actor = 'test';
const waiting: Promise<unknown>[] = [];
let made = 0;
const newName = () => {
  made += 1;
  return `Name ${made}`;
};

const category = (on: Database, organizationId: string, most: number) =>
  insertCategory(
    on,
    organizationId,
    { id: uuidv7(), name: newName(), description: null, fields: [], most },
    actor,
  );
async function campaign(
  on: Database,
  organizationId: string,
  { categoryId, most }: { categoryId: string; most: number },
): Promise<string> {
  const fields = {
    name: newName(),
    description: null,
    priceMinor: 2_500,
    distributionLogic: 'BROADCAST',
    allowStateSelection: true,
    status: 'ACTIVE',
    maxSales: null,
    leadTtlHours: 72,
  } as const;
  const row = await insertCampaign(on, organizationId, { id: uuidv7(), categoryId, ...fields, most }, actor);
  return row!.id;
}
const personOf = (organizationId: string, n: number | string) => ({
  email: `b${n}@${organizationId}.example`,
  name: `B ${n}`,
});
const buyer = (on: Database, organizationId: string, { n, most }: { n: number | string; most: number }) =>
  insertPartyBuyer(
    on,
    organizationId,
    {
      ...personOf(organizationId, n),
      companyName: 'B',
      priority: 5,
      phone: null,
      passwordHash: null,
      most,
    },
    actor,
  );
const buyerFile = (
  on: Database,
  organizationId: string,
  { names, most }: { names: (number | string)[]; most: number },
) =>
  insertWithRoom(on, { name: 'buyers', organizationId, most }, (tx, room) =>
    storeBuyerRows(
      tx,
      organizationId,
      names.map((n) => personOf(organizationId, n)),
      { actor, room },
    ),
  );

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

  it('60 categories at once are stored up to the limit, and all of them are listed', async () => {
    const organizationId = await organization();
    expect(await inParallel(60, (each) => category(each, organizationId, 25))).toHaveLength(25);
    expect(await listCategories(db, organizationId)).toHaveLength(25);
  });

  it('60 campaigns at once are stored up to the limit', async () => {
    const organizationId = await organization();
    const { id: categoryId } = await category(db, organizationId, 1);
    const of = { categoryId, most: 25 };
    expect(await inParallel(60, (each) => campaign(each, organizationId, of))).toHaveLength(25);
    expect(await countOf('campaigns', organizationId)).toBe(25);
  });

  it('60 buyers at once, alone and in files, are stored up to the limit, and a file says which rows were not', async () => {
    const organizationId = await organization();
    const outcomes = await inParallel(60, async (each, n) => {
      if (n % 3 > 0) return [await buyer(each, organizationId, { n, most: 30 })].map(() => 'created');
      return buyerFile(each, organizationId, { names: [`f${n}`, `g${n}`], most: 30 });
    });
    expect(outcomes.flat().filter((outcome) => outcome === 'created')).toHaveLength(30);
    expect(await countOf('buyers', organizationId)).toBe(30);
    // What exists is changed nevertheless.
    const { email } = personOf(organizationId, 'x');
    await db.query(
      'UPDATE users SET email = $1 WHERE id = (SELECT user_id FROM buyers WHERE organization_id = $2 LIMIT 1)',
      [email, organizationId],
    );
    const rows = [{ email, priority: 9 }, { ...personOf(organizationId, 'y') }];
    const stored = await insertWithRoom(db, { name: 'buyers', organizationId, most: 30 }, (tx, room) =>
      storeBuyerRows(tx, organizationId, rows, { actor, room }),
    );
    expect(stored).toEqual(['updated', 'full']);
  });

  it('60 subscriptions at once, alone and in files, are stored up to the limit; ended ones do not count', async () => {
    const organizationId = await organization();
    const { id: categoryId } = await category(db, organizationId, 1);
    const campaigns = await Promise.all(
      [1, 2].map(() => campaign(db, organizationId, { categoryId, most: 2 })),
    );
    await buyerFile(db, organizationId, { names: Array.from({ length: 60 }, (_, n) => n), most: 60 });
    const buyers = await db.query<{ id: string; email: string }>(
      'SELECT id, email FROM buyers WHERE organization_id = $1',
      [organizationId],
    );
    const most = 30;
    const fields = { dailyCap: null, states: [], waterfallPriority: null, onShortWallet: 'skip' } as const;
    const subscribe = (on: Database, buyerId: string) =>
      insertSubscription(
        on,
        { organizationId, buyerId },
        { id: uuidv7(), campaignId: campaigns[0]!, ...fields, states: [], most },
        actor,
      );
    const outcomes = await inParallel(60, async (each, n) => {
      const { id, email } = buyers[n]!;
      if (n % 3 > 0) return [await subscribe(each, id)].map(() => 'created');
      const rows = campaigns.map((campaignId) => ({ buyerEmail: email, campaignId }));
      return insertWithRoom(each, { name: 'subscriptions', organizationId, most }, (tx, room) =>
        storeSubscriptionRows(tx, organizationId, rows, { actor, room }),
      );
    });
    expect(outcomes.flat().filter((outcome) => outcome === 'created')).toHaveLength(most);
    expect(await countOf('subscriptions', organizationId)).toBe(most);
    const [free] = await db.query<{ id: string }>(
      `UPDATE subscriptions s SET ended_at = now() WHERE s.id = (SELECT id FROM subscriptions WHERE campaign_id = $1 LIMIT 1) RETURNING buyer_id AS id`,
      [campaigns[0]],
    );
    expect(await subscribe(db, free!.id)).not.toBeNull();
    await expect(subscribe(db, free!.id)).rejects.toBeInstanceOf(RefusedError);
  });

  it('far below a large limit, inserts neither count nor wait for each other; near it they do', async () => {
    const organizationId = await organization();
    const most = 60_000;
    await buyer(db, organizationId, { n: 1, most });
    await processes[1]!.withTx(async (tx) => {
      await lockCount(tx, 'buyers', organizationId);
      await buyer(db, organizationId, { n: 2, most });
      expect(await recentRoom(db, { name: 'buyers', organizationId, most })).toBe(most);
      const near = buyer(db, organizationId, { n: 3, most: 50_000 });
      await expect
        .poll(() =>
          tx.query(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
          ),
        )
        .toHaveLength(1);
      expect(await countOf('buyers', organizationId)).toBe(2);
      waiting.push(near);
    });
    await Promise.all(waiting);
    expect(await countOf('buyers', organizationId)).toBe(3);
  });

  it('another organization is not limited by it', async () => {
    const organizationId = await organization();
    expect(await inParallel(3, (each) => makeKey(each, keyOf(organizationId), 25))).toHaveLength(3);
  });
});
