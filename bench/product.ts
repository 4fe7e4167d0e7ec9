import { sql } from 'drizzle-orm';
import { upsertBuyers } from '../src/db/account/buyers.ts';
import { createDatabase } from '../src/db/client.ts';
import { run } from '../src/db/commit.ts';
import { migrate } from '../src/db/migrate.ts';
import { ensureDemo } from '../src/demo/seed.ts';
import { freePort } from '../src/system.ts';
import { phoneOf, providerOf, type Target, type Vendors } from './deals.ts';
import { eventually, type Machine } from './machine.ts';
import type { Backend } from './row.ts';

/** The servers of one measurement. */
export type Servers = { machine: Machine; databaseUrl: string; redisUrl: string | null };

/** Returns null when there is no Redis. `prepare`: configures the database server before its last start. */
export async function startServers(
  machine: Machine,
  backend: Backend,
  prepare?: (url: string) => Promise<void>,
): Promise<Servers | null> {
  const redisUrl = backend === 'redis' ? await machine.redis() : null;
  if (backend === 'redis' && !redisUrl) return null;
  return { machine, redisUrl, databaseUrl: await machine.postgres(prepare) };
}

export type ProductOptions = {
  /** The number of worker processes; 0 to measure only the API. */
  workers: number;
  /** The number of buyers, each with its own phone; deals take turns among them. */
  buyers: number;
  /** See api.ts. */
  unbounded?: boolean;
  /** Names of the workers to run. All when absent. */
  only?: readonly string[];
  /** Further environment variables of API and workers. */
  env?: Readonly<Record<string, string>>;
};

/** Migrates, seeds and starts the product (an API process and `workers` worker processes) and configures the vendors. */
export async function startProduct(
  { machine, databaseUrl, redisUrl }: Servers,
  vendors: Vendors,
  { workers, buyers, unbounded = false, only = [], env: more = {} }: ProductOptions,
): Promise<Target> {
  const apiKey = await prepareDatabase(databaseUrl, buyers);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PORT: `${port}`,
    PUBLIC_URL: url,
    SANDBOX_URL: vendors.url,
    DATABASE_URL: databaseUrl,
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
    ...more,
  };
  machine.node('bench/api.ts', unbounded ? ['unbounded'] : [], { env, role: 'api' });
  await eventually(async () => {
    const response = await fetch(`${url}/health`);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  });
  for (let number = 1; number <= workers; number += 1) {
    machine.node('src/workers/main.ts', [...only], {
      env,
      role: workers > 1 ? `worker ${number}` : 'worker',
    });
  }
  await vendors.pointAt(url);
  return { url, apiKey, buyers };
}

/**
 * Migrates the database and inserts an organization, its key and its buyers. Returns the key. The spend caps are raised,
 * because a measurement sends more texts than they allow.
 */
export async function prepareDatabase(databaseUrl: string, buyers: number): Promise<string> {
  await migrate(databaseUrl);
  const db = createDatabase({ url: databaseUrl, max: 1 });
  try {
    const { organizationId, apiKey } = await ensureDemo(db, { freshKey: true });
    await run(
      db,
      sql`UPDATE organizations SET sms_per_day = 2000000000, sms_per_number_hour = 2000000000 WHERE id = ${organizationId}`,
    );
    const all = Array.from({ length: buyers }, (_, number) => ({
      externalId: providerOf(number),
      name: 'Amy',
      phone: phoneOf(number),
      email: `amy${number}@buyers.example`,
      language: null,
    }));
    for (let first = 0; first < all.length; first += 5_000)
      await upsertBuyers(db, organizationId, all.slice(first, first + 5_000));
    await db.query('ANALYZE');
    return apiKey!;
  } finally {
    await db.close();
  }
}

/** Starts a floor of bench/floor/ instead of the product: an API and a worker process, or only the API. */
export async function startFloor(
  { machine, databaseUrl, redisUrl }: Servers,
  vendors: Vendors,
  name: 'pipeline' | 'latency' | 'ingest' | 'market',
  buyers: number,
): Promise<Target> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const options = JSON.stringify({ databaseUrl, redisUrl, sandboxUrl: vendors.url, port });
  machine.node(`bench/floor/${name}.ts`, ['api', options], { role: 'api' });
  // The floor creates its tables before it listens.
  await eventually(async () => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  });
  if (name !== 'ingest') machine.node(`bench/floor/${name}.ts`, ['worker', options], { role: 'worker' });
  await vendors.pointAt(url);
  return { url, apiKey: '', buyers };
}
