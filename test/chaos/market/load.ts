import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Answer, Ask } from './client.ts';
import type { MarketPlace } from './place.ts';

/** A marker in the contact of the n-th lead, which occurs nowhere else. */
const markerOf = (n: number) => `Zq7xm${n}x`;

export type MarketLead = {
  n: number;
  isTest: boolean;
  body: Record<string, unknown>;
  /** The id that its supplier was told. Null until it was. */
  id: string | null;
  /** Buyers that the answer names; null without a decision. */
  told: number | null;
  /** Why it was not taken. */
  problem: string | null;
};

const everyTest = 17;
const everySamePerson = 9;
const everyTwice = 5;
/** Leads of one bulk request, and of how many leads each has one. */
const bulk = { leads: 6, every: 40 };
const states = ['TX', 'FL', 'CA', 'NY', null];

/** The leads of a load: the same random numbers give the same ones. */
export function createMarketLeads(count: number, place: MarketPlace, random: Random): MarketLead[] {
  const leads: MarketLead[] = [];
  for (let n = 0; n < count; n += 1) {
    const isTest = n % everyTest === everyTest - 1;
    const again = n % everySamePerson === everySamePerson - 1 ? leads[random.below(n)] : undefined;
    const campaign = random.oneOf(place.campaigns);
    const email = `${markerOf(n)}@clients.example`.toLowerCase();
    const same = again?.body.data as { email: string } | undefined;
    const state = random.oneOf(states);
    leads.push({
      n,
      isTest,
      id: null,
      told: null,
      problem: null,
      body: {
        campaignId: campaign.id,
        categoryId: place.categoryId,
        data: { firstName: markerOf(n), email: same?.email ?? email, roofAge: n },
        ...(state ? { state } : {}),
        ...(isTest ? { test: true } : {}),
      },
    });
  }
  return leads;
}

export type MarketLoad = { posted(): number; over: Promise<void> };

/** Sends the leads evenly over `overMs`: some twice at once with one key, some in bulk. */
export function sendMarketLeads(
  ask: Ask,
  place: MarketPlace,
  leads: readonly MarketLead[],
  overMs: number,
): MarketLoad {
  let posted = 0;
  const began = performance.now();
  const send = async (group: readonly MarketLead[]) => {
    const [first] = group;
    const key = place.suppliers[first!.n % place.suppliers.length]!;
    try {
      await (group.length > 1 ? sendBulk(ask, key, group) : sendOne(ask, key, first!));
      posted += group.length;
    } catch (error) {
      for (const lead of group) lead.problem = (error as Error).message;
    }
  };
  const over = (async () => {
    const sending: Promise<void>[] = [];
    for (let next = 0; next < leads.length; ) {
      const due = (next / leads.length) * overMs - (performance.now() - began);
      if (due > 0) await delay(due);
      const size = next % bulk.every === 0 ? bulk.leads : 1;
      sending.push(send(leads.slice(next, next + size)));
      next += size;
    }
    await Promise.all(sending);
  })();
  return { posted: () => posted, over };
}

async function sendOne(ask: Ask, supplier: string, lead: MarketLead): Promise<void> {
  const headers = { 'x-api-key': supplier, 'idempotency-key': `market-${lead.n}` };
  const once = () => untilActive(() => ask(headers, 'POST', '/api/leads/ingest', lead.body));
  const answers = await Promise.all(lead.n % everyTwice === 0 ? [once(), once()] : [once()]);
  for (const { status, body } of answers) {
    if (status !== 201) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
    const { leadId, distributed, buyersAssigned } = body as Told;
    if (lead.id !== null && lead.id !== leadId) throw new Error(`is ${lead.id} and ${leadId}`);
    lead.id = leadId;
    if (distributed) lead.told = buyersAssigned;
  }
}

type Told = { leadId: string; distributed: boolean; buyersAssigned: number };

const isPaused = ({ body }: Pick<Answer, 'body'>) => body.error === 'Campaign is not active';

/** A seller pauses campaigns for a moment, whose leads are refused: they are sent again. */
async function untilActive(send: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await send();
    if (!isPaused(answer)) return answer;
    await delay(500);
  }
}

async function sendBulk(ask: Ask, supplier: string, leads: readonly MarketLead[]): Promise<void> {
  const headers = { 'x-api-key': supplier, 'idempotency-key': `market-bulk-${leads[0]!.n}` };
  const body = { leads: leads.map((lead) => lead.body) };
  const answer = await ask(headers, 'POST', '/api/leads/ingest/bulk', body);
  const results = (answer.body.results ?? []) as (Record<string, unknown> & { leadId?: string })[];
  for (const [index, lead] of leads.entries()) {
    const result = results[index];
    if (result?.leadId) lead.id = result.leadId;
    else if (result && isPaused({ body: result })) await sendOne(ask, supplier, lead);
    else throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}
