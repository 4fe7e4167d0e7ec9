import { findContradictions } from '../../../src/db/payment/wallet-check.ts';
import type { Check } from '../judge.ts';
import type { MarketLead } from './load.ts';
import type { MarketPlace } from './place.ts';

export type MarketRun = { place: MarketPlace; leads: readonly MarketLead[] };

/** A check by a query that returns the violations, each with a `text`. `examined` is a query too. */
const noRows =
  (examined: string, query: string): Check =>
  async ({ machine: { db } }) => {
    const [counted] = await db.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${examined}`);
    const rows = await db.query<{ text: string }>(query);
    return { examined: counted!.n, violations: rows.map(({ text }) => text) };
  };

const assignments = "lead_unlocks u WHERE u.paid_by = 'wallet'";

/** Days, ISO weeks and months of a buyer begin in its time zone. */
const zoned = `SELECT t.*, u.subscription_id, u.price_minor, t.created_at AT TIME ZONE coalesce(b.time_zone, s.time_zone, 'UTC') AS local
  FROM wallet_transactions t JOIN lead_unlocks u ON u.id = t.unlock_id JOIN buyers b ON b.id = t.buyer_id
  LEFT JOIN sellers s ON s.organization_id = t.organization_id WHERE t.type = 'DEBIT'`;
const overLimit = (unit: 'week' | 'month') =>
  `SELECT 'buyer ' || p.buyer_id || ' spent ' || sum(p.price_minor) || ' in a ${unit}, limit ' || b.${unit}ly_spending_limit_minor AS text
   FROM (${zoned}) p JOIN buyers b ON b.id = p.buyer_id WHERE b.${unit}ly_spending_limit_minor IS NOT NULL
   GROUP BY p.buyer_id, date_trunc('${unit}', p.local), b.${unit}ly_spending_limit_minor
   HAVING sum(p.price_minor) > b.${unit}ly_spending_limit_minor`;

const openWork = `SELECT e.subject, e.type FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at`;

/** The invariants of the marketplace, checked once nothing is under way any more. */
export const marketInvariants = ({ place, leads }: MarketRun): Record<string, Check> => ({
  'market: every lead is taken, and stored once': async ({ machine: { db } }) => {
    const stored = await db.query<{ id: string }>(
      "SELECT public_id AS id FROM leads WHERE channel = 'marketplace' AND organization_id = $1",
      [place.seller.organizationId],
    );
    const taken = new Set(leads.flatMap(({ id }) => id ?? []));
    const known = new Set(stored.map(({ id }) => id));
    return {
      examined: leads.length,
      violations: [
        ...leads.filter(({ problem }) => problem).map(({ n, problem }) => `lead ${n}: ${problem}`),
        ...[...taken].filter((id) => !known.has(id)).map((id) => `${id} is not stored`),
        ...[...known].filter((id) => !taken.has(id)).map((id) => `${id} is stored, and was not sent`),
        ...(stored.length === known.size ? [] : ['an id is stored twice']),
      ],
    };
  },

  'market: every lead is sold, or waits or expired with its reasons': noRows(
    'distributions',
    `SELECT d.lead_id || ' is ' || d.status || ' with ' || s.sales || ' sales and reasons ' || coalesce(r.considered::text, 'none') AS text
     FROM distributions d
     CROSS JOIN LATERAL (SELECT count(*) AS sales FROM lead_unlocks u WHERE u.lead_id = d.lead_id) s
     LEFT JOIN LATERAL (SELECT x.considered FROM decisions x WHERE x.lead_id = d.lead_id ORDER BY number DESC LIMIT 1) r ON true
     WHERE (d.status = 'DISTRIBUTED') <> (s.sales > 0) OR r.considered IS NULL
       OR d.status IN ('PENDING', 'EXPIRED') AND EXISTS (SELECT 1 FROM jsonb_array_elements(r.considered) c WHERE c->>'rule' IS NULL)
       OR d.status = 'DISTRIBUTED' AND s.sales <> (SELECT count(*) FROM jsonb_array_elements(r.considered) c WHERE c->>'rule' IS NULL)`,
  ),

  'market: a lead is sold once where its campaign has one buyer, at most maxSales times in a broadcast':
    noRows(
      assignments,
      `SELECT u.lead_id || ' (' || c.distribution_logic || ') was sold ' || count(*) || ' times to ' || count(DISTINCT u.buyer_id) AS text
     FROM lead_unlocks u JOIN campaigns c ON c.id = u.campaign_id GROUP BY u.lead_id, c.id
     HAVING count(*) > CASE c.distribution_logic WHEN 'BROADCAST' THEN coalesce(c.max_sales, 1000000) ELSE 1 END
       OR count(*) <> count(DISTINCT u.buyer_id)`,
    ),

  'market: no buyer buys the same person twice': noRows(
    assignments,
    `SELECT u.buyer_id || ' bought a person ' || count(*) || ' times in ' || u.campaign_id AS text
     FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE u.paid_by = 'wallet' AND l.email_hash IS NOT NULL
     GROUP BY u.buyer_id, u.campaign_id, l.email_hash HAVING count(*) > 1`,
  ),

  'market: what a supplier learned about sales is so': async ({ machine: { db } }) => {
    const sold = await db.query<{ id: string; n: number }>(
      `SELECT l.public_id AS id, count(*)::int AS n FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE u.paid_by = 'wallet' GROUP BY 1`,
    );
    const sales = new Map(sold.map(({ id, n }) => [id, n]));
    const told = leads.filter((lead) => lead.told !== null);
    return {
      examined: told.length,
      violations: told
        .filter(({ id, told, isTest }) => isTest || sales.get(id!) !== told)
        .map(({ id, told }) => `${id} learned about ${told} buyers, sold ${sales.get(id!) ?? 0} times`),
    };
  },

  'market: no lead waits for a buyer that may buy it': noRows(
    "distributions WHERE status = 'PENDING'",
    `SELECT d.lead_id || ' waits, and ' || s.buyer_id || ' may buy it; the campaign is '
       || coalesce(t.due_at::text, 'not due') || CASE WHEN t.draining THEN ', draining' ELSE '' END AS text
     FROM distributions d JOIN leads l ON l.id = d.lead_id JOIN campaigns c ON c.id = d.campaign_id AND c.status = 'ACTIVE'
     JOIN subscriptions s ON s.campaign_id = c.id AND s.ended_at IS NULL AND s.status = 'ACTIVE'
     JOIN buyers b ON b.id = s.buyer_id AND b.active = 'active' AND b.flagged_at IS NULL
     JOIN wallets w ON w.buyer_id = b.id AND w.disputed_minor = 0 AND w.balance_minor >= c.price_minor
     LEFT JOIN campaign_turns t ON t.campaign_id = c.id
     CROSS JOIN LATERAL (SELECT now() AT TIME ZONE coalesce(b.time_zone, (SELECT time_zone FROM sellers x WHERE x.organization_id = b.organization_id)) AS local) z
     WHERE d.status = 'PENDING' AND (cardinality(s.states) = 0 OR l.region IS NULL OR l.region = ANY(s.states))
       AND (s.daily_cap IS NULL OR s.day < z.local::date OR s.day_count < s.daily_cap)
       AND (b.weekly_spending_limit_minor IS NULL OR w.week < date_trunc('week', z.local)::date
         OR w.week_spent_minor + c.price_minor <= b.weekly_spending_limit_minor)
       AND (b.monthly_spending_limit_minor IS NULL OR w.month < date_trunc('month', z.local)::date
         OR w.month_spent_minor + c.price_minor <= b.monthly_spending_limit_minor)
       AND NOT EXISTS (SELECT 1 FROM bought_people p WHERE p.campaign_id = c.id AND p.buyer_id = b.id AND p.hash IN (l.phone_hash, l.email_hash))`,
  ),

  'market: a wallet holds the sum of its entries and of its transactions, and owes only what went back':
    noRows(
      'wallets',
      `SELECT w.buyer_id || ' holds ' || w.balance_minor || ', entries ' || coalesce(e.amount, 0) || ', transactions ' || coalesce(t.amount, 0)
       || ', debt ' || w.debt_minor AS text
     FROM wallets w
     LEFT JOIN (SELECT account, -sum(amount_minor) AS amount FROM journal_entries GROUP BY 1) e ON e.account = 'wallet:' || w.buyer_id
     LEFT JOIN (SELECT buyer_id, sum(amount_minor) AS amount FROM wallet_transactions GROUP BY 1) t ON t.buyer_id = w.buyer_id
     WHERE w.balance_minor <> coalesce(e.amount, 0) OR w.balance_minor <> coalesce(t.amount, 0) OR w.debt_minor <> greatest(-w.balance_minor, 0)
     UNION ALL SELECT 'transaction ' || id || ' buys a lead with ' || balance_before_minor FROM wallet_transactions
       WHERE type = 'DEBIT' AND unlock_id IS NOT NULL AND balance_after_minor < 0
     UNION ALL SELECT 'transaction ' || id || ' begins at ' || balance_before_minor || ', the last one ended at ' || last FROM (
       SELECT *, lag(balance_after_minor) OVER (PARTITION BY buyer_id ORDER BY created_at, id) AS last FROM wallet_transactions) x
       WHERE last <> balance_before_minor`,
    ),

  'market: an assignment has one debit of its price, and a debit its assignment': noRows(
    assignments,
    `SELECT u.id || ' has ' || coalesce(t.n, 0) || ' debits of ' || coalesce(t.amount, 0) || ' and entries of ' || coalesce(e.amount, 0)
       || ', price ' || u.price_minor AS text
     FROM lead_unlocks u
     LEFT JOIN (SELECT unlock_id, count(*) AS n, sum(amount_minor) AS amount FROM wallet_transactions WHERE type = 'DEBIT' GROUP BY 1) t
       ON t.unlock_id = u.id
     LEFT JOIN (SELECT j.key, e.account, sum(e.amount_minor) AS amount FROM journals j JOIN journal_entries e ON e.journal_id = j.id GROUP BY 1, 2) e
       ON e.key = 'assignment-' || u.id AND e.account = 'wallet:' || u.buyer_id
     WHERE u.paid_by = 'wallet' AND (coalesce(t.n, 0) <> 1 OR t.amount <> -u.price_minor OR e.amount IS DISTINCT FROM u.price_minor)
     UNION ALL SELECT j.key || ' has no assignment' FROM journals j WHERE j.key LIKE 'assignment-%'
       AND NOT EXISTS (SELECT 1 FROM lead_unlocks u WHERE j.key = 'assignment-' || u.id)
     UNION ALL SELECT s.id || ' counted ' || s.day_count || ' sales of a day' FROM subscriptions s
       WHERE s.day_count > (SELECT count(*) FROM lead_unlocks u WHERE u.subscription_id = s.id)`,
  ),

  'market: a captured charge is one credit of a wallet, and a credit a captured charge': async ({
    machine: { db },
    ledger,
  }) => {
    const credits = await db.query<{ intent: string; n: number; amount: number; payments: number }>(
      `SELECT t.payment_intent AS intent, count(*)::int AS n, sum(t.amount_minor)::int AS amount,
         (SELECT count(*)::int FROM payments p WHERE p.payment_intent = t.payment_intent AND p.purpose = 'top_up' AND p.kept) AS payments
       FROM wallet_transactions t WHERE t.description IN ('Wallet recharge', 'Wallet auto-recharge') GROUP BY 1`,
    );
    const byIntent = new Map(credits.map((credit) => [credit.intent, credit]));
    const captured = ledger.captures.filter(({ customer }) => customer !== null);
    const known = new Set(captured.map(({ intent }) => intent));
    return {
      examined: captured.length,
      violations: [
        ...captured.flatMap(({ intent, amount }) => {
          const credit = byIntent.get(intent);
          if (credit?.n === 1 && credit.amount === amount && credit.payments === 1) return [];
          return [
            `${intent} captured ${amount}, credited ${credit?.n ?? 0} times with ${credit?.amount ?? 0}`,
          ];
        }),
        ...(known.size === captured.length ? [] : ['a charge was captured twice']),
        ...credits
          .filter(({ intent }) => !known.has(intent))
          .map(({ intent }) => `${intent} was not captured`),
      ],
    };
  },

  'market: purchases stay within caps and limits': noRows(
    assignments,
    `SELECT 'subscription ' || p.subscription_id || ' bought ' || count(*) || ' in a day, cap ' || s.daily_cap AS text
     FROM (${zoned}) p JOIN subscriptions s ON s.id = p.subscription_id WHERE s.daily_cap IS NOT NULL
     GROUP BY p.subscription_id, p.local::date, s.daily_cap HAVING count(*) > s.daily_cap
     UNION ALL ${overLimit('week')} UNION ALL ${overLimit('month')}`,
  ),

  'market: one recharge of a wallet at a time, of at most 4 charges': async ({ machine: { db }, ledger }) => {
    const rows = await db.query<{ text: string }>(
      `SELECT a.id || ' and ' || b.id || ' were open at once' AS text FROM top_ups a JOIN top_ups b ON a.buyer_id = b.buyer_id AND a.id < b.id
         AND a.kind = 'recharge' AND b.kind = 'recharge'
         AND a.created_at < coalesce(b.ended_at, 'infinity') AND b.created_at < coalesce(a.ended_at, 'infinity')`,
    );
    const attempts = new Map<string, Set<string>>();
    for (const { idempotencyKey } of ledger.entries) {
      const [, id, attempt] = /^recharge:([^:]+):(\d+)$/.exec(idempotencyKey ?? '') ?? [];
      if (id) attempts.set(id, (attempts.get(id) ?? new Set()).add(attempt!));
    }
    return {
      examined: attempts.size,
      violations: [
        ...rows.map(({ text }) => text),
        ...[...attempts]
          .filter(([, made]) => made.size > 4)
          .map(([id, made]) => `${id}: ${made.size} charges`),
      ],
    };
  },

  'market: every top-up and every drain has ended or has work due': noRows(
    'top_ups',
    `SELECT 'top-up ' || t.id || ' (' || t.kind || ') is ' || t.state || ' and has no work due' AS text FROM top_ups t
     WHERE t.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM (${openWork}) w WHERE w.subject = 'top_up:' || t.id)
     UNION ALL SELECT 'campaign ' || campaign_id || ' is drained by no run' FROM campaign_turns t
       WHERE draining AND NOT EXISTS (SELECT 1 FROM (${openWork}) w WHERE w.type = 'campaign.woken' AND w.subject = 'campaign:' || t.campaign_id)
     UNION ALL SELECT 'lead ' || d.lead_id || ' waits and would never expire' FROM distributions d WHERE d.status = 'PENDING'
       AND NOT EXISTS (SELECT 1 FROM (${openWork}) w WHERE w.subject = 'lead:' || d.lead_id)`,
  ),

  'market: the check of the ledger agrees, and raised no alert': async ({ machine: { db } }) => {
    const found = await findContradictions(db);
    const alerts = await db.query<{ key: string; detail: string }>(
      `SELECT key, text AS detail FROM alerts WHERE key LIKE 'unwell-ledger/%'`,
    );
    return {
      examined: 1,
      violations: [
        ...found.map(({ rule, subject, detail }) => `${rule}: ${subject} ${detail}`),
        ...alerts.map(({ key, detail }) => `${key}: ${detail}`),
      ],
    };
  },
});
