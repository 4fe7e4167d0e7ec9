import { v7 as uuidv7 } from 'uuid';
import { createKey } from '../src/db/account/api-keys.ts';
import { upsertBuyers } from '../src/db/account/buyers.ts';
import { createOrganization } from '../src/db/account/organizations.ts';
import { createDatabase, type Database } from '../src/db/client.ts';
import {
  leadFor,
  percentile,
  phoneOf,
  providerOf,
  startVendors,
  type Target,
  type Vendors,
} from './deals.ts';
import { createPoster } from './http.ts';
import { Machine } from './machine.ts';
import { startProduct, startServers } from './product.ts';
import { until } from './queue-machine.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/**
 * Nine organizations post one lead a second each while a tenth floods the system: with offers, and then with all of them
 * expiring at once. Measured is the time from sending `POST /api/leads` to the vendor accepting the teaser, compared with
 * the same without a flood, and how late the nine organizations' own expiries are.
 */
const small = 9;
const providersPerLead = 50;
const floodConnections = 4;
/** Leads are posted until this many seconds have passed; the flood lasts longer. */
const seconds = { quick: 10, full: 30 };
const flood = { quick: 3_000, full: 10_000 };
const goals = { teaserMs: 2_000, expiryMs: 5_000 };

type Tenant = { id: string; apiKey: string; firstBuyer: number; posted: number };
type Stage = { target: Target; vendors: Vendors; db: Database; tenants: Tenant[]; flooder: string };
type Latencies = { p50: number; p95: number; slowest: number; count: number };
/** `answered`: from sending the post to its response. */
type Teasers = Latencies & { answered: Latencies };

export const measureFairness: Measure = async ({ backends, quick }) => {
  const rows: Row[] = [];
  for (const backend of backends) rows.push(...(await measure(backend, quick ? 'quick' : 'full')));
  return rows;
};

async function measure(backend: Backend, size: 'quick' | 'full'): Promise<Row[]> {
  const machine = new Machine();
  const closers: (() => unknown)[] = [];
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return [];
    const vendors = await startVendors(machine);
    const target = await startProduct(servers, vendors, { workers: 1, buyers: flood[size] });
    vendors.buyers('silent');
    const db = createDatabase({ url: servers.databaseUrl, max: 2 });
    closers.push(() => db.close());
    const stage = { target, vendors, db, ...(await addTenants(db, flood[size], seconds[size] * 4)) };

    await teasersOf(stage, 3);
    const idle = await teasersOf(stage, seconds[size]);
    const usage = await machine.measure();
    const posting = postFlood(stage, flood[size]);
    const besideOffers = await teasersOf(stage, seconds[size]);
    const offered = await usage.end();
    await posting;
    await until(async () => (await openRows(stage, "worker <> 'expirer'")) === 0, 600_000);

    const watch = await machine.measure();
    await expireAll(stage);
    const expiring = expireEachSecond(stage, seconds[size]);
    const besideExpiries = await teasersOf(stage, seconds[size]);
    const expired = await watch.end();
    const late = await latenessOf(stage, await expiring);

    const row = rowOf(backend, idle, flood[size]);
    return [row('offers', besideOffers, offered, null), row('expiries', besideExpiries, expired, late)];
  } finally {
    for (const close of closers) await close();
    await machine.stop();
  }
}

const shown = ({ p50, p95 }: Latencies) => `p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`;

const rowOf =
  (backend: Backend, idle: Latencies, count: number) =>
  (what: string, found: Teasers, processes: Usage[], late: Latencies | null): Row => ({
    name: `fairness, ${what}`,
    work: `teasers of ${small} organizations, one lead a second each, beside ${count} ${what} of another; p95`,
    backend,
    ours: { value: found.p95, unit: 'ms' },
    floor: { value: idle.p95, unit: 'ms' },
    ratio: found.p95 / idle.p95,
    goal: `≤ ${goals.teaserMs / 1_000} s${late ? `, their own expiries ≤ ${goals.expiryMs / 1_000} s late` : ''}`,
    met: found.p95 <= goals.teaserMs && (late?.slowest ?? 0) <= goals.expiryMs,
    processes,
    notes: [
      `${shown(found)}; without the flood ${shown(idle)}`,
      `of which the response ${shown(found.answered)}`,
      ...(late
        ? [`${late.count} expiries late by ${shown(late)}, at most ${late.slowest.toFixed(0)} ms`]
        : []),
    ],
  });

/** The flooding organization is that of `startProduct`; its buyers come first. */
async function addTenants(db: Database, first: number, buyers: number) {
  const [demo] = await db.query<{ id: string }>("SELECT id FROM organizations WHERE slug = 'demo'");
  const tenants: Tenant[] = [];
  for (let n = 0; n < small; n += 1) {
    const id = uuidv7();
    const name = `small-${n}`;
    await createOrganization(db, { id, name, slug: name, footer: '', supportContact: 'help@small.example' });
    const { key } = await createKey(db, {
      organizationId: id,
      owner: 'organization',
      name,
      scopes: ['leads:write'],
    });
    const firstBuyer = first + n * buyers;
    await upsertBuyers(
      db,
      id,
      Array.from({ length: buyers }, (_, i) => ({
        externalId: providerOf(firstBuyer + i),
        name: 'Amy',
        phone: phoneOf(firstBuyer + i),
        email: null,
        language: null,
      })),
    );
    tenants.push({ id, apiKey: key, firstBuyer, posted: 0 });
  }
  return { tenants, flooder: demo!.id };
}

