import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, type Database } from '../src/db/client.ts';
import { commitChange } from '../src/db/commit.ts';
import { migrate } from '../src/db/migrate.ts';
import { creditWallet } from '../src/db/payment/wallet-credit.ts';
import { findTopUp } from '../src/db/payment/wallet-top-ups.ts';
import { percentile, startVendors } from './deals.ts';
import { Machine } from './machine.ts';
import { insertCampaign, insertLeads, type MarketCampaign, soldOf } from './market-place.ts';
import { createSender } from './marketplace.ts';
import { startProduct, startServers } from './product.ts';
import { until } from './queue-machine.ts';
import type { Backend, Measure, Row } from './row.ts';
import type { Usage } from './usage.ts';

/**
 * Leads that wait for the money of one buyer, freed by one top-up, while a supplier sends leads of another campaign at a steady
 * rate. Measured is the rate at which the waiting ones are sold. Compared is the time to the answer of the others with that
 * before the top-up.
 */
const perSecond = 20;
const goals = { leadsPerSecond: 300, slowdown: 2 };

type Figures = { drained: number; idle: number[]; beside: number[]; processes: Usage[] };

async function measure(backend: Backend, count: number, idleSeconds: number): Promise<Figures | null> {
  const machine = new Machine();
  const closers: (() => Promise<void>)[] = [];
  try {
    const servers = await startServers(machine, backend);
    if (!servers) return null;
    const vendors = await startVendors(machine);
    await migrate(servers.databaseUrl);
    const db = createDatabase({ url: servers.databaseUrl, max: 2, connectTimeoutMs: 600_000 });
    closers.push(() => db.close());
    const other = await insertCampaign(db, { buyers: 20 });
    const waiting = await insertCampaign(db, { buyers: 1, priceMinor: 1, balanceMinor: 0 });
    await insertLeads(db, waiting, { count, waitsFor: 'wallet' });
    await db.query('VACUUM (ANALYZE)');
    const { url } = await startProduct(servers, vendors, {
      workers: 1,
      buyers: 1,
      only: ['distributor', 'expirer'],
    });
    await answers(url, other, 3, () => false);
    const idle = await answers(url, other, idleSeconds, () => false);
    const usage = await machine.measure();
    const began = performance.now();
    await topUp(db, waiting, count);
    let isOver = false;
    const sending = answers(url, other, 3_600, () => isOver);
    await until(async () => (await soldOf(db, waiting)).leads === count, 1_800_000);
    const seconds = (performance.now() - began) / 1_000;
    isOver = true;
    const processes = await usage.end();
    return { drained: count / seconds, idle, beside: await sending, processes };
  } finally {
    for (const close of closers) await close();
    await machine.stop();
  }
}

/** Sends leads at a steady rate; returns the times to their answers, sorted, ms. */
async function answers(url: string, campaign: MarketCampaign, seconds: number, isOver: () => boolean) {
  const sender = createSender(url, [campaign]);
  const sent: Promise<number>[] = [];
  const began = performance.now();
  for (let n = 0; n < seconds * perSecond && !isOver(); n += 1) {
    await delay(Math.max(0, began + (n * 1_000) / perSecond - performance.now()));
    sent.push(sender.send().then(({ ms }) => ms));
  }
  const times = await Promise.all(sent);
  sender.close();
  return times.sort((a, b) => a - b);
}

/** Credits the one buyer of a campaign, by the statement that books a captured charge. */
async function topUp(db: Database, { organizationId }: MarketCampaign, amountMinor: number): Promise<void> {
  const id = randomUUID();
  await db.query(
    `INSERT INTO top_ups (id, organization_id, buyer_id, kind, state, amount_minor, currency)
     SELECT $1, organization_id, buyer_id, 'card', 'open', $3, 'usd' FROM wallets WHERE organization_id = $2`,
    [id, organizationId, amountMinor],
  );
  const captured = { paymentIntent: `pi_${id}`, sessionId: null, amountMinor };
  await commitChange(db, creditWallet((await findTopUp(db, id))!, captured, false), { visibilityMs: 1_000 });
}

export const measureWaitingLeads: Measure = async ({ backends, quick }) => {
  const [count, idleSeconds] = quick ? [20_000, 5] : [100_000, 20];
  const rows: Row[] = [];
  for (const backend of backends) {
    const found = await measure(backend, count, idleSeconds);
    if (!found) continue;
    const [idle, beside] = [percentile(found.idle, 0.5), percentile(found.beside, 0.5)];
    rows.push({
      name: 'waiting-leads',
      work: `${count.toLocaleString('en')} waiting leads freed by one top-up, beside ${perSecond} leads a second of another campaign`,
      backend,
      ours: { value: found.drained, unit: 'leads/s' },
      floor: null,
      ratio: null,
      goal: `≥ ${goals.leadsPerSecond} leads/s, others’ p50 ≤ ${goals.slowdown}× idle`,
      met: found.drained >= goals.leadsPerSecond && beside <= goals.slowdown * idle,
      processes: found.processes,
      notes: [
        `others answered p50 ${beside.toFixed(1)} ms, p99 ${percentile(found.beside, 0.99).toFixed(1)} ms`,
        `idle p50 ${idle.toFixed(1)} ms, p99 ${percentile(found.idle, 0.99).toFixed(1)} ms`,
      ],
    });
  }
  return rows;
};
