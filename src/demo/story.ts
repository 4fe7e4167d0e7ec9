import { type EndedUnlock, ledgerTotals, listEndedUnlocks, listUnlockMoves } from '../db/demo.ts';
import type { UnlockState } from '../domain/unlock/machine.ts';
import type { System } from '../system.ts';
import { demoBuyers } from './seed.ts';

export type Output = { chapter(title: string): void; line(text: string): void };

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
/** Fields that must not be readable before payment. */
const locked = [lead.client_name, lead.client_phone, lead.client_email, lead.exact_address];
const [amy, ben, carla, dan] = demoBuyers as [Buyer, Buyer, Buyer, Buyer];
type Buyer = (typeof demoBuyers)[number];

type Stage = {
  system: System;
  output: Output;
  post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Waits for the next text to this phone that contains `contains`, and prints it. */
  receives(buyer: Buyer, contains: string): Promise<string>;
  replies(buyer: Buyer, text: string): Promise<void>;
};

/** Runs the demo and returns the failed checks. */
export async function runStory(system: System, apiKey: string, output: Output): Promise<string[]> {
  const stage = setStage(system, apiKey, output);

  output.chapter('A lead arrives for three providers: POST /api/leads');
  const { status, body } = await stage.post('/api/leads', {
    ...lead,
    provider_ids: [amy, ben, carla].map((b) => b.externalId),
    config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
  });
  const leadId = String(body.lead_id);
  output.line(`${status} ${JSON.stringify(body)}`);
  for (const buyer of [amy, ben, carla]) await stage.receives(buyer, 'new client inquiry');

  output.chapter(`Amy answers, opens the pay page, and pays`);
  await stage.replies(amy, `Y ${leadId}`);
  const payPage = /https?:\/\/\S+\/p\/\S+/.exec(await stage.receives(amy, '/p/'))?.[0] ?? '';
  await payOn(payPage, output);
  await stage.receives(amy, lead.client_name);

  output.chapter('Ben declines; Carla opts out');
  await stage.replies(ben, 'N');
  await stage.replies(carla, 'STOP');

  output.chapter('A fourth offer, to Dan, expires after 3 seconds: POST /send');
  const sent = await stage.post(`/api/leads/${leadId}/send`, {
    provider_ids: [dan.externalId],
    config: { ttl_hours: 3 / 3600 },
  });
  output.line(`${sent.status} ${JSON.stringify(sent.body)}`);
  await stage.receives(dan, 'new client inquiry');
  output.line('Dan does not reply.');

  const unlocks = await settled(system, {
    [amy.externalId]: 'DONE',
    [ben.externalId]: 'EXPIRED',
    [carla.externalId]: 'OPTED_OUT',
    [dan.externalId]: 'EXPIRED',
  });
  await printTimelines(system, unlocks, output);
  return [...checkUnlocks(unlocks), ...(await checkLedger(system))];
}

function setStage(system: System, apiKey: string, output: Output): Stage {
  const sandbox = system.sandbox!;
  const lastSeq = new Map<string, number>();
  return {
    system,
    output,
    async post(path, body) {
      const response = await fetch(system.publicUrl + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async receives(buyer, contains) {
      const after = lastSeq.get(buyer.phone) ?? 0;
      const entry = await sandbox.waitFor(
        (e) =>
          e.operation === 'message.create' &&
          e.outcome === 'accepted' &&
          e.to === buyer.phone &&
          e.seq > after &&
          (e.text ?? '').includes(contains),
        10_000,
      );
      lastSeq.set(buyer.phone, entry.seq);
      output.line(`▷ to ${buyer.name} (${buyer.phone})`);
      for (const row of (entry.text ?? '').split('\n')) output.line(`  │ ${row.trimEnd()}`);
      return entry.text ?? '';
    },
    async replies(buyer, text) {
      output.line(`◁ ${buyer.name}: ${text}`);
      await sandbox.act.reply(buyer.phone, { text });
    },
  };
}

/** Pays as a browser does: opens the page, submits the form, follows the redirect to the checkout, submits the card. */
async function payOn(payPage: string, output: Output): Promise<void> {
  const page = await fetch(payPage);
  output.line(
    `GET  ${new URL(payPage).pathname.slice(0, 8)}… → ${page.status} (teaser, price, time left; no purchase)`,
  );
  const checkout = await fetch(payPage, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: new URL(payPage).origin },
  });
  const hosted = checkout.headers.get('location') ?? '';
  output.line(`POST ${new URL(payPage).pathname.slice(0, 8)}… → ${checkout.status} to the checkout page`);
  const paid = await fetch(`${hosted}/pay`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'card=4242424242424242',
  });
  output.line(`card 4242 4242 4242 4242 → ${paid.status}`);
}

