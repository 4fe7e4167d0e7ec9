import type { Machine } from '../machine.ts';
import type { Random } from '../random.ts';
import { type ActLog, actUntil } from './acts.ts';
import { askAt } from './client.ts';
import type { MarketRun } from './judge.ts';
import { createMarketLeads, sendMarketLeads } from './load.ts';
import { makeMarketPlace } from './place.ts';

export type MarketPlay = MarketRun & {
  posted(): number;
  /** Resolves when every lead was taken and the last act is over. */
  over: Promise<ActLog>;
  /** Sets a deadline for requests, once no more faults are injected. */
  setDeadline(ms: number): void;
};

/** Makes a marketplace, and plays its leads over `overMs` with what people do during it. */
export async function playMarket(
  machine: Machine,
  random: Random,
  { count, overMs }: { count: number; overMs: number },
): Promise<MarketPlay> {
  let deadline = Number.POSITIVE_INFINITY;
  const ask = askAt(machine.publicUrl, () => Date.now() > deadline);
  const place = await makeMarketPlace(machine, ask);
  const leads = createMarketLeads(count, place, random);
  const load = sendMarketLeads(ask, place, leads, overMs);
  let allTaken = false;
  void load.over.then(() => {
    allTaken = true;
  });
  const acted = actUntil({ machine, ask, place, random }, () => allTaken);
  return {
    place,
    leads,
    posted: load.posted,
    over: acted,
    setDeadline: (ms) => {
      deadline = Date.now() + ms;
    },
  };
}

/**
 * Resolves when no lead of the marketplace is undecided and no charge under way. Leads that wait for a buyer remain, and so
 * do claims of calls whose answer was lost and whose top-up was settled by its event.
 */
export async function untilMarketSettled({ db }: Machine): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const [open] = await db.query<{ n: number }>(
      `SELECT (SELECT count(*) FROM distributions d WHERE d.status IN ('PENDING', 'TEST')
           AND NOT EXISTS (SELECT 1 FROM decisions x WHERE x.lead_id = d.lead_id))
         + (SELECT count(*) FROM campaign_turns WHERE draining OR due_at <= now() + interval '5 s')
         + (SELECT count(*) FROM top_ups WHERE state = 'open') AS n`,
    );
    quiet = Number(open!.n) === 0 ? quiet + 1 : 0;
    // Polled, because table rows send no signal.
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}
