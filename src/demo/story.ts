import { sql } from 'drizzle-orm';
import { run } from '../db/commit.ts';
import type { UnlockState } from '../domain/unlock/machine.ts';
import { subjects } from '../events/subjects.ts';
import type { System } from '../system.ts';
import { demoBuyers } from './seed.ts';

export type Teller = { chapter(title: string): void; line(text: string): void };

const lead = {
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  preferred_time_window: 'Evening (6-9 PM)',
  budget_range: '$150-200',
  notes_snippet: 'Client prefers deep tissue massage',
  client_name: 'Sarah Johnson',
  client_phone: '+1234567890',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
};
/** What nobody may read before paying. */
const locked = [lead.client_name, lead.client_phone, lead.client_email, lead.exact_address];
const [amy, ben, carla, dan] = demoBuyers as [Buyer, Buyer, Buyer, Buyer];
type Buyer = (typeof demoBuyers)[number];

type Stage = {
  system: System;
  teller: Teller;
  post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Waits for the next text the carrier accepted for this phone that holds `contains`, and prints it. */
  hears(buyer: Buyer, contains: string): Promise<string>;
  says(buyer: Buyer, text: string): Promise<void>;
};

/** Plays the story; returns what did not end as it must. */
export async function tellStory(system: System, apiKey: string, teller: Teller): Promise<string[]> {
  const stage = setStage(system, apiKey, teller);

  teller.chapter('A lead arrives for three providers: POST /api/leads');
  const { status, body } = await stage.post('/api/leads', {
    ...lead,
    provider_ids: [amy, ben, carla].map((b) => b.externalId),
    config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
  });
  const leadId = String(body.lead_id);
  teller.line(`${status} ${JSON.stringify(body)}`);
  for (const buyer of [amy, ben, carla]) await stage.hears(buyer, 'new client inquiry');

  teller.chapter(`Amy answers, opens the pay page, and pays`);
  await stage.says(amy, `Y ${leadId}`);
  const payPage = /https?:\/\/\S+\/p\/\S+/.exec(await stage.hears(amy, '/p/'))?.[0] ?? '';
  await payOn(payPage, teller);
  await stage.hears(amy, lead.client_name);

  teller.chapter('Ben declines; Carla wants no more texts');
  await stage.says(ben, 'N');
  await stage.says(carla, 'STOP');

  teller.chapter('A fourth offer, to Dan, with 3 seconds to live: POST /send');
  const sent = await stage.post(`/api/leads/${leadId}/send`, {
    provider_ids: [dan.externalId],
    config: { ttl_hours: 3 / 3600 },
  });
  teller.line(`${sent.status} ${JSON.stringify(sent.body)}`);
  await stage.hears(dan, 'new client inquiry');
  teller.line('Dan says nothing.');

  const unlocks = await settled(system, {
    [amy.externalId]: 'DONE',
    [ben.externalId]: 'EXPIRED',
    [carla.externalId]: 'OPTED_OUT',
    [dan.externalId]: 'EXPIRED',
  });
  await printTimelines(system, unlocks, teller);
  return [...findWrongEnds(unlocks), ...(await findWrongLedger(system))];
}

function setStage(system: System, apiKey: string, teller: Teller): Stage {
  const sandbox = system.sandbox!;
  const heard = new Map<string, number>();
  return {
    system,
    teller,
    async post(path, body) {
      const response = await fetch(system.publicUrl + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async hears(buyer, contains) {
      const after = heard.get(buyer.phone) ?? 0;
      const entry = await sandbox.waitFor(
        (e) =>
          e.operation === 'message.create' &&
          e.outcome === 'accepted' &&
          e.to === buyer.phone &&
          e.seq > after &&
          (e.text ?? '').includes(contains),
        10_000,
      );
      heard.set(buyer.phone, entry.seq);
      teller.line(`▷ to ${buyer.name} (${buyer.phone})`);
      for (const row of (entry.text ?? '').split('\n')) teller.line(`  │ ${row.trimEnd()}`);
      return entry.text ?? '';
    },
    async says(buyer, text) {
      teller.line(`◁ ${buyer.name}: ${text}`);
      await sandbox.act.reply(buyer.phone, { text });
    },
  };
}

/** As a browser does it: open the page, press the button, follow to the checkout, press Pay. */
async function payOn(payPage: string, teller: Teller): Promise<void> {
  const page = await fetch(payPage);
  teller.line(
    `GET  ${new URL(payPage).pathname.slice(0, 8)}… → ${page.status} (teaser, price, time left; nothing bought)`,
  );
  const checkout = await fetch(payPage, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: new URL(payPage).origin },
  });
  const hosted = checkout.headers.get('location') ?? '';
  teller.line(`POST ${new URL(payPage).pathname.slice(0, 8)}… → ${checkout.status} to the checkout page`);
  const paid = await fetch(`${hosted}/pay`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'card=4242424242424242',
  });
  teller.line(`card 4242 4242 4242 4242 → ${paid.status}`);
}

