import { once } from 'node:events';
import { createPoster } from './http.ts';
import type { Machine } from './machine.ts';
import type { BuyerStep, FromVendors, StepReport, ToVendors } from './vendors.ts';

/**
 * Plays deals through lead → teaser → Y → link → paid → reveal. Leads are posted from here; the vendors and the buyers are
 * simulated in another process (vendors.ts), which reports each step when the vendor accepts it.
 */

/** The program under test: the product, or a floor with the same interface. */
export type Target = { url: string; apiKey: string; buyers: number };

export const phoneOf = (buyer: number) => `+1${3_055_000_000 + buyer}`;
export const providerOf = (buyer: number) => `bench${buyer}`;

export const leadFor = (buyer: number) => ({
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  preferred_time_window: 'Evening (6-9 PM)',
  budget_range: '$150-200',
  notes_snippet: 'Client prefers deep tissue massage',
  client_name: 'Sarah Johnson',
  client_phone: '+13055550199',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
  provider_ids: [providerOf(buyer)],
  config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
});

export type Vendors = {
  url: string;
  /** Configures the vendors' webhooks for the program under test. */
  pointAt(url: string): Promise<void>;
  /** Sets whether buyers buy or leave every offer unanswered. */
  buyers(what: ToVendors['buyers']): void;
  /** Calls `onStep` for each step from now on. Returns a function that unsubscribes. */
  subscribe(onStep: (step: StepReport) => void): () => void;
};

export async function startVendors(machine: Machine): Promise<Vendors> {
  const child = machine.node('bench/vendors.ts', [], { ipc: true, role: 'vendors' });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  const listeners = new Set<(step: StepReport) => void>();
  child.on('message', (message: FromVendors) => {
    if ('error' in message) process.stderr.write(`${message.error}\n`);
    if ('steps' in message) for (const step of message.steps) for (const onStep of listeners) onStep(step);
  });
  return {
    url,
    async pointAt(target) {
      const targets = {
        stripe: { webhookUrl: `${target}/webhook/stripe` },
        twilio: { inboundUrl: `${target}/webhook/twilio/sms` },
      };
      const poster = createPoster(1);
      const { status, body } = await poster.post(`${url}/_sandbox/configure`, JSON.stringify(targets));
      poster.close();
      if (status !== 200) throw new Error(`the vendors cannot be configured: ${body}`);
    },
    buyers: (what) => void child.send({ buyers: what } satisfies ToVendors),
    subscribe(onStep) {
      listeners.add(onStep);
      return () => listeners.delete(onStep);
    },
  };
}

export type Counts = Record<'posted' | BuyerStep, number>;
export type Played = {
  counts: Counts;
  /** From the first post to the last awaited step. */
  seconds: number;
  perSecond: number;
  /** Sorted, ms: from sending a post to its response, to the accepted teaser, and to the reveal. */
  answered: number[];
  toTeaser: number[];
  toReveal: number[];
};

export type PlayOptions = {
  count: number;
  /** Concurrent deals. */
  inFlight: number;
  /** Leads posted per second, evenly. When absent, a lead is posted as soon as a deal in flight ends. */
  perSecond?: number;
  /** The step at which a deal ends; `posted` waits only for the response. */
  until?: 'posted' | BuyerStep;
  /** Fails when no step is reported for this long, ms. */
  stallTimeoutMs?: number;
};

export type Deals = {
  play(options: PlayOptions): Promise<Played>;
  /** Counts over all plays. */
  readonly counts: Counts;
  /** Resolves once `count` deals in total have reached this step. */
  reached(step: BuyerStep, count: number, timeoutMs: number): Promise<void>;
  close(): void;
};

export const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;

const noCounts = (): Counts => ({ posted: 0, teased: 0, linked: 0, paid: 0, revealed: 0 });
const now = () => performance.timeOrigin + performance.now();

