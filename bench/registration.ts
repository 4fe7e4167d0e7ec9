import { createDatabase, type Database } from '../src/db/client.ts';
import { type Played, percentile, startDeals, startVendors, type Target } from './deals.ts';
import { createPoster } from './http.ts';
import { Machine } from './machine.ts';
import { startProduct, startServers } from './product.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/**
 * Buyers who register at the same moment, each over a connection of its own, while leads are posted at a steady rate. Leads
 * go on until every password is strengthened and every mail sent. The floor is the leads' time before the rush.
 */
const leadsPerSecond = 20;
const goals = { registrationMs: 2_000, leadMs: 150 };
const password = 'password123';

type Figures = {
  times: number[];
  wrong: number;
  stored: number;
  before: Played;
  during: Played;
  settledIn: number;
  processes: Usage[];
};

async function measure(backend: Backend, count: number): Promise<Figures | null> {
  const machine = new Machine();
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    const env = { MAX_CONNECTIONS_PER_ADDRESS: '4000' };
    const target = await startProduct(servers, vendors, { workers: 1, buyers: 1_000, env });
    vendors.buyers('silent');
    const db = createDatabase({ url: servers.databaseUrl, max: 1 });
    const deals = startDeals(vendors, target, 50);
    const leads = (seconds: number) =>
      deals.play({
        count: leadsPerSecond * seconds,
        inFlight: 1,
        perSecond: leadsPerSecond,
        until: 'posted',
      });
    const inviteCode = await registerSeller(target);
    await leads(3);
    const before = await leads(10);
    const usage = await machine.measure();
    const began = performance.now();
    const during = leads(30);
    const answers = await registerAll(target, inviteCode, count);
    await strengthened(db);
    const settledIn = (performance.now() - began) / 1_000;
    const [row] = await db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM users u JOIN accounts a ON a.user_id = u.id JOIN members m ON m.user_id = u.id
       JOIN buyers b ON b.id = m.buyer_id JOIN account_links l ON l.user_id = u.id WHERE u.email LIKE 'rush%@buyers.example'`,
    );
    const played = await during;
    const processes = await usage.end();
    deals.close();
    await db.close();
    return {
      times: answers.map(({ ms }) => ms).sort((a, b) => a - b),
      wrong: answers.filter(({ status }) => status !== 201).length,
      stored: row!.n,
      before,
      during: played,
      settledIn,
      processes,
    };
  } finally {
    await machine.stop();
  }
}

/** Resolves when no quick hash is left. */
async function strengthened(db: Database): Promise<void> {
  for (;;) {
    const [left] = await db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM accounts WHERE password LIKE 'hmac$%'`,
    );
    if (left!.n === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function registerSeller({ url }: Target): Promise<string> {
  const body = { email: 'seller@bench.example', password, name: 'Sue', role: 'SELLER' };
  const answer = await fetch(`${url}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { user: { inviteCode: string } }).user.inviteCode;
}

async function registerAll({ url }: Target, inviteCode: string, count: number) {
  const poster = createPoster(count);
  const register = async (n: number) => {
    const body = {
      email: `rush${n}@buyers.example`,
      password,
      name: `Buyer ${n}`,
      role: 'BUYER',
      inviteCode,
    };
    const began = performance.now();
    const { status } = await poster.post(`${url}/api/auth/register`, JSON.stringify(body), {
      'content-type': 'application/json',
    });
    return { status, ms: performance.now() - began };
  };
  try {
    return await Promise.all(Array.from({ length: count }, (_, n) => register(n)));
  } finally {
    poster.close();
  }
}

export const measureRegistration: Measure = async ({ backends, quick }) => {
  const count = quick ? 300 : 1_000;
  const rows: Row[] = [];
  for (const backend of backends) {
    const found = await measure(backend, count);
    if (found) rows.push(rowOf(backend, count, found));
  }
  return rows;
};

function rowOf(backend: Backend, count: number, found: Figures): Row {
  const { times, wrong, stored, before, during, settledIn, processes } = found;
  const p99 = percentile(times, 0.99);
  const leadsP99 = percentile(during.answered, 0.99);
  const idleP99 = percentile(before.answered, 0.99);
  return {
    name: 'registration',
    work: `${count} buyers register at once while ${leadsPerSecond} leads/s are posted`,
    backend,
    ours: { value: p99, unit: 'ms' },
    floor: null,
    ratio: null,
    goal: `p99 ≤ ${goals.registrationMs} ms, leads’ p99 ≤ ${goals.leadMs} ms, all stored`,
    met: p99 <= goals.registrationMs && leadsP99 <= goals.leadMs && wrong === 0 && stored === count,
    processes,
    notes: [
      `registrations p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${p99.toFixed(0)} ms; ${stored} stored, ${wrong} refused`,
      `leads p50 ${percentile(during.answered, 0.5).toFixed(1)} ms, p99 ${leadsP99.toFixed(1)} ms (before ${idleP99.toFixed(1)})`,
      `all passwords strengthened and links mailed in ${settledIn.toFixed(0)} s`,
    ],
  };
}
