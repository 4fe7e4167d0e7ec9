import { setTimeout as pause } from 'node:timers/promises';
import { type Client, clientOf, otherAddress, type Reply } from './client.ts';
import type { System } from './system.ts';
import { atMost, type Goal, inTime, phoneOf } from './target.ts';

/**
 * Another tenant than the attacker, measured from its own address: it posts leads, offers that expire, and files of one
 * row, and asks for /health. Buyers from 150 on are left to attacks that aim at the victim's buyers.
 */
const buyers = 150;
const leadEveryMs = 100;
const expiringEveryMs = 500;
const fileEveryMs = 1_000;
const healthEveryMs = 200;
/** The sandbox's shortest TTL. */
const ttlMs = 2_000;
/** How long teasers and expiries may still arrive after the flood. */
const patienceMs = 12_000;

export type Victim = {
  /** Waits for what is in progress, and judges the figures; times are judged at `slack` times their goals. */
  stop(slack: number): Promise<Goal[]>;
  /** Only waits for what is in progress. */
  discard(): Promise<void>;
};

type Figures = {
  leads: Reply[];
  files: { status: number; ms: number }[];
  health: Reply[];
  /** Time of the request by lead id. */
  posted: Map<string, number>;
};

let runs = 0;

/** Measures until `stop`, which resolves with the goals that must hold beside a flood. */
export function startVictim(system: System): Victim {
  runs += 1;
  const prefix = `lead_v${runs}x`;
  const { url, victim } = system.target;
  const client = clientOf(url, { key: victim.key, from: otherAddress });
  const figures: Figures = { leads: [], files: [], health: [], posted: new Map() };
  let stopped = false;
  const pending = new Set<Promise<void>>();
  /** Acts at a steady rate, regardless of earlier responses. */
  const each = async (everyMs: number, act: (turn: number) => Promise<void>) => {
    const began = performance.now();
    for (let turn = 0; !stopped; turn += 1) {
      const acting = act(turn).finally(() => pending.delete(acting));
      pending.add(acting);
      await pause(Math.max(0, began + (turn + 1) * everyMs - performance.now()));
    }
  };
  const loops = [
    each(leadEveryMs, (turn) => postLead(client, figures, `${prefix}${turn}`, turn % buyers)),
    each(expiringEveryMs, (turn) => postExpiring(client, `${prefix}e${turn}`, turn % buyers)),
    each(fileEveryMs, (turn) => uploadRow(client, figures, runs * 1_000 + turn)),
    each(healthEveryMs, async () => void figures.health.push(await client.send('GET', '/health'))),
  ];
  const discard = async () => {
    stopped = true;
    await Promise.all([...loops, ...pending]);
    client.close();
  };
  return {
    discard,
    async stop(slack) {
      await discard();
      const teasers = await teaserTimes(system, prefix, figures.posted);
      const late = await expiryLateness(system, prefix);
      return goalsOf(figures, teasers, late, slack);
    },
  };
}

const lead = (id: string, buyer: number, ttlHours: number) => ({
  lead_id: id,
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  client_name: 'Sarah Johnson',
  client_phone: '+13055550199',
  provider_ids: [`victim${buyer}`],
  config: { price_cents: 2_000, currency: 'usd', ttl_hours: ttlHours },
});

async function postLead(client: Client, figures: Figures, id: string, buyer: number): Promise<void> {
  const at = Date.now();
  const reply = await client.send('POST', '/api/leads', { json: lead(id, buyer, 24) });
  figures.leads.push(reply);
  if (reply.status === 201) figures.posted.set(id, at);
}

async function postExpiring(client: Client, id: string, buyer: number): Promise<void> {
  await client.send('POST', '/api/leads', { json: lead(id, buyer, ttlMs / 3_600_000) });
}

/** The time from the upload of one row to the end of its import. */
async function uploadRow(client: Client, figures: Figures, number: number): Promise<void> {
  const began = performance.now();
  const body = `name,phone\nAnn ${number},${phoneOf('victim', 500_000 + number)}\n`;
  const headers = { 'content-type': 'text/csv' };
  let reply = await client.send('POST', '/leads/csv', { body, headers, timeoutMs: 30_000 });
  let { status } = reply;
  // A program that gets 202 follows the import.
  while (reply.status === 202 && performance.now() - began < 30_000) {
    const { import_id: id } = JSON.parse(reply.text) as { import_id: string };
    const followed = await client.send('GET', `/api/imports/${id}`);
    if (/"status":"done"/.test(followed.text)) {
      status = 200;
      break;
    }
    reply = { ...reply, ms: performance.now() - began };
    await pause(50);
  }
  figures.files.push({ status, ms: performance.now() - began });
}

/** Milliseconds from a lead's request to its text at the vendor; infinite when none came. */
async function teaserTimes(
  { vendors }: System,
  prefix: string,
  posted: Map<string, number>,
): Promise<number[]> {
  const deadline = Date.now() + patienceMs;
  const query = `operation=message.create&accepted=true&contains=${encodeURIComponent(`Lead ${prefix}`)}&limit=100000`;
  for (;;) {
    const { entries } = await vendors.ledger(query);
    const arrived = new Map(
      entries.map(({ text, at }) => [/Lead (lead_\w+)/.exec(text ?? '')?.[1] ?? '', Date.parse(at)]),
    );
    const missing = [...posted.keys()].some((id) => !arrived.has(id));
    if (!missing || Date.now() > deadline)
      return [...posted].map(([id, at]) => (arrived.get(id) ?? Number.POSITIVE_INFINITY) - at);
    await pause(100);
  }
}

/** Seconds between the end of each offer's TTL and its expiry; of offers that are still open, until now. */
async function expiryLateness({ db, target }: System, prefix: string): Promise<number[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const rows = await db.query<{ open: boolean; late: number }>(
      `SELECT closed_at IS NULL AS open, extract(epoch FROM coalesce(closed_at, now()) - ttl_expires_at)::float8 AS late
       FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.organization_id = $1 AND l.public_id LIKE $2`,
      [target.victim.organizationId, `${prefix}e%`],
    );
    if (rows.every(({ open }) => !open) || Date.now() > deadline) return rows.map(({ late }) => late);
    await pause(100);
  }
}

function goalsOf(
  { leads, files, health }: Figures,
  teasers: number[],
  late: number[],
  slack: number,
): Goal[] {
  const bad = health.filter(({ status }) => status !== 200);
  return [
    atMost('victim: leads not accepted', leads.filter(({ status }) => status !== 201).length, 0),
    inTime(
      'victim: POST /api/leads p99',
      quantile(
        leads.map(({ ms }) => ms),
        0.99,
      ),
      300,
      ' ms',
      slack,
    ),
    inTime('victim: teaser p95', quantile(teasers, 0.95), 2_000, ' ms', slack),
    atMost('victim: files not imported', files.filter(({ status }) => status !== 200).length, 0),
    inTime('victim: one-row import, longest', Math.max(0, ...files.map(({ ms }) => ms)), 3_000, ' ms', slack),
    inTime('victim: expiry, latest', Math.max(0, ...late), 5, ' s', slack),
    atMost(`/health other than 200, of ${health.length}`, bad.length, 0),
  ];
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.POSITIVE_INFINITY;
}
