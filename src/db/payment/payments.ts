import { type SQL, sql } from 'drizzle-orm';
import { v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';
import type { UnlockView } from '../unlock/unlocks.ts';

export type PaymentRow = {
  id: string;
  organizationId: string;
  unlockId: string;
  paymentIntent: string;
  sessionId: string;
  amountMinor: number;
  refundedMinor: number;
  currency: string;
  kept: boolean;
  disputedAt: Date | null;
};

const columns =
  sql.raw(`id, organization_id AS "organizationId", unlock_id AS "unlockId", payment_intent AS "paymentIntent",
  session_id AS "sessionId", amount_minor AS "amountMinor", refunded_minor AS "refundedMinor", currency, kept, disputed_at AS "disputedAt"`);

export async function findPayment(
  db: Queryable,
  by: { id: string } | { paymentIntent: string },
): Promise<PaymentRow | null> {
  const condition = 'id' in by ? sql`id = ${by.id}` : sql`payment_intent = ${by.paymentIntent}`;
  const [row] = await run<PaymentRow>(db, sql`SELECT ${columns} FROM payments WHERE ${condition}`);
  return row ?? null;
}

export type SessionRow = {
  unlockId: string;
  number: number;
  id: string | null;
  state: string;
  expiresAt: Date;
};

export async function findSession(db: Queryable, id: string): Promise<SessionRow | null> {
  const [row] = await run<SessionRow>(
    db,
    sql`SELECT unlock_id AS "unlockId", number, id, state, expires_at AS "expiresAt" FROM checkout_sessions WHERE id = ${id}`,
  );
  return row ?? null;
}

/** Sessions of an unlock that may still take money: open ones, and ones Stripe was asked for without a known answer. */
export async function findOpenSessions(db: Queryable, unlockId: string): Promise<SessionRow[]> {
  return run(
    db,
    sql`SELECT unlock_id AS "unlockId", number, id, state, expires_at AS "expiresAt" FROM checkout_sessions
    WHERE unlock_id = ${unlockId} AND state IN ('creating', 'open') ORDER BY number`,
  );
}

/** A session's state at Stripe; `complete` and `expired` are final. */
export function closeSession(sessionId: string, state: 'complete' | 'expired', name = 'session'): Part {
  return {
    name,
    statement: (when: SQL) => sql`UPDATE checkout_sessions SET state = ${state}, closed_at = now()
      WHERE id = ${sessionId} AND state IN ('creating', 'open') AND ${when}`,
  };
}

export type Capture = { paymentIntent: string; sessionId: string; amountMinor: number; currency: string };

/** The payment's row and its booking. `kept`: the one charge this unlock keeps. */
export function bookPayment(unlock: UnlockView, capture: Capture, paymentId: string, kept: boolean): Part[] {
  const insert: Part = {
    name: 'payment',
    statement: (
      when,
    ) => sql`INSERT INTO payments (id, organization_id, unlock_id, payment_intent, session_id, amount_minor, currency, kept)
      SELECT ${paymentId}::uuid, ${unlock.organizationId}::uuid, ${unlock.id}::uuid, ${capture.paymentIntent}, ${capture.sessionId},
        ${capture.amountMinor}::integer, ${capture.currency}, ${kept} WHERE ${when}`,
  };
  const { amountMinor, currency } = capture;
  const booking = {
    key: `capture-${paymentId}`,
    amountMinor,
    currency,
    to: 'stripe',
    from: kept ? 'sales' : 'refunds_due',
  } as const;
  return [insert, ...journal(unlock.organizationId, booking)];
}

/** What Stripe holds for us is in `stripe`; the others, one of each per organization, say what it is for. */
type Account = 'stripe' | 'sales' | 'refunds_due' | 'disputed';
type Booking = { key: string; amountMinor: number; currency: string; from: Account; to: Account };

/** Two entries that sum to zero. */
function journal(organizationId: string, { key, amountMinor, currency, from, to }: Booking): Part[] {
  const id = uuidv7();
  const name = (account: Account) => (account === 'stripe' ? account : `${account}:${organizationId}`);
  return [
    {
      name: 'journal',
      statement: (when) =>
        sql`INSERT INTO journals (id, key, organization_id) SELECT ${id}::uuid, ${key}, ${organizationId}::uuid WHERE ${when}`,
    },
    {
      name: 'entries',
      statement: (when) => sql`INSERT INTO journal_entries (journal_id, account, amount_minor, currency)
        SELECT ${id}::uuid, v.account, v.amount, ${currency}
        FROM (VALUES (${name(to)}::text, ${amountMinor}::bigint), (${name(from)}::text, ${-amountMinor}::bigint)) v(account, amount)
        WHERE ${when}`,
    },
  ];
}

/**
 * Takes the lowest free slot of a lead with a limit, for an unlock that still stands where it was read, and only while
 * as many are sold as were read: whoever takes the last one must know it, for it is he who says that all are sold.
 */
export function takeSlot(unlock: UnlockView): Part {
  return {
    name: 'slot',
    statement: (held) => sql`INSERT INTO sold_slots (lead_id, slot, unlock_id)
      SELECT ${unlock.leadId}::uuid, g.n, u.id
      FROM (SELECT id FROM lead_unlocks WHERE id = ${unlock.id} AND status = ${unlock.state} AND ${held} FOR UPDATE) u,
        generate_series(1, ${unlock.maxSales}::integer) AS g(n)
      WHERE NOT EXISTS (SELECT 1 FROM sold_slots s WHERE s.lead_id = ${unlock.leadId} AND s.slot = g.n)
        AND (SELECT count(*) FROM sold_slots s WHERE s.lead_id = ${unlock.leadId}) = ${unlock.soldSlots}::integer
      ORDER BY g.n LIMIT 1
      ON CONFLICT DO NOTHING RETURNING slot`,
  };
}

export const slotTaken = sql`EXISTS (SELECT 1 FROM slot)`;

/**
 * Raises the refunded amount to what Stripe reports, never lowers it, and books the difference.
 * Its guard touches no row when nothing is new.
 */
export function bookRefund(
  payment: PaymentRow,
  refundedMinor: number,
): { guard: (held: SQL) => SQL; writes: Part[] } {
  return {
    guard: (held) => sql`UPDATE payments SET refunded_minor = ${refundedMinor} WHERE id = ${payment.id}
      AND refunded_minor = ${payment.refundedMinor} AND ${refundedMinor} > refunded_minor AND ${held} RETURNING id`,
    writes: refundJournal(payment, refundedMinor),
  };
}

function refundJournal(payment: PaymentRow, refundedMinor: number): Part[] {
  return journal(payment.organizationId, {
    key: `refund-${payment.id}-${refundedMinor}`,
    amountMinor: refundedMinor - payment.refundedMinor,
    currency: payment.currency,
    from: 'stripe',
    to: accountOf(payment),
  });
}

/**
 * A sale given back in full before anything was shown is none: its slot is free again, and another charge may be kept.
 * Parts of the statement that moves the unlock; `also` holds the move back when the payment changed meanwhile, or when
 * a reveal was claimed since `unlock` was read.
 */
export function undoSale(
  unlock: UnlockView,
  payment: PaymentRow,
): { first: Part[]; also: SQL; writes: Part[] } {
  return {
    first: [
      {
        name: 'paid',
        statement: (held) => sql`SELECT id FROM payments WHERE id = ${payment.id}
          AND refunded_minor = ${payment.refundedMinor} AND kept AND ${held} FOR UPDATE`,
      },
    ],
    also: sql`reveal_claims = ${unlock.revealClaims} AND EXISTS (SELECT 1 FROM paid)`,
    writes: [
      {
        name: 'returned',
        statement: (when) =>
          sql`UPDATE payments SET refunded_minor = amount_minor, kept = false WHERE id = ${payment.id} AND ${when}`,
      },
      {
        name: 'freed',
        statement: (when) => sql`DELETE FROM sold_slots WHERE unlock_id = ${payment.unlockId} AND ${when}`,
      },
      ...refundJournal(payment, payment.amountMinor),
    ],
  };
}

/**
 * Whether the details of an unlock left the house, or may have: a reveal that was claimed and never answered counts.
 * `unclear`: nobody knows yet.
 */
export async function findReveal(db: Queryable, unlockId: string): Promise<'none' | 'unclear' | 'sent'> {
  const rows = await run<{ state: string }>(
    db,
    sql`SELECT state FROM effects WHERE unlock_id = ${unlockId} AND key LIKE 'reveal-%' AND state IN ('claimed', 'unknown', 'accepted')`,
  );
  if (rows.some((row) => row.state === 'accepted')) return 'sent';
  return rows.length > 0 ? 'unclear' : 'none';
}

/** Where the rest of a payment stands in our books. */
function accountOf({ disputedAt, kept }: PaymentRow): Account {
  if (disputedAt) return 'disputed';
  return kept ? 'sales' : 'refunds_due';
}

/** An operator looks before this buyer gets more. The first time stays. */
export function flagBuyer(unlockId: string): Part {
  return {
    name: 'flag',
    statement: (when) => sql`UPDATE buyers SET flagged_at = coalesce(flagged_at, now())
      WHERE id = (SELECT buyer_id FROM lead_unlocks WHERE id = ${unlockId}) AND ${when}`,
  };
}

/**
 * A disputed sale is none until the dispute is over: what is left of it leaves `sales`, and its buyer is flagged. Once.
 * Its guard touches no row when a refund was booked meanwhile.
 */
export function bookDispute(payment: PaymentRow): { guard: (held: SQL) => SQL; writes: Part[] } {
  const left = payment.amountMinor - payment.refundedMinor;
  const reversal = { key: `dispute-${payment.id}`, amountMinor: left, currency: payment.currency } as const;
  return {
    guard: (
      held,
    ) => sql`UPDATE payments SET disputed_at = now() WHERE id = ${payment.id} AND disputed_at IS NULL
      AND refunded_minor = ${payment.refundedMinor} AND ${held} RETURNING id`,
    writes: [
      ...(left > 0
        ? journal(payment.organizationId, { ...reversal, from: 'disputed', to: accountOf(payment) })
        : []),
      flagBuyer(payment.unlockId),
    ],
  };
}
