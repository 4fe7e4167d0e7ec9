import { setTimeout as delay } from 'node:timers/promises';
import type { Dice } from './dice.ts';
import type { Machine } from './machine.ts';
import { Over, type People } from './people.ts';
import { type Buyer, type Story, stories } from './stories.ts';

/** Appears in every contact field, and nowhere else in the world. */
export const canaryOf = (n: number) => `Zq7x${n}x`;
export const canary = /zq7x(\d+)x/gi;

/** Of one lead, in any story. */
const mostBuyers = 3;

export type Lead = {
  n: number;
  id: string;
  story: Story;
  buyers: readonly Buyer[];
  /** A 2xx was heard. */
  acknowledged: boolean;
  /** Why its people gave up, if they did. */
  untold: string | null;
};

export type Crowd = { leads: readonly Lead[]; posted(): number; told(): number; answerMs: number[] };

/** Chooses every lead's story by the dice: the same seed is the same crowd. */
export function castCrowd(count: number, dice: Dice): Lead[] {
  const told = stories.filter(({ weight }) => weight > 0);
  const byWeight = told.flatMap((story) => Array.from({ length: story.weight }, () => story));
  // Every story once before chance decides: a small run misses none.
  return Array.from({ length: count }, (_, n) => leadOf(n, told[n] ?? dice.oneOf(byWeight)));
}

/** The n-th lead and its buyers, who have no other. */
export function leadOf(n: number, story: Story): Lead {
  const id = `lead_chaos${n}`;
  const buyers = Array.from({ length: story.buyers }, (_, index): Buyer => {
    const provider = `chaos-${n}-${index}`;
    const phone = `+1305${5_600_000 + n * mostBuyers + index}`;
    return { leadId: id, provider, phone, email: `${provider}@buyers.example` };
  });
  return { n, id, story, buyers, acknowledged: false, untold: null };
}

/** Buyers are there before their leads; what is tried is what happens to leads. */
export async function settleBuyers({ db }: Machine, leads: readonly Lead[]): Promise<void> {
  const buyers = leads.flatMap((lead) => lead.buyers);
  await db.query(
    `INSERT INTO buyers (id, organization_id, external_id, name, phone, email)
     SELECT gen_random_uuid(), g.id, r.provider, r.provider, r.phone, r.email
     FROM jsonb_to_recordset($1::jsonb) AS r(provider text, phone text, email text), organizations g WHERE g.slug = 'demo'`,
    [JSON.stringify(buyers)],
  );
}

/** Posts the leads evenly over `overMs` and plays their plots. Resolves when every plot is told, or given up. */
export function playCrowd(
  people: People,
  leads: readonly Lead[],
  overMs: number,
): Crowd & { over: Promise<void>; posting: Promise<void> } {
  let posted = 0;
  let told = 0;
  const answerMs: number[] = [];
  const playing: Promise<void>[] = [];
  const play = async (lead: Lead) => {
    await playLead(people, lead, (ms) => {
      answerMs.push(ms);
      posted += 1;
    });
    told += 1;
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
    told: () => told,
    posting,
    over: posting.then(() => Promise.all(playing)).then(() => undefined),
  };
}

/** Posts one lead and tells its story to the end. What nobody can tell is written down in `untold`. */
export async function playLead(
  people: People,
  lead: Lead,
  accepted: (ms: number) => void = () => undefined,
): Promise<void> {
  const { story, buyers, id } = lead;
  lead.untold = 'its people still wait';
  try {
    await story.before?.(people, buyers);
    const started = performance.now();
    await post(people, lead);
    accepted(performance.now() - started);
    const ends = [...new Set(story.ends.flat())];
    await story.tell(people, buyers).catch(unlessOver);
    await Promise.all(buyers.map(({ provider }) => people.reaches(id, provider, ends).catch(unlessOver)));
    lead.untold = null;
  } catch (error) {
    lead.untold = (error as Error).message;
  }
}

function unlessOver(error: unknown): void {
  if (!(error instanceof Over)) throw error;
}

/** Some senders post twice at once, as impatient programs do; both must hear of the same lead. */
async function post(people: People, lead: Lead): Promise<void> {
  const mark = canaryOf(lead.n);
  const body = {
    lead_id: lead.id,
    city: 'Miami',
    service_type: '60 min Mobile Massage',
    preferred_time_window: 'Evening (6-9 PM)',
    budget_range: '$150-200',
    notes_snippet: 'Prefers deep tissue',
    client_name: `${mark} Johnson`,
    client_phone: '+13055550100',
    client_email: `${mark}@clients.example`.toLowerCase(),
    exact_address: `${mark} Ocean Drive`,
    provider_ids: lead.story.later ? [] : lead.buyers.map(({ provider }) => provider),
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
