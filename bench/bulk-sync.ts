import { once } from 'node:events';
import { ghlLimits, loadConfig } from '../src/config.ts';
import { createDatabase, type Database } from '../src/db/client.ts';
import { migrate } from '../src/db/migrate.ts';
import { createVault } from '../src/db/vault.ts';
import { addLeads, makeCompany, type TestCompany } from '../test/harness/crm.ts';
import { Machine } from './machine.ts';
import { until } from './queue-machine.ts';
import type { Backend, Measure, Row, RowOptions } from './row.ts';
import type { SyncWorkerOptions } from './sync-worker.ts';
import { cpuMsPer, type Usage } from './usage.ts';

/**
 * Syncs uploaded leads to the CRM, with an upsert and a tags call for each, by one worker process; the simulated CRM runs in
 * a separate process. Without the limiter it measures contacts per second; with it, how much of the vendor's limit is used
 * without exceeding it, and how long a second company waits while the first has a backlog.
 */
const goals: Record<Backend, number> = { redis: 400, postgres: 200 };

type Parts = {
  machine: Machine;
  db: Database;
  deps: { db: Database; vault: ReturnType<typeof createVault> };
  worker: SyncWorkerOptions;
};

/** Returns null when there is no Redis. */
async function onSyncMachine<T>(
  backend: Backend,
  limited: boolean,
  use: (parts: Parts) => Promise<T>,
): Promise<T | null> {
  const machine = new Machine();
  let db: Database | undefined;
  try {
    const redisUrl = backend === 'redis' ? await machine.redis() : null;
    if (backend === 'redis' && !redisUrl) return null;
    const databaseUrl = await machine.postgres();
    await migrate(databaseUrl);
    const options = limited ? {} : { ghl: { rateLimit: null } };
    const vendor = machine.node(
      'src/sandbox/main.ts',
      ['--port', '0', '--with-parent', JSON.stringify(options)],
      { stdout: 'pipe', role: 'vendor' },
    );
    const [line] = await once(vendor.stdout!, 'data');
    const sandboxUrl = (JSON.parse(String(line)) as { url: string }).url;
    db = createDatabase({ url: databaseUrl, max: 4 });
    const deps = { db, vault: createVault(loadConfig({}).encryptionKeys) };
    const limits = limited ? ghlLimits : null;
    return await use({ machine, db, deps, worker: { databaseUrl, redisUrl, sandboxUrl, limits } });
  } finally {
    await db?.close();
    await machine.stop();
  }
}

async function startWorker({ machine, worker }: Parts): Promise<void> {
  const child = machine.node('bench/sync-worker.ts', [JSON.stringify(worker)], { ipc: true, role: 'worker' });
  await once(child, 'message');
}

const leads = (count: number) => Array.from({ length: count }, () => ({}));

async function done(db: Database, { organizationId }: TestCompany): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM lead_syncs WHERE organization_id = $1 AND status = 'success'`,
    [organizationId],
  );
  return row!.n;
}

type LocationState = {
  contacts: number;
  created: number;
  writtenMore: number;
  calls: number;
  limited: number;
  peak: number;
};

async function stateOf({ worker }: Parts, { location }: TestCompany): Promise<LocationState> {
  const answer = await fetch(`${worker.sandboxUrl}/_sandbox/ghl/locations/${location}`);
  return (await answer.json()) as LocationState;
}

export const measureBulkSync: Measure = async (options) => {
  const rows: Row[] = [];
  for (const backend of options.backends) {
    const row = await onSyncMachine(backend, false, (parts) => unlimited(parts, backend, options));
    if (row) rows.push(row);
  }
  return rows;
};

async function unlimited(parts: Parts, backend: Backend, { quick }: RowOptions): Promise<Row> {
  const { db, deps, machine } = parts;
  const count = quick ? 3_000 : 12_000;
  const warmUp = Math.round(count / 6);
  const company = await makeCompany(deps);
  await addLeads(deps, company, leads(count));
  await db.query('ANALYZE');
  await startWorker(parts);
  await until(async () => (await done(db, company)) >= warmUp);
  const watch = await machine.measure();
  const began = performance.now();
  const before = await done(db, company);
  await until(async () => (await done(db, company)) === count);
  const perSecond = (count - before) / ((performance.now() - began) / 1_000);
  const processes = await watch.end();
  const { contacts, writtenMore } = await stateOf(parts, company);
  const exact = contacts === count && writtenMore === 0;
  return {
    name: 'sync',
    work: `${count} uploaded leads synced to the CRM, upsert and tags of each, one worker process, limiter off`,
    backend,
    ours: { value: perSecond, unit: 'contacts/s' },
    floor: null,
    ratio: null,
    goal: `≥ ${goals[backend]} contacts/s`,
    met: perSecond >= goals[backend] && exact,
    processes,
    notes: [
      `${contacts} contacts in the CRM, ${writtenMore} written more than once`,
      `CPU per contact ${cpuMsPer(ours(processes), perSecond)}, of the vendor ${cpuMsPer(vendors(processes), perSecond)}`,
    ],
  };
}

const ours = (usages: Usage[]) => usages.filter(({ role }) => role !== 'vendor');
const vendors = (usages: Usage[]) => usages.filter(({ role }) => role === 'vendor');

/** Two minutes at the vendor's real limit, with a backlog of 100,000 leads. */
export const measureBulkLimiter: Measure = async (options) => {
  const rows: Row[] = [];
  for (const backend of options.backends) {
    const row = await onSyncMachine(backend, true, (parts) => limited(parts, backend, options));
    if (row) rows.push(row);
  }
  return rows;
};

async function limited(parts: Parts, backend: Backend, { quick }: RowOptions): Promise<Row> {
  const { db, deps, machine } = parts;
  const seconds = quick ? 40 : 120;
  const big = await makeCompany(deps);
  await addLeads(deps, big, leads(100_000));
  await db.query('ANALYZE');
  await startWorker(parts);
  // The first interval is not measured, because all its calls may be made at its start.
  await until(async () => (await stateOf(parts, big)).calls > ghlLimits.calls);
  const before = (await stateOf(parts, big)).calls;
  const watch = await machine.measure();
  const began = performance.now();
  const waits: number[] = [];
  // Ten leads of another company every few seconds.
  while (performance.now() - began < (seconds - 15) * 1_000) {
    const small = await makeCompany(deps);
    const addedAt = performance.now();
    await addLeads(deps, small, leads(10));
    await until(async () => (await done(db, small)) === 10);
    waits.push((performance.now() - addedAt) / 1_000);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
  const left = seconds * 1_000 - (performance.now() - began);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, left)));
  const { calls, limited: refused, peak } = await stateOf(parts, big);
  const elapsed = performance.now() - began;
  const processes = await watch.end();
  const used = (calls - before) / (ghlLimits.calls * (elapsed / ghlLimits.intervalMs));
  const slowest = Math.max(...waits);
  return {
    name: 'limiter',
    work: `${seconds} s at 100 calls per 10 s, 100000 rows of one company waiting, ten of another every few seconds`,
    backend,
    ours: { value: used * 100, unit: '% of the calls allowed' },
    floor: null,
    ratio: null,
    goal: 'never above 100 in any 10 s, ≥ 95 % used, ten rows within 5 s',
    met: refused === 0 && peak <= ghlLimits.calls && used >= 0.95 && slowest <= 5,
    processes,
    notes: [
      `most calls in any 10 s: ${peak}; refused with 429: ${refused}; calls ${calls}`,
      `ten rows of a second company: slowest of ${waits.length} times ${slowest.toFixed(1)} s`,
    ],
  };
}
