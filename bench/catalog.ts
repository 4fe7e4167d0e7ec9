import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { loadConfig } from '../src/config.ts';
import { createDatabase, type Database } from '../src/db/client.ts';
import { migrate } from '../src/db/migrate.ts';
import { freePort } from '../src/system.ts';
import { percentile, startVendors } from './deals.ts';
import { eventually, Machine } from './machine.ts';
import { startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';

/**
 * The lists of campaigns of one seller with 10,000 of them, 100,000 buyers and as many subscriptions: a page of 200, and all,
 * as its front end asks for them. The floor is the bare query of the same campaigns on a connection of its own.
 */
export const measureCatalog: Measure = async ({ backends, quick }) => {
  const rows: Row[] = [];
  for (const backend of backends) {
    const size = quick ? { campaigns: 1_000, buyers: 10_000 } : { campaigns: 10_000, buyers: 100_000 };
    rows.push(...(await measureOn(backend, size)));
  }
  return rows;
};

type Size = { campaigns: number; buyers: number };
type List = { query: string; what: string; most: number; rounds: number; goalMs: number };

const lists = ({ campaigns }: Size): List[] => [
  { query: '?limit=200', what: 'newest 200 of', most: 200, rounds: 100, goalMs: 100 },
  { query: '', what: 'whole list of', most: campaigns, rounds: 5, goalMs: 5_000 },
];

async function measureOn(backend: Backend, size: Size): Promise<Row[]> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return [];
    const { databaseUrl, redisUrl } = servers;
    await migrate(databaseUrl);
    const db = createDatabase({ url: databaseUrl, max: 1, connectTimeoutMs: 600_000 });
    const secret = loadConfig({}, { databaseUrl }).sessionSecret;
    const { organizationId, bearer } = await insertSeller(db, secret, size);
    const vendors = await startVendors(machine);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const env = { PORT: `${port}`, PUBLIC_URL: url, SANDBOX_URL: vendors.url, DATABASE_URL: databaseUrl };
    machine.node('bench/api.ts', [], {
      env: { ...env, ...(redisUrl ? { REDIS_URL: redisUrl } : {}) },
      role: 'api',
    });
    const ask = async (query: string) => {
      const answer = await fetch(`${url}/api/campaigns${query}`, {
        headers: { authorization: `Bearer ${bearer}` },
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      return (await answer.arrayBuffer()).byteLength;
    };
    await eventually(() => ask('?limit=1'));
    const rows: Row[] = [];
    for (const { query, what, most, rounds, goalMs } of lists(size)) {
      const timed = () => timesOf(rounds, () => ask(query));
      await timed();
      const usage = await machine.measure();
      const ours = await timed();
      const processes = await usage.end();
      const floor = await timesOf(rounds, () => db.query(bareQuery, [organizationId, most]));
      const [p95, floorP95] = [percentile(ours, 0.95), percentile(floor, 0.95)];
      const megabytes = (await ask(query)) / 1_000_000;
      rows.push({
        name: 'catalog',
        work: `a seller’s ${what} ${size.campaigns.toLocaleString('en')} campaigns, with ${size.buyers.toLocaleString('en')} buyers, p95`,
        backend,
        ours: { value: p95, unit: 'ms' },
        floor: { value: floorP95, unit: 'ms' },
        ratio: p95 / floorP95,
        goal: `≤ ${goalMs} ms`,
        met: p95 <= goalMs,
        processes,
        notes: [
          `p50 ${percentile(ours, 0.5).toFixed(1)} ms, bare query ${percentile(floor, 0.5).toFixed(1)} ms, ${megabytes.toFixed(1)} MB`,
        ],
      });
    }
    await db.close();
    return rows;
  } finally {
    await machine.stop();
  }
}

/** Sorted, ms. */
async function timesOf(rounds: number, act: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await act();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b);
}

const bareQuery =
  'SELECT * FROM campaigns WHERE organization_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2::integer';

async function insertSeller(
  db: Database,
  secret: string,
  { campaigns, buyers }: Size,
): Promise<{ organizationId: string; bearer: string }> {
  const [organizationId, userId, categoryId] = [randomUUID(), randomUUID(), randomUUID()];
  const token = randomBytes(24).toString('base64url');
  const fields = JSON.stringify(
    Array.from({ length: 8 }, (_, i) => ({
      name: `field${i}`,
      type: 'text',
      required: true,
      locked: false,
      description: null,
      options: [],
    })),
  );
  const statements: [string, unknown[]][] = [
    [
      `INSERT INTO organizations (id, name, slug, footer, support_contact) VALUES ($1, 'Seller', 'seller', '', 's@seller.example')`,
      [organizationId],
    ],
    [
      `INSERT INTO sellers (organization_id, contact_name, invite_code, trial_ends_at) VALUES ($1, 'Sue', 'ABCD1234', now())`,
      [organizationId],
    ],
    [
      `INSERT INTO users (id, name, email, email_verified) VALUES ($1, 'Sue', 's@seller.example', true)`,
      [userId],
    ],
    [
      `INSERT INTO sessions (id, user_id, token, expires_at) VALUES (gen_random_uuid(), $1, $2, now() + interval '1 day')`,
      [userId, token],
    ],
    [
      `INSERT INTO members (organization_id, user_id, role) VALUES ($1, $2, 'seller')`,
      [organizationId, userId],
    ],
    [
      `INSERT INTO categories (id, organization_id, name, fields) VALUES ($1, $2, 'Solar', $3::jsonb)`,
      [categoryId, organizationId, fields],
    ],
    [
      `INSERT INTO campaigns (id, organization_id, category_id, name, price_minor, distribution_logic, created_at)
       SELECT gen_random_uuid(), $1, $2, 'Campaign ' || n, 2500, 'ROUND_ROBIN', now() - n * interval '1 minute' FROM generate_series(1, $3::int) n`,
      [organizationId, categoryId, campaigns],
    ],
    [
      `INSERT INTO buyers (id, organization_id, external_id, name) SELECT gen_random_uuid(), $1, 'buyer' || n, 'Buyer ' || n FROM generate_series(1, $2::int) n`,
      [organizationId, buyers],
    ],
    [
      `INSERT INTO subscriptions (id, organization_id, campaign_id, buyer_id)
       SELECT gen_random_uuid(), $1, c.id, b.id FROM (SELECT id, row_number() OVER () AS n FROM buyers WHERE organization_id = $1) b
         JOIN (SELECT id, row_number() OVER () AS n FROM campaigns WHERE organization_id = $1) c ON c.n = b.n % $2::int + 1`,
      [organizationId, campaigns],
    ],
    ['VACUUM (ANALYZE)', []],
  ];
  for (const [text, values] of statements) await db.query(text, values);
  const signature = createHmac('sha256', secret).update(token).digest('base64');
  return { organizationId, bearer: encodeURIComponent(`${token}.${signature}`) };
}