/** Returns the unlocks once all have the expected status, or their current state after a timeout. */
async function settled(system: System, expected: Record<string, UnlockState>): Promise<EndedUnlock[]> {
  const deadline = Date.now() + 12_000;
  for (;;) {
    const unlocks = await listEndedUnlocks(system.runtime.db);
    const open = unlocks.filter((unlock) => expected[unlock.provider] !== unlock.status);
    if ((open.length === 0 && unlocks.length === 4) || Date.now() > deadline) return unlocks;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function printTimelines(system: System, unlocks: EndedUnlock[], output: Output): Promise<void> {
  output.chapter('Timelines');
  for (const unlock of unlocks) {
    const moves = await listUnlockMoves(system.runtime.db, unlock.id);
    const first = moves[0]?.at.getTime() ?? 0;
    const steps = moves.map(
      (m) => `${m.to}${m.reason ? ` (${m.reason})` : ''} +${((m.at.getTime() - first) / 1000).toFixed(2)}s`,
    );
    output.line(`${unlock.provider}: NEW_LEAD → ${steps.join(' → ')}`);
  }
}

function checkUnlocks(unlocks: EndedUnlock[]): string[] {
  const expected: Record<string, [UnlockState, string | null]> = {
    [amy.externalId]: ['DONE', null],
    [ben.externalId]: ['EXPIRED', 'declined'],
    [carla.externalId]: ['OPTED_OUT', 'opted_out'],
    [dan.externalId]: ['EXPIRED', 'ttl'],
  };
  return Object.entries(expected).flatMap(([provider, [status, reason]]) => {
    const unlock = unlocks.find((u) => u.provider === provider);
    const actual = `${unlock?.status ?? 'missing'}${unlock?.reason ? ` (${unlock.reason})` : ''}`;
    return unlock?.status === status && unlock.reason === reason
      ? []
      : [`${provider}: expected ${status} (${reason ?? 'no reason'}), got ${actual}`];
  });
}

/** Expects one payment of $20 at the vendors and in the journal, and the contact in Amy's reveal only. */
async function checkLedger(system: System): Promise<string[]> {
  const problems: string[] = [];
  const entries = system.sandbox!.ledger.list({ accepted: true });
  const captures = entries.filter((e) => e.operation === 'payment.capture');
  if (captures.length !== 1 || captures[0]?.amount !== 2000)
    problems.push(`expected one charge of $20, got ${captures.length} charges`);
  const revealed = entries.filter(
    (e) => e.operation === 'message.create' && locked.some((secret) => (e.text ?? '').includes(secret)),
  );
  if (revealed.length !== 1 || revealed[0]?.to !== amy.phone)
    problems.push(`the contact was sent in ${revealed.length} texts`);
  const totals = await ledgerTotals(system.runtime.db);
  if (totals.stripe !== 2000 || totals.sum !== 0)
    problems.push('the journal does not consist of exactly one payment');
  if (totals.parked > 0) problems.push(`${totals.parked} jobs are parked`);
  return problems;
}
