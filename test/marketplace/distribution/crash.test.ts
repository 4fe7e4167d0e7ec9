import type { ChildProcess } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { kill, startWorkerProcess } from '../../harness/killable-worker.ts';
import { startSystem, type TestSystem } from '../../harness/system.ts';
import { makePlace, wrongBooks } from './place.ts';

let system: TestSystem;
const running: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(kill));
  await system.stop();
});

it('[F31] [F35] two worker processes are killed in turn while leads are sold and waiting ones drained: each is sold once and debited once', async () => {
  system = await startSystem({ workers: [] });
  const place = await makePlace(system);
  const campaignIds = [await place.campaign(), await place.campaign({ logic: 'BROADCAST', maxSales: 2 })];
  await Promise.all([1, 2, 3].map(() => place.buyer(campaignIds, { balanceMinor: 5_000_000 })));
  const poor = await place.campaign();
  const waits = await place.buyer(poor, { balanceMinor: 0 });
  const waiting = await place.receiveMany(poor, 150);
  running.push(await startWorkerProcess(system), await startWorkerProcess(system));
  const leadIds = [
    ...(await place.receiveMany(campaignIds[0]!, 200)),
    ...(await place.receiveMany(campaignIds[1]!, 100)),
  ];
  const sold = async (atLeast: number) => {
    await system.until<{ n: number }>(
      `${atLeast} leads sold`,
      `SELECT count(*)::int AS n FROM distributions WHERE status = 'DISTRIBUTED'`,
      [],
      (row) => (row?.n ?? 0) >= atLeast,
      90_000,
    );
  };
  for (const atLeast of [1, 60, 120]) {
    await sold(atLeast);
    await kill(running.shift()!);
    running.push(await startWorkerProcess(system));
  }
  await place.credit(waits.buyerId, 150 * 2_500);
  await sold(200);
  await kill(running.shift()!);
  running.push(await startWorkerProcess(system));
  await sold(leadIds.length + waiting.length);
  // The run of a killed process is repeated, also when all its leads are sold.
  await system.until<{ n: number }>(
    'the ends of all runs',
    `SELECT count(*)::int AS n FROM outbox WHERE worker = 'distributor'`,
    [],
    (row) => row?.n === 0,
    60_000,
  );
  const [counts] = await system.rows(
    `SELECT count(*)::int AS unlocks, count(DISTINCT (lead_id, buyer_id))::int AS pairs,
       (SELECT count(*)::int FROM wallet_transactions WHERE type = 'DEBIT') AS debits,
       (SELECT count(*)::int FROM events WHERE type = 'lead.assigned') AS told
     FROM lead_unlocks`,
  );
  const sales = 200 + 100 * 2 + 150;
  expect(counts).toEqual({ unlocks: sales, pairs: sales, debits: sales, told: sales });
  expect(await wrongBooks(system)).toEqual([]);
}, 180_000);