type Ended = { id: string; provider: string; status: UnlockState; reason: string | null };

/** The unlocks once each stands where it must, or as they stand when that takes too long. */
async function settled(system: System, wanted: Record<string, UnlockState>): Promise<Ended[]> {
  const deadline = Date.now() + 12_000;
  for (;;) {
    const unlocks = await run<Ended>(
      system.runtime.db,
      sql`SELECT u.id, b.external_id AS provider, u.status, u.reason FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id ORDER BY b.external_id`,
    );
    const open = unlocks.filter((unlock) => wanted[unlock.provider] !== unlock.status);
    if ((open.length === 0 && unlocks.length === 4) || Date.now() > deadline) return unlocks;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function printTimelines(system: System, unlocks: Ended[], teller: Teller): Promise<void> {
  teller.chapter('Timelines');
  for (const unlock of unlocks) {
    const moves = await run<{ at: Date; to: string; reason: string | null }>(
      system.runtime.db,
      sql`SELECT occurred_at AS at, to_status AS "to", reason FROM unlock_history WHERE unlock_id = ${subjects.unlock(unlock.id)} ORDER BY event_id`,
    );
    const first = moves[0]?.at.getTime() ?? 0;
    const steps = moves.map(
      (m) => `${m.to}${m.reason ? ` (${m.reason})` : ''} +${((m.at.getTime() - first) / 1000).toFixed(2)}s`,
    );
    teller.line(`${unlock.provider}: NEW_LEAD → ${steps.join(' → ')}`);
  }
}

function findWrongEnds(unlocks: Ended[]): string[] {
  const wanted: Record<string, [UnlockState, string | null]> = {
    [amy.externalId]: ['DONE', null],
    [ben.externalId]: ['EXPIRED', 'declined'],
    [carla.externalId]: ['OPTED_OUT', 'opted_out'],
    [dan.externalId]: ['EXPIRED', 'ttl'],
  };
  return Object.entries(wanted).flatMap(([provider, [status, reason]]) => {
    const unlock = unlocks.find((u) => u.provider === provider);
    const is = `${unlock?.status ?? 'missing'}${unlock?.reason ? ` (${unlock.reason})` : ''}`;
    return unlock?.status === status && unlock.reason === reason
      ? []
      : [`${provider} ended ${is}, not ${status} (${reason ?? 'no reason'})`];
  });
}

/** The vendors' own books: one payment of $20, and the contact in Amy's reveal alone. */
async function findWrongLedger(system: System): Promise<string[]> {
  const problems: string[] = [];
  const entries = system.sandbox!.ledger.list({ accepted: true });
  const captures = entries.filter((e) => e.operation === 'payment.capture');
  if (captures.length !== 1 || captures[0]?.amount !== 2000)
    problems.push(`the card was charged ${captures.length} times`);
  const told = entries.filter(
    (e) => e.operation === 'message.create' && locked.some((secret) => (e.text ?? '').includes(secret)),
  );
  if (told.length !== 1 || told[0]?.to !== amy.phone) problems.push(`the contact is in ${told.length} texts`);
  const [books] = await run<{ stripe: number; parked: number; sum: number }>(
    system.runtime.db,
    sql`SELECT (SELECT coalesce(sum(amount_minor), 0)::int FROM journal_entries WHERE account = 'stripe') AS stripe,
      (SELECT coalesce(sum(amount_minor), 0)::int FROM journal_entries) AS sum, (SELECT count(*)::int FROM outbox WHERE parked_at IS NOT NULL) AS parked`,
  );
  if (books!.stripe !== 2000 || books!.sum !== 0)
    problems.push('the ledger does not hold exactly the one payment');
  if (books!.parked > 0) problems.push(`${books!.parked} pieces of work are parked`);
  return problems;
}
