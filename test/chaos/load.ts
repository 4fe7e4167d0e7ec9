import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from './machine.ts';
import { type People, StoryEnded } from './people.ts';
import type { Random } from './random.ts';
import { type Buyer, type Buyers, type Story, stories } from './stories.ts';

/** A marker in every contact field of the n-th lead, which occurs nowhere else. */
export const canaryOf = (n: number) => `Zq7x${n}x`;
export const canary = /zq7x(\d+)x/gi;

/** The most buyers any story has. */
const maxBuyersPerLead = 3;

export type Lead = {
  n: number;
  id: string;
  story: Story;
  buyers: Buyers;
  /** Its POST was answered with 201. */
  acknowledged: boolean;
  /** Why its story did not finish. Null when it did. */
  incomplete: string | null;
};

export type Load = { leads: readonly Lead[]; posted(): number; finished(): number; answerMs: number[] };

/** Draws a story for each lead: the same seed gives the same leads. */
export function createLeads(count: number, random: Random): Lead[] {
  const drawable = stories.filter(({ weight }) => weight > 0);
  const byWeight = drawable.flatMap((story) => Array.from({ length: story.weight }, () => story));
  // Every story once before any is drawn, so that a small run contains all of them.
  return Array.from({ length: count }, (_, n) => leadOf(n, drawable[n] ?? random.oneOf(byWeight)));
}

/** The n-th lead, with buyers of its own. */
export function leadOf(n: number, story: Story): Lead {
  const id = `lead_chaos${n}`;
  const buyerOf = (index: number): Buyer => {
    const provider = `chaos-${n}-${index}`;
    const phone = `+1305${5_600_000 + n * maxBuyersPerLead + index}`;
    return { leadId: id, provider, phone, email: `${provider}@buyers.example` };
  };
  const others = Array.from({ length: story.buyers - 1 }, (_, index) => buyerOf(index + 1));
  const buyers: Buyers = [buyerOf(0), ...others];
  return { n, id, story, buyers, acknowledged: false, incomplete: null };
}

/** Inserts the buyers directly, because the run is about leads and not about the providers API. */
export async function insertBuyers({ db }: Machine, leads: readonly Lead[]): Promise<void> {
  const buyers = leads.flatMap((lead) => lead.buyers);
  await db.query(
    `INSERT INTO buyers (id, organization_id, external_id, name, phone, email)
     SELECT gen_random_uuid(), g.id, r.provider, r.provider, r.phone, r.email
     FROM jsonb_to_recordset($1::jsonb) AS r(provider text, phone text, email text), organizations g WHERE g.slug = 'demo'`,
    [JSON.stringify(buyers)],
  );
}

/** Posts the leads evenly over `overMs` and plays their stories. `over` resolves when every story finished or timed out. */
export function playLeads(
  people: People,
  leads: readonly Lead[],
  overMs: number,
): Load & { over: Promise<void>; posting: Promise<void> } {
  let posted = 0;
  let finished = 0;
  const answerMs: number[] = [];
  const playing: Promise<void>[] = [];
  const play = async (lead: Lead) => {
    await playLead(people, lead, (ms) => {
      answerMs.push(ms);
      posted += 1;
    });
    finished += 1;
  };
  const posting = (async () => {
    const started = performance.now();
    for (const [index, lead] of leads.entries()) {
      const due = (index / leads.length) * overMs - (performance.now() - started);
      if (due > 0) await delay(due);
      playing.push(play(lead));
    }
  })();
  return {
    leads,
    answerMs,
    posted: () => posted,
    finished: () => finished,
    posting,
    over: posting.then(() => Promise.all(playing)).then(() => undefined),
  };
}

/** Posts one lead and plays its story. When that fails the reason is stored in `incomplete`. */
export async function playLead(
  people: People,
  lead: Lead,
  accepted: (ms: number) => void = () => undefined,
): Promise<void> {
  const { story, buyers, id } = lead;
  lead.incomplete = 'still waiting';
  try {
    await story.setUp?.(people, buyers);
    const started = performance.now();
    await post(people, lead);
    accepted(performance.now() - started);
    const ends = [...new Set(story.ends.flat())];
    await story.play(people, buyers).catch(ignoreStoryEnded);
    await Promise.all(
      buyers.map(({ provider }) => people.reaches(id, provider, ends).catch(ignoreStoryEnded)),
    );
    lead.incomplete = null;
  } catch (error) {
    lead.incomplete = (error as Error).message;
  }
}

function ignoreStoryEnded(error: unknown): void {
  if (!(error instanceof StoryEnded)) throw error;
}

/** Every fifth lead is posted twice at once with one Idempotency-Key; both responses must name the same lead. */
async function post(people: People, lead: Lead): Promise<void> {
  const marker = canaryOf(lead.n);
  const body = {
    lead_id: lead.id,
    city: 'Miami',
    service_type: '60 min Mobile Massage',
    preferred_time_window: 'Evening (6-9 PM)',
    budget_range: '$150-200',
    notes_snippet: 'Prefers deep tissue',
    client_name: `${marker} Johnson`,
    client_phone: '+13055550100',
    client_email: `${marker}@clients.example`.toLowerCase(),
    exact_address: `${marker} Ocean Drive`,
    provider_ids: lead.story.sentLater ? [] : lead.buyers.map(({ provider }) => provider),
    config: { price_cents: 2_000, currency: 'usd', ttl_hours: 24, ...lead.story.config },
  };
  const once = () => people.request('POST', '/api/leads', body, { 'idempotency-key': lead.id });
  const answers = await Promise.all(lead.n % 5 === 0 ? [once(), once()] : [once()]);
  for (const { status, text } of answers) {
    if (status !== 201) throw new Error(`${lead.id} was answered ${status}: ${text}`);
    if ((JSON.parse(text) as { lead_id: string }).lead_id !== lead.id)
      throw new Error(`${lead.id} was answered with another lead`);
  }
  lead.acknowledged = true;
}
