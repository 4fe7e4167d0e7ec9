import { v7 as uuidv7 } from 'uuid';
import { sampleLead } from './sample-lead.ts';
import type { TestSystem } from './system.ts';

/** How the buyer of the n-th lead behaves, and the state its unlock must end in. */
const behaviours = [
  { name: 'pays', ends: 'DONE' },
  { name: 'declines', ends: 'EXPIRED' },
  { name: 'sends STOP', ends: 'OPTED_OUT' },
  { name: 'does not reply', ends: 'AWAIT_CONFIRM' },
] as const;

const phoneOf = (n: number) => `+1305555${String(1_000 + n)}`;
const providerOf = (n: number) => `load-${n}`;

/** Inserts one buyer per lead directly, because the load is about leads and not about the providers API. */
async function makeBuyers(system: TestSystem, count: number): Promise<void> {
  const buyers = Array.from({ length: count }, (_, n) => ({ id: uuidv7(), e: providerOf(n), p: phoneOf(n) }));
  await system.rows(
    `INSERT INTO buyers (id, organization_id, external_id, name, phone, email)
     SELECT r.id, g.id, r.e, r.e, r.p, r.e || '@buyers.example' FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, e text, p text), organizations g WHERE g.slug = 'demo'`,
    [JSON.stringify(buyers)],
  );
}

/** Retries while the page asks to try again in a moment. */
async function pay(system: TestSystem, link: string): Promise<void> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const checkout = await fetch(link, { method: 'POST', redirect: 'manual' });
    const session = checkout.headers.get('location')?.split('/').pop();
    if (session) {
      await system.sandbox.act.pay(session, {});
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('the pay page never led to a checkout');
}

