import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { allowedMoves, type UnlockState } from '../../src/domain/unlock/machine.ts';
import type { FaultLog, SystemUnderTest } from './faults.ts';
import { type Ledger, readLedger } from './ledger.ts';
import { canary, type Lead } from './load.ts';
import { type MarketRun, marketInvariants } from './market/judge.ts';

/** The marker of a contact, of either load. */
const contact = new RegExp(canary.source.replace('(', 'm?('), 'i');

/** One promise and the violations found. */
export type Finding = {
  promise: string;
  kind: 'invariant' | 'bound';
  examined: number;
  violations: string[];
  note?: string;
};

type Run = SystemUnderTest & {
  leads: readonly Lead[];
  log: FaultLog;
  faultFreeFrom: Date;
  /** Null where no marketplace was played. */
  market: MarketRun | null;
};
export type Check = (run: Run & { ledger: Ledger }) => Promise<Omit<Finding, 'promise' | 'kind'>>;

/** Checks every invariant and bound against the tables and the vendors' ledger. */
export async function judge(given: Run): Promise<Finding[]> {
  const found = { ...given, ledger: await readLedger(given.machine) };
  const findings: Finding[] = [];
  const all = { ...invariants, ...(given.market ? marketInvariants(given.market) : {}) };
  for (const [promise, check] of Object.entries(all))
    findings.push({ promise, kind: 'invariant', ...(await check(found)) });
  for (const [promise, check] of Object.entries(bounds))
    findings.push({ promise, kind: 'bound', ...(await check(found)) });
  return findings;
}