const now = () => performance.timeOrigin + performance.now();
const headersOf = (apiKey: string) => ({
  'content-type': 'application/json',
  authorization: `Bearer ${apiKey}`,
});

/** Each tenant posts a lead a second, evenly spread; resolves when all have their teaser. */
async function teasersOf({ target, vendors, tenants }: Stage, forSeconds: number): Promise<Teasers> {
  const poster = createPoster(small);
  const sent = new Map<string, number>();
  const took: number[] = [];
  const responded: number[] = [];
  const unsubscribe = vendors.subscribe(({ step, phone, at }) => {
    const since = sent.get(phone);
    if (step === 'teased' && since !== undefined) took.push(at + 0.5 - since);
  });
  const started = now();
  const answers: Promise<void>[] = [];
  for (let n = 0; n < forSeconds * small; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, started + (n * 1_000) / small - now()));
    const tenant = tenants[n % small]!;
    const buyer = tenant.firstBuyer + tenant.posted++;
    const began = now();
    sent.set(phoneOf(buyer), began);
    answers.push(
      poster
        .post(`${target.url}/api/leads`, JSON.stringify(leadFor(buyer)), headersOf(tenant.apiKey))
        .then(({ status, body }) => {
          if (status !== 201) throw new Error(`a lead was answered ${status}: ${body}`);
          responded.push(now() - began);
        }),
    );
  }
  await Promise.all(answers);
  await until(async () => took.length === sent.size, 300_000);
  unsubscribe();
  poster.close();
  return { ...latencies(took), answered: latencies(responded) };
}

function latencies(found: number[]): Latencies {
  found.sort((a, b) => a - b);
  return {
    p50: percentile(found, 0.5),
    p95: percentile(found, 0.95),
    slowest: found.at(-1) ?? Number.NaN,
    count: found.length,
  };
}

/** The flooding organization offers each lead to many buyers, as fast as it is answered. */
async function postFlood({ target }: Stage, offers: number): Promise<void> {
  const poster = createPoster(floodConnections);
  let next = 0;
  const one = async () => {
    while (next < offers) {
      const first = next;
      next += providersPerLead;
      const ids = Array.from({ length: providersPerLead }, (_, i) => providerOf(first + i));
      const lead = { ...leadFor(first), provider_ids: ids };
      const { status, body } = await poster.post(
        `${target.url}/api/leads`,
        JSON.stringify(lead),
        headersOf(target.apiKey),
      );
      if (status !== 201) throw new Error(`the flood was answered ${status}: ${body}`);
    }
  };
  await Promise.all(Array.from({ length: floodConnections }, one));
  poster.close();
}

async function openRows({ db, flooder }: Stage, condition: string): Promise<number> {
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM outbox WHERE organization_id = $1 AND parked_at IS NULL AND due_at < now() + interval '1 minute' AND ${condition}`,
    [flooder],
  );
  return row!.n;
}

const expiries = "worker = 'expirer' AND NOT queued AND parked_at IS NULL";

async function expireAll({ db, flooder }: Stage): Promise<void> {
  await db.query('UPDATE lead_unlocks SET ttl_expires_at = now() WHERE organization_id = $1', [flooder]);
  await db.query(`UPDATE outbox SET due_at = now() WHERE organization_id = $1 AND ${expiries}`, [flooder]);
}

type Expiry = { id: number; due: Date };

/** Makes one offer of each small organization expire every second. */
async function expireEachSecond({ db, tenants }: Stage, forSeconds: number): Promise<Expiry[]> {
  const found: Expiry[] = [];
  for (let second = 0; second < forSeconds; second += 1) {
    found.push(
      ...(await db.query<Expiry>(
        `WITH due AS (
          UPDATE outbox SET due_at = now() WHERE id IN (SELECT DISTINCT ON (organization_id) id FROM outbox
            WHERE organization_id = ANY($1::uuid[]) AND due_at > now() + interval '1 minute' AND ${expiries})
          RETURNING id, due_at, event_id, event_at),
        ended AS (
          UPDATE lead_unlocks u SET ttl_expires_at = now() FROM due
            JOIN events e ON e.id = due.event_id AND e.occurred_at = due.event_at
          WHERE u.id = (e.data ->> 'unlockId')::uuid)
        SELECT id, due_at AS due FROM due`,
        [tenants.map(({ id }) => id)],
      )),
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return found;
}

/** From the moment an offer was due to expire until its run ended. */
async function latenessOf({ db }: Stage, due: Expiry[]): Promise<Latencies> {
  const ids = due.map(({ id }) => id);
  const ended = () =>
    db.query<{ id: number; at: Date }>(
      "SELECT outbox_id AS id, ended_at AS at FROM attempts WHERE outbox_id = ANY($1::bigint[]) AND outcome IN ('finished', 'skipped')",
      [ids],
    );
  await until(async () => (await ended()).length === due.length, 300_000);
  const dueOf = new Map(due.map((each) => [each.id, each.due.getTime()]));
  return latencies((await ended()).map(({ id, at }) => at.getTime() - dueOf.get(id)!));
}