/** Sends the text until it is stored: the carrier does not retry a text answered with 503, so the person repeats it. */
async function replyUntilStored(system: TestSystem, from: string, text: string): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt++) {
    await system.sandbox.act.reply(from, { text });
    for (let poll = 0; poll < 20; poll++) {
      const [row] = await system
        .rows<{ n: number }>(
          'SELECT count(*)::int AS n FROM inbox i JOIN phones p ON p.id = i.phone_id WHERE p.number = $1',
          [from],
        )
        .catch(() => []);
      if (row && row.n > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Plays the buyers as their texts arrive, until `stop`. */
function playBuyers(system: TestSystem): { stop(): Promise<void> } {
  let seq = 0;
  let stopped = false;
  const answered = new Set<string>();
  const react = async (to: string, text: string) => {
    const n = Number(to.slice(-4)) - 1_000;
    const behaviour = behaviours[n % behaviours.length]!;
    const link = /https?:\/\/\S+\/p\/[\w-]+/.exec(text)?.[0];
    const step = link ? 'link' : text.includes('Reply Y') ? 'teaser' : null;
    if (!step || answered.has(`${to} ${step}`)) return;
    answered.add(`${to} ${step}`);
    if (link) await pay(system, link);
    else if (behaviour.name !== 'does not reply')
      await replyUntilStored(system, to, { pays: 'Y', declines: 'N', 'sends STOP': 'STOP' }[behaviour.name]);
  };
  const loop = async () => {
    const inFlight = new Set<Promise<void>>();
    while (!stopped) {
      for (const entry of system.sandbox.ledger.list({
        operation: 'message.create',
        accepted: true,
        since: seq,
        limit: 1_000,
      })) {
        seq = Math.max(seq, entry.seq);
        const work = react(entry.to ?? '', entry.text ?? '').finally(() => inFlight.delete(work));
        inFlight.add(work);
      }
      // The ledger has one signal per predicate and no stream, so it is polled.
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await Promise.all(inFlight);
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      await running;
    },
  };
}

export type LoadResult = { wrong: string[]; teasers: Map<string, number>; payments: number };

/** Posts `count` leads while `disrupt` runs, and waits until every unlock is in its expected end state. */
export async function runLoad(
  system: TestSystem,
  count: number,
  disrupt: (progress: () => Promise<number>) => Promise<void>,
  timeoutMs = 45_000,
): Promise<LoadResult> {
  await makeBuyers(system, count);
  const buyers = playBuyers(system);
  const countSettled = async () =>
    (
      await system.rows<{ provider: string; status: string }>(
        `SELECT b.external_id AS provider, u.status FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id WHERE b.external_id LIKE 'load-%'`,
      )
    ).filter(
      ({ provider, status }) => status === behaviours[Number(provider.slice(5)) % behaviours.length]!.ends,
    ).length;
  const posting = (async () => {
    const numbers = Array.from({ length: count }, (_, n) => n);
    const post = async () => {
      for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) {
        const lead = { ...sampleLead, lead_id: `lead_load${n}`, provider_ids: [providerOf(n)] };
        let { status } = await system.api('POST', '/api/leads', lead);
        // A 503 leaves open whether the lead was stored; the retry is safe because it carries the same lead_id.
        for (let attempt = 0; status === 503 && attempt < 60; attempt++) {
          await new Promise((resolve) => setTimeout(resolve, 250));
          ({ status } = await system.api('POST', '/api/leads', lead));
        }
        if (status !== 201) throw new Error(`lead ${n} was answered ${status}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, post));
  })();
  await Promise.all([posting, disrupt(countSettled)]);
  const deadline = Date.now() + timeoutMs;
  while ((await countSettled().catch(() => 0)) < count && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await buyers.stop();
  return judge(system, count);
}

/** By the vendors' ledger: who got what, and what was charged. */
async function judge(system: TestSystem, count: number): Promise<LoadResult> {
  const wrong: string[] = [];
  const unlocks = await system.rows<{ provider: string; status: string; reason: string | null }>(
    `SELECT b.external_id AS provider, u.status, u.reason FROM lead_unlocks u JOIN buyers b ON b.id = u.buyer_id WHERE b.external_id LIKE 'load-%'`,
  );
  if (unlocks.length !== count) wrong.push(`${unlocks.length} unlocks for ${count} leads`);
  for (const { provider, status } of unlocks) {
    const { name, ends } = behaviours[Number(provider.slice(5)) % behaviours.length]!;
    if (status !== ends) wrong.push(`${provider} ${name} and is at ${status}`);
  }
  const teasers = new Map<string, number>();
  const reveals = new Map<string, number>();
  for (const entry of system.sandbox.ledger.list({
    operation: 'message.create',
    accepted: true,
    limit: 100_000,
  })) {
    const to = entry.to ?? '';
    if (entry.text?.includes('Reply Y')) teasers.set(to, (teasers.get(to) ?? 0) + 1);
    if (entry.text?.includes('client details:\n')) reveals.set(to, (reveals.get(to) ?? 0) + 1);
  }
  const captures = system.sandbox.ledger.list({
    operation: 'payment.capture',
    accepted: true,
    limit: 100_000,
  });
  const [books] = await system.rows<{ stripe: number; sum: number }>(
    `SELECT coalesce(sum(amount_minor) FILTER (WHERE account = 'stripe'), 0)::int AS stripe, coalesce(sum(amount_minor), 0)::int AS sum FROM journal_entries`,
  );
  if (books!.sum !== 0) wrong.push('the journals do not sum to zero');
  const charged = captures.reduce((sum, capture) => sum + (capture.amount ?? 0), 0);
  if (books!.stripe !== charged) wrong.push(`Stripe holds ${charged}, the journals say ${books!.stripe}`);
  for (let n = 0; n < count; n++) {
    const paid = captures.filter((c) => c.reference?.includes(providerOf(n))).length;
    if (paid > 1) wrong.push(`${providerOf(n)} was charged ${paid} times`);
    if ((teasers.get(phoneOf(n)) ?? 0) === 0) wrong.push(`${providerOf(n)} got no teaser`);
    if ((teasers.get(phoneOf(n)) ?? 0) > 2) wrong.push(`${providerOf(n)} got more than two teasers`);
    if ((reveals.get(phoneOf(n)) ?? 0) > 2) wrong.push(`${providerOf(n)} got the details more than twice`);
  }
  return { wrong, teasers, payments: captures.length };
}
