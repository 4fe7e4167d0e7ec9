import type { Round } from '../engine/rounds.ts';
import { wakeDueCampaigns } from '../usecases/marketplace/wake.ts';
import { readMissedEvents } from '../usecases/payment/missed-events.ts';
import { watchLedger } from '../usecases/payment/wallet-check.ts';
import type { Runtime } from '../usecases/runtime.ts';

/** What processes with workers do by the clock, beside their events. */
export const rounds: readonly Round<Runtime>[] = [
  {
    name: 'missed Stripe events',
    everyMs: ({ config }) => config.timings.missedEventsEveryMs,
    run: readMissedEvents,
  },
  {
    name: 'waiting leads',
    everyMs: ({ config }) => config.timings.wakeEveryMs,
    run: wakeDueCampaigns,
  },
  {
    name: 'ledger',
    everyMs: ({ config }) => config.timings.ledgerCheckEveryMs,
    run: watchLedger,
  },
];