/** `connections` limits the concurrent posts. */
export function startDeals(vendors: Vendors, target: Target, connections = 50): Deals {
  const poster = createPoster(connections);
  const counts = noCounts();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${target.apiKey}` };
  let next = 0;
  let lastReport = Date.now();
  const watchers = new Set<(step: StepReport) => void>();
  const unsubscribe = vendors.subscribe((report) => {
    lastReport = Date.now();
    counts[report.step] += 1;
    for (const watch of watchers) watch(report);
  });

  const post = async (buyer: number): Promise<void> => {
    const { status, body } = await poster.post(
      `${target.url}/api/leads`,
      JSON.stringify(leadFor(buyer)),
      headers,
    );
    if (status !== 201) throw new Error(`the lead for ${providerOf(buyer)} was answered ${status}: ${body}`);
    counts.posted += 1;
    lastReport = Date.now();
  };

  const play = async (options: PlayOptions): Promise<Played> => {
    const { count, perSecond, until = 'revealed', stallTimeoutMs = 30_000 } = options;
    const played = { counts: noCounts(), answered: [], toTeaser: [], toReveal: [] } as Omit<
      Played,
      'seconds' | 'perSecond'
    >;
    const sent = new Map<string, number>();
    const ends = new Map<string, () => void>();
    const watch = ({ step, phone, at }: StepReport) => {
      const since = sent.get(phone);
      if (since === undefined) return;
      played.counts[step] += 1;
      // The ledger has whole milliseconds, so half a millisecond is added on average.
      if (step === 'teased') played.toTeaser.push(at + 0.5 - since);
      if (step === 'revealed') played.toReveal.push(at + 0.5 - since);
      if (step === until) ends.get(phone)?.();
    };
    const deal = async () => {
      const buyer = next++ % target.buyers;
      const phone = phoneOf(buyer);
      if (ends.has(phone))
        throw new Error(`${target.buyers} buyers are too few: one is in two deals at once`);
      const began = now();
      sent.set(phone, began);
      const ended = new Promise<void>((resolve) => ends.set(phone, resolve));
      await post(buyer);
      played.counts.posted += 1;
      played.answered.push(now() - began);
      if (until !== 'posted') await ended;
      ends.delete(phone);
    };
    watchers.add(watch);
    lastReport = Date.now();
    const started = now();
    try {
      await withTimeout(
        perSecond ? paced(count, perSecond, deal) : concurrent(count, options.inFlight, deal),
        () => {
          if (Date.now() - lastReport > stallTimeoutMs)
            throw new Error(`no step for ${stallTimeoutMs} ms: ${JSON.stringify(played.counts)}`);
        },
      );
    } finally {
      watchers.delete(watch);
    }
    const seconds = (now() - started) / 1000;
    for (const list of [played.answered, played.toTeaser, played.toReveal]) list.sort((a, b) => a - b);
    return { ...played, seconds, perSecond: count / seconds };
  };

  return {
    play,
    counts,
    async reached(step, count, timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      await withTimeout(
        new Promise<void>((resolve) => {
          const watch = () => {
            if (counts[step] < count) return;
            watchers.delete(watch);
            resolve();
          };
          watchers.add(watch);
          watch();
        }),
        () => {
          if (Date.now() > deadline)
            throw new Error(`${counts[step]} of ${count} ${step} after ${timeoutMs} ms`);
        },
      );
    },
    close() {
      unsubscribe();
      poster.close();
    },
  };
}

/** Runs `size` deals concurrently; the next starts when one ends. */
async function concurrent(count: number, size: number, deal: () => Promise<void>): Promise<void> {
  let startedCount = 0;
  const one = async () => {
    while (startedCount < count) {
      startedCount += 1;
      await deal();
    }
  };
  await Promise.all(Array.from({ length: Math.min(size, count) }, one));
}

/** Starts deals at a fixed rate, regardless of the previous ones. */
async function paced(count: number, perSecond: number, deal: () => Promise<void>): Promise<void> {
  const started = now();
  const all: Promise<void>[] = [];
  for (let number = 0; number < count; number += 1) {
    const wait = started + (number * 1000) / perSecond - now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    all.push(deal());
  }
  await Promise.all(all);
}

async function withTimeout(work: Promise<void>, check: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      try {
        check();
      } catch (error) {
        reject(error as Error);
      }
    }, 250);
  });
  try {
    await Promise.race([work, timedOut]);
  } finally {
    clearInterval(timer);
  }
}
