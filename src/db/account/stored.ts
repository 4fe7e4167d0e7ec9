import { type SQL, sql } from 'drizzle-orm';
import { type StoredName, StoredQuotaError } from '../../domain/account/quotas.ts';
import { type Batches, inBatchesByKey } from '../batches-by-key.ts';
import type { Database, Queryable, Tx } from '../client.ts';
import { run } from '../commit.ts';

type Insert = () => Promise<unknown>;
const lines = new WeakMap<object, Batches<Insert, unknown>>();

/** One after another for each count: those that wait for its lock would each hold a connection. */
function inLine(db: object): Batches<Insert, unknown> {
  const known =
    lines.get(db) ?? inBatchesByKey(async (_count, [insert]) => [await insert!()], { atOnce: 1, most: 1 });
  lines.set(db, known);
  return known;
}

/**
 * Runs an insert that counts what its organization has stored. One at a time: two statements that count at the same
 * moment would both find room for the last row. The lock is a statement of its own, because a statement does not see what
 * was committed while it waited.
 */
export async function insertCounted<T>(
  db: Pick<Database, 'withTx'>,
  { name, organizationId }: { name: StoredName; organizationId: string },
  insert: (tx: Tx) => Promise<T>,
): Promise<T> {
  const counted = () =>
    db.withTx(async (tx) => {
      await lockCount(tx, name, organizationId);
      return insert(tx);
    });
  return (await inLine(db)(`${name} ${organizationId}`, counted)) as T;
}

/** Until the transaction ends, no other one counts the same. */
export async function lockCount(tx: Tx, name: StoredName, organizationId: string): Promise<void> {
  await run(tx, sql`SELECT pg_advisory_xact_lock(hashtextextended(${`${name} ${organizationId}`}::text, 0))`);
}

type CountedName = Extract<StoredName, 'campaigns' | 'buyers' | 'subscriptions' | 'categories'>;
/** `most`: how many the organization may have. */
export type Allowance = { name: CountedName; organizationId: string; most: number };

/** The rows that count. */
const rowsOf: Record<CountedName, (organizationId: string) => SQL> = {
  categories: (id) => sql`SELECT 1 FROM categories WHERE organization_id = ${id}::uuid`,
  campaigns: (id) => sql`SELECT 1 FROM campaigns WHERE organization_id = ${id}::uuid`,
  // Those without a user are providers.
  buyers: (id) => sql`SELECT 1 FROM buyers WHERE organization_id = ${id}::uuid AND user_id IS NOT NULL`,
  subscriptions: (
    id,
  ) => sql`SELECT 1 FROM campaigns c JOIN subscriptions s ON s.campaign_id = c.id AND s.ended_at IS NULL
    WHERE c.organization_id = ${id}::uuid`,
};

async function roomOf(db: Queryable, { name, organizationId, most }: Allowance): Promise<number> {
  const [row] = await run<{ n: number }>(
    db,
    sql`SELECT count(*)::float8 AS n FROM (${rowsOf[name](organizationId)} LIMIT ${most}::bigint) counted`,
  );
  return most - row!.n;
}

/** How long a process uses what it counted, and only while so much is free that no one fills it in this time. */
const recentMs = 10_000;
const ampleRoom = 50_000;
const mostRemembered = 1_000;

type Seen = { room: Promise<number>; until: number };
const seen = new WeakMap<object, Map<string, Seen>>();

function rememberedBy(db: object): Map<string, Seen> {
  const known = seen.get(db) ?? new Map<string, Seen>();
  seen.set(db, known);
  if (known.size > mostRemembered) known.clear();
  return known;
}

/** How many rows the organization could store within the last ten seconds. Parallel calls share one count. */
export function recentRoom(db: Queryable, allowance: Allowance): Promise<number> {
  const { name, organizationId, most } = allowance;
  const key = `${name} ${organizationId} ${most}`;
  const remembered = rememberedBy(db);
  const known = remembered.get(key);
  if (known && performance.now() < known.until) return known.room;
  const room = roomOf(db, allowance);
  remembered.set(key, { room, until: performance.now() + recentMs });
  room.catch(() => remembered.delete(key));
  return room;
}

/**
 * Runs an insert with the number of rows that the organization may still store. Near the limit one insert at a time counts
 * first, and its number is exact. With 50,000 free ones a count of the last ten seconds is enough: a count of a hundred
 * thousand rows costs more than the insert.
 */
export async function insertWithRoom<T>(
  db: Queryable & Pick<Database, 'withTx'>,
  allowance: Allowance,
  insert: (tx: Tx, room: number) => Promise<T>,
): Promise<T> {
  const recent = allowance.most > ampleRoom ? await recentRoom(db, allowance) : 0;
  if (recent > ampleRoom) return db.withTx((tx) => insert(tx, recent));
  return insertCounted(db, allowance, async (tx) => insert(tx, await roomOf(tx, allowance)));
}

/** The same for one row. Throws StoredQuotaError when there is no room. */
export async function insertWithin<T>(
  db: Queryable & Pick<Database, 'withTx'>,
  allowance: Allowance,
  insert: (tx: Tx) => Promise<T>,
): Promise<T> {
  return insertWithRoom(db, allowance, async (tx, room) => {
    if (room <= 0) throw new StoredQuotaError(allowance.name, allowance.most);
    return insert(tx);
  });
}