/** A check by a query that returns the violations, each with a `text`. */
const noRows =
  (examinedIn: string, query: string): Check =>
  async ({ machine }) => {
    const [counted] = await machine.db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${examinedIn}`);
    const rows = await machine.db.query<{ text: string }>(query);
    return { examined: counted!.n, violations: rows.map(({ text }) => text) };
  };

const parkedSubjects = `SELECT e.subject FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at WHERE o.parked_at IS NOT NULL`;

const invariants: Record<string, Check> = {
  'no process exits unexpectedly': async ({ programs }) => ({
    examined: programs.reduce((sum, { starts }) => sum + starts, 0),
    violations: programs.flatMap(({ name, unexpectedExits }) =>
      unexpectedExits.map(({ code, signal }) => `${name} exited with ${signal ?? code}, see its log`),
    ),
  }),
  'every acknowledged lead is stored once': async ({ machine, leads }) => {
    const stored = await machine.db.query<{ id: string; n: number }>(
      'SELECT public_id AS id, count(*)::int AS n FROM leads GROUP BY 1',
    );
    const counts = new Map(stored.map(({ id, n }) => [id, n]));
    const acknowledged = leads.filter((lead) => lead.acknowledged);
    return {
      examined: acknowledged.length,
      violations: acknowledged
        .filter(({ id }) => counts.get(id) !== 1)
        .map(({ id }) => `${id}: ${counts.get(id) ?? 0} rows`),
    };
  },
  'every buyer of an acknowledged lead has one unlock': async ({ machine, leads }) => {
    const stored = await machine.db.query<{ unlock: string; n: number }>(
      `SELECT l.public_id || ' ' || b.external_id AS unlock, count(*)::int AS n
       FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id GROUP BY 1`,
    );
    const counts = new Map(stored.map(({ unlock, n }) => [unlock, n]));
    const wanted = leads.filter((lead) => lead.acknowledged).flatMap((lead) => lead.buyers);
    return {
      examined: wanted.length,
      violations: wanted
        .map(({ leadId, provider }) => `${leadId} ${provider}`)
        .filter((unlock) => counts.get(unlock) !== 1)
        .map((unlock) => `${unlock}: ${counts.get(unlock) ?? 0}`),
    };
  },
  'every unlock is finished or has work due': noRows(
    'lead_unlocks',
    `SELECT u.id || ' is at ' || u.status || ' and has no work due' AS text FROM lead_unlocks u
     WHERE u.campaign_id IS NULL AND u.status NOT IN ('DONE', 'EXPIRED', 'OPTED_OUT') AND NOT EXISTS (
       SELECT 1 FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
       WHERE e.subject = 'unlock:' || u.id AND (o.parked_at IS NOT NULL OR greatest(o.due_at, o.lease_until) > now() - interval '15 s'))`,
  ),
  'all work is done or parked with an alert': noRows(
    'outbox',
    `SELECT o.worker || ' ' || coalesce(e.type, '?') || ' ' || coalesce(e.subject, '?') || ' overdue, ' || coalesce(o.last_error, 'no error') AS text
     FROM outbox o LEFT JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
     WHERE o.parked_at IS NULL AND greatest(o.due_at, o.lease_until) < now() - interval '15 s'
     UNION ALL
     SELECT o.worker || ' parked without an alert: ' || coalesce(o.last_error, '?') FROM outbox o
     WHERE o.parked_at IS NOT NULL AND o.worker <> 'notifier'
       AND NOT EXISTS (SELECT 1 FROM events e WHERE e.type = 'work.parked' AND (e.data->>'outboxId')::bigint = o.id)`,
  ),
  'no contact leaves before its payment': async ({ machine, ledger, leads }) => {
    const unlocks = await machine.db.query<{ id: string; lead: string; phone: string; email: string | null }>(
      `SELECT u.id, l.public_id AS lead, b.phone, b.email FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id`,
    );
    const unlockOf = new Map(
      unlocks.flatMap((u) => [
        [`${u.lead} ${u.phone}`, u.id],
        [`${u.lead} ${u.email}`, u.id],
      ]),
    );
    const paidAt = new Map<string, number>();
    for (const { unlockId, seq } of ledger.captures)
      if (unlockId) paidAt.set(unlockId, Math.min(seq, paidAt.get(unlockId) ?? Number.POSITIVE_INFINITY));
    const violations: string[] = [];
    let examined = 0;
    // Refused and failed calls count too: the contact had left our process.
    for (const entry of ledger.entries) {
      for (const [, n] of JSON.stringify(entry).matchAll(canary)) {
        examined += 1;
        const lead = leads[Number(n)]?.id;
        const unlockId = unlockOf.get(`${lead} ${entry.to}`);
        if (!unlockId || (paidAt.get(unlockId) ?? Number.POSITIVE_INFINITY) > entry.seq) {
          violations.push(`${entry.operation} to ${entry.to} contains the contact of ${lead} before payment`);
          break;
        }
      }
    }
    return { examined, violations };
  },
  'no contact in logs, queues and events': async ({ machine, log }) => {
    const violations: string[] = [];
    let examined = 0;
    for (const path of [machine.logFile]) {
      for await (const line of createInterface({ input: createReadStream(path) })) {
        examined += 1;
        if (line.search(contact) >= 0) violations.push(`log: ${line.slice(0, 200)}`);
      }
    }
    for (const dump of [...log.dumps, await machine.queue.contents()]) {
      examined += 1;
      const at = dump.search(contact);
      if (at >= 0) violations.push(`queue: ${dump.slice(Math.max(0, at - 80), at + 40)}`);
    }
    const events = await machine.db.query<{ text: string }>(
      "SELECT 'event: ' || type || ' ' || id AS text FROM events WHERE data::text ~* 'zq7x' OR subject ~* 'zq7x'",
    );
    return { examined, violations: [...violations, ...events.map(({ text }) => text)] };
  },
  'an unlock is revealed if and only if it is paid': noRows(
    "lead_unlocks WHERE status IN ('PAID', 'REVEAL_DETAILS_SENT', 'DONE') OR revealed_at IS NOT NULL",
    `SELECT u.id || ' was revealed without a payment' AS text FROM lead_unlocks u WHERE u.revealed_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.unlock_id = u.id AND p.kept)
     UNION ALL SELECT p.unlock_id || ' was paid, not refunded and never revealed' FROM payments p JOIN lead_unlocks u ON u.id = p.unlock_id
       WHERE p.kept AND u.revealed_at IS NULL AND p.refunded_minor + p.refunding_minor = 0 AND 'unlock:' || u.id NOT IN (${parkedSubjects})`,
  ),
  'by the vendors: every buyer who paid got the details': async ({ machine, ledger, leads }) => {
    const captured = new Set(ledger.captures.map(({ unlockId }) => unlockId));
    const kept = await machine.db.query<{
      id: string;
      lead: string;
      phone: string;
      email: string | null;
      viewed: boolean;
    }>(
      // A buyer who viewed the details on the pay page first may get no message.
      `SELECT u.id, l.public_id AS lead, b.phone, b.email, u.viewed_at IS NOT NULL AS viewed FROM payments p JOIN lead_unlocks u ON u.id = p.unlock_id
       JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id
       WHERE p.kept AND u.revealed_at IS NOT NULL AND 'unlock:' || u.id NOT IN (${parkedSubjects})`,
    );
    const informed = new Set<string>();
    for (const { to, text, params } of ledger.messages)
      for (const [, n] of `${text ?? ''} ${JSON.stringify(params)}`.matchAll(canary))
        informed.add(`${leads[Number(n)]?.id} ${to}`);
    return {
      examined: kept.length,
      violations: kept.flatMap(({ id, lead, phone, email, viewed }) => [
        ...(captured.has(id) ? [] : [`${id} is booked as paid, Stripe captured nothing`]),
        ...(viewed || informed.has(`${lead} ${phone}`) || informed.has(`${lead} ${email}`)
          ? []
          : [`${id} paid and got no details`]),
      ]),
    };
  },
  'a lead is sold at most max_sales times': noRows(
    'sold_slots',
    `SELECT l.public_id || ' sold ' || count(*) || ' of ' || l.max_sales AS text FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id
     WHERE l.max_sales IS NOT NULL AND u.status IN ('PAID', 'REVEAL_DETAILS_SENT', 'DONE') GROUP BY l.id HAVING count(*) > l.max_sales`,
  ),
  'journals sum to zero': noRows(
    'journals',
    `SELECT journal_id || ' sums to ' || sum(amount_minor) AS text FROM journal_entries GROUP BY journal_id, currency HAVING sum(amount_minor) <> 0`,
  ),
  'the journals match Stripe to the cent': async ({ machine, ledger }) => {
    const heldBy = (intent: string | null) => heldAtStripe(ledger, intent);
    const atStripe = heldBy(null);
    const [books] = await machine.db.query<{ held: number }>(
      "SELECT coalesce(sum(amount_minor), 0)::int AS held FROM journal_entries WHERE account = 'stripe'",
    );
    const booked = await machine.db.query<{ intent: string; held: number }>(
      `SELECT payment_intent AS intent, amount_minor - refunded_minor - refunding_minor - withdrawn_minor AS held FROM payments`,
    );
    const ours = new Map(booked.map((payment) => [payment.intent, payment.held]));
    const undelivered = (await machine.vendors.webhooks('vendor=stripe')).filter(
      ({ state }) => state === 'failed' || state === 'withheld',
    );
    return {
      examined: ledger.captures.length + ledger.refunds.length + ledger.withdrawn.length,
      violations: [
        ...(books!.held === atStripe ? [] : [`Stripe holds ${atStripe} cents, the journals ${books!.held}`]),
        ...ledger.captures.flatMap(({ intent, unlockId }) => {
          const held = ours.get(intent);
          if (held === undefined) return [`${intent} of ${unlockId} is not booked`];
          if (held === heldBy(intent)) return [];
          return [`Stripe holds ${heldBy(intent)} cents of ${intent} (${unlockId}), by our books ${held}`];
        }),
      ],
      note: `${undelivered.length} Stripe webhooks undelivered: ${[...new Set(undelivered.map(({ event, state }) => `${event} ${state}`))].join(', ')}`,
    };
  },
  'payments sum up their refunds, and flags their payments': noRows(
    'refunds',
    `SELECT p.id || ' has other sums than its refunds' AS text FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
       GROUP BY p.id HAVING p.refunded_minor <> coalesce(sum(r.amount_minor) FILTER (WHERE r.status = 'succeeded'), 0)
         OR p.refunding_minor <> coalesce(sum(r.amount_minor) FILTER (WHERE r.status IN ('pending', 'requires_action')), 0)
     UNION ALL SELECT b.external_id || ' has ' || b.flags || ' flags, and ' || count(p.id) || ' payments that flag it'
       FROM buyers b LEFT JOIN lead_unlocks u ON u.buyer_id = b.id LEFT JOIN payments p ON p.unlock_id = u.id AND p.flags_buyer
       GROUP BY b.id HAVING b.flags <> count(p.id) OR (b.flagged_at IS NOT NULL) <> (count(p.id) > 0)`,
  ),
  'money told as returned is returned': async ({ machine, ledger }) => {
    const texts = await machine.db.query<{ phone: string; unlock: string; intent: string; failed: boolean }>(
      `SELECT u.phone, u.id AS unlock, p.payment_intent AS intent,
         EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.status IN ('failed', 'canceled')) AS failed
       FROM payments p JOIN lead_unlocks u ON u.id = p.unlock_id WHERE NOT p.kept`,
    );
    const alerted = new Set(
      (
        await machine.db.query<{ subject: string }>("SELECT subject FROM alerts WHERE kind = 'refund_failed'")
      ).map(({ subject }) => subject),
    );
    const told = new Set(
      ledger.messages
        .filter(({ text }) => text?.includes('was refunded in full'))
        .map(({ to, text }) => `${to} ${/lead (lead_\w+)/.exec(text ?? '')?.[1]}`),
    );
    const leadOf = new Map(
      (
        await machine.db.query<{ unlock: string; lead: string }>(
          'SELECT u.id AS unlock, l.public_id AS lead FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id',
        )
      ).map(({ unlock, lead }) => [unlock, lead]),
    );
    return {
      examined: texts.length,
      violations: texts.flatMap(({ phone, unlock, intent, failed }) => {
        const isTold = told.has(`${phone} ${leadOf.get(unlock)}`);
        const held = heldAtStripe(ledger, intent);
        return [
          // One that failed after it had succeeded was true when it was told.
          ...(isTold && held > 0 && !failed ? [`${unlock} was told of a refund, Stripe holds ${held}`] : []),
          ...(failed && held > 0 && !alerted.has(`unlock:${unlock}`)
            ? [`the failed refund of ${unlock} raised no alert`]
            : []),
        ];
      }),
    };
  },
  'no unlock is paid twice': async ({ ledger }) => {
    const back = new Map<string, number>();
    // One whose refund failed is owed to its buyer: see 'money told as returned is returned'.
    for (const { intent, amount } of ledger.refunds) back.set(intent, (back.get(intent) ?? 0) + amount);
    const kept = new Map<string, number>();
    for (const { intent, unlockId, amount, customer } of ledger.captures)
      if (customer === null)
        kept.set(unlockId ?? intent, (kept.get(unlockId ?? intent) ?? 0) + amount - (back.get(intent) ?? 0));
    return {
      examined: ledger.captures.length,
      violations: [...kept]
        .filter(([, amount]) => amount > 2_000)
        .map(([unlock, amount]) => `${unlock} paid ${amount} cents`),
    };
  },
  'keyed effects happen exactly once': async ({ ledger }) => {
    const keyed = ledger.entries.filter(
      ({ idempotencyKey, outcome }) => idempotencyKey && outcome.startsWith('accepted'),
    );
    const times = new Map<string, number>();
    for (const { idempotencyKey } of keyed) times.set(idempotencyKey!, (times.get(idempotencyKey!) ?? 0) + 1);
    const refunded = new Map<string, number>();
    for (const { intent, byUs } of ledger.refunds)
      if (byUs) refunded.set(intent, (refunded.get(intent) ?? 0) + 1);
    // A refund that failed may be made again.
    for (const { intent } of ledger.returned)
      if (refunded.has(intent)) refunded.set(intent, refunded.get(intent)! - 1);
    return {
      examined: keyed.length,
      violations: [...times, ...refunded]
        .filter(([, n]) => n > 1)
        .map(([key, n]) => `${key} was done ${n} times`),
    };
  },
  'a message is posted at most twice, the second time only after an unknown outcome': async ({
    machine,
    ledger,
  }) => {
    const posts = new Map<string, number>();
    for (const { reference } of ledger.messages) {
      const id = reference?.split('/').pop() ?? '';
      posts.set(id, (posts.get(id) ?? 0) + 1);
    }
    const effects = await machine.db.query<{ id: string; key: string; posts: number; unknown: boolean }>(
      `SELECT e.id, e.key, e.posts, EXISTS (SELECT 1 FROM attempts a WHERE a.effect_key = e.key AND (a.outcome IS NULL OR a.outcome IN ('unknown', 'lost'))) AS unknown
       FROM effects e WHERE e.kind IN ('sms', 'email')`,
    );
    return {
      examined: effects.length,
      violations: effects.flatMap(({ id, key, posts: claimed, unknown }) => {
        const real = posts.get(id) ?? 0;
        if (real > 2) return [`${key} was posted ${real} times`];
        if (real > claimed) return [`${key} was posted ${real} times and claimed ${claimed} times`];
        return claimed > 1 && !unknown
          ? [`${key} was claimed ${claimed} times without an unknown outcome`]
          : [];
      }),
    };
  },
  'no SMS leased after an opt-out': noRows(
    'phones WHERE opted_out_at IS NOT NULL',
    `SELECT f.key || ' was leased ' || (f.claimed_at - p.opted_out_at) || ' after the opt-out' AS text
     FROM effects f JOIN messages m ON m.id = f.id JOIN phones p ON p.id = m.phone_id
     WHERE f.kind = 'sms' AND m.purpose <> 'stop_confirmed' AND f.claimed_at > p.opted_out_at`,
  ),
  'no state moves backward': async ({ machine }) => {
    const moves = await machine.db.query<{ id: string; from: UnlockState; to: UnlockState }>(
      `SELECT subject AS id, data->>'from' AS "from", data->>'to' AS "to" FROM events WHERE type = 'unlock.moved' ORDER BY subject, occurred_at, id`,
    );
    const status = new Map(
      (
        await machine.db.query<{ id: string; status: string }>(
          "SELECT 'unlock:' || id AS id, status FROM lead_unlocks",
        )
      ).map(({ id, status }) => [id, status]),
    );
    const violations: string[] = [];
    const paths = new Map<string, { from: UnlockState; to: UnlockState }[]>();
    for (const { id, ...move } of moves) paths.set(id, [...(paths.get(id) ?? []), move]);
    for (const [id, path] of paths) {
      const seen = new Set<string>();
      for (const { from, to } of path) {
        if (!allowedMoves[from]?.includes(to)) violations.push(`${id} moved from ${from} to ${to}`);
        if (seen.has(`${from} ${to}`)) violations.push(`${id} moved twice from ${from} to ${to}`);
        seen.add(`${from} ${to}`);
      }
      // The moves must form one path from NEW_LEAD to the current state, regardless of clock differences.
      const end = walk(path);
      if (end !== status.get(id))
        violations.push(`${id} is at ${status.get(id)}, its history ends at ${end}`);
    }
    return { examined: moves.length, violations };
  },
  'every story ends as expected': async ({ machine, leads }) => {
    const rows = await machine.db.query<{ lead: string; provider: string; status: string; parked: boolean }>(
      `SELECT l.public_id AS lead, b.external_id AS provider, u.status, 'unlock:' || u.id IN (${parkedSubjects}) AS parked
       FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id JOIN buyers b ON b.id = u.buyer_id`,
    );
    const byLead = new Map<string, typeof rows>();
    for (const row of rows) byLead.set(row.lead, [...(byLead.get(row.lead) ?? []), row]);
    const violations: string[] = [];
    let parked = 0;
    for (const { id, story, incomplete } of leads) {
      const unlocks = byLead.get(id) ?? [];
      // Work parked with an alert, after two lost posts or twelve failures, is a valid end and is counted.
      if (unlocks.some((unlock) => unlock.parked)) parked += 1;
      else {
        const end = unlocks.map(({ status }) => status).sort();
        if (!story.ends.some((ends) => [...ends].sort().join() === end.join()))
          violations.push(
            `${id} (${story.name}) ends ${end.join(', ') || 'without unlocks'}${incomplete ? `; ${incomplete}` : ''}`,
          );
      }
    }
    const unfinished = leads.filter(({ incomplete }) => incomplete !== null);
    const notes = [
      ...(parked > 0 ? [`${parked} parked with an alert`] : []),
      ...unfinished.slice(0, 3).map(({ id, story, incomplete }) => `${id} (${story.name}): ${incomplete}`),
    ];
    return {
      examined: leads.length,
      violations,
      note: notes.length > 0 ? notes.join('; ') : undefined,
    };
  },
};

/** What Stripe holds of one payment, or of all for null. */
function heldAtStripe(ledger: Ledger, intent: string | null): number {
  const sum = (all: readonly { intent: string; amount: number }[]) =>
    all
      .filter((movement) => intent === null || movement.intent === intent)
      .reduce((total, { amount }) => total + amount, 0);
  const { captures, refunds, returned, withdrawn, reinstated } = ledger;
  return sum(captures) - sum(refunds) + sum(returned) - sum(withdrawn) + sum(reinstated);
}

function walk(path: { from: string; to: string }[]): string {
  const left = [...path];
  let at = 'NEW_LEAD';
  for (;;) {
    const next = left.findIndex(({ from }) => from === at);
    if (next < 0) return left.length === 0 ? at : `${at}, with ${left.length} moves unconnected`;
    at = left.splice(next, 1)[0]!.to;
  }
}

const most = (all: readonly number[]) => (all.length === 0 ? 0 : Math.max(...all));
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const within =
  (limitMs: number, of: (found: Run) => readonly number[]): Check =>
  async (found) => {
    const all = of(found);
    return {
      examined: all.length,
      violations: all.filter((ms) => ms > limitMs).map((ms) => `${seconds(ms)}`),
      note: `at most ${seconds(most(all))}`,
    };
  };

const bounds: Record<string, Check> = {
  'the queue is refilled ≤ 90 s after a flush': within(90_000, ({ log }) => log.refillMs),
  'work resumes ≤ 20 s after a PostgreSQL restart': within(20_000, ({ log }) => log.recoveryMs),
  'no offer expires early': noRows(
    "lead_unlocks WHERE status = 'EXPIRED' AND reason = 'ttl'",
    `SELECT id || ' expired ' || (ttl_expires_at - closed_at) || ' early' AS text FROM lead_unlocks
     WHERE status = 'EXPIRED' AND reason = 'ttl' AND closed_at < ttl_expires_at`,
  ),
  'an offer expires ≤ 5 s late without faults': async ({ machine, faultFreeFrom }) => {
    const late = await machine.db.query<{ id: string; ms: number }>(
      `SELECT id, (extract(epoch FROM closed_at - ttl_expires_at) * 1000)::float8 AS ms FROM lead_unlocks
       WHERE status = 'EXPIRED' AND reason = 'ttl' AND ttl_expires_at > $1`,
      [faultFreeFrom],
    );
    const all = late.map(({ ms }) => ms);
    return {
      examined: all.length,
      violations: late.filter(({ ms }) => ms > 5_000).map(({ id, ms }) => `${id} ${seconds(ms)} late`),
      note: `at most ${seconds(most(all))}`,
    };
  },
};
