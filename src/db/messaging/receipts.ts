import { type SQL, sql } from 'drizzle-orm';
import { statesBefore } from '../../domain/moves.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { timeOfId } from '../../events/envelope.ts';
import { idInSubject, subjects } from '../../events/subjects.ts';
import { inBatches, perDatabase } from '../batches.ts';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import { quoted } from '../schema/columns.ts';
import { effectMoves } from '../transport/effect-state.ts';
import { lockLine, markBadNumber, markOptedOut } from './phones.ts';

/** A delivery status reported by a vendor. */
export type Receipt = {
  vendor: string;
  /** Our effect id, when the callback carries it. */
  effectId: string | null;
  vendorId: string | null;
  status: 'queued' | 'sent' | 'delivered' | 'failed';
  /** Our failure code, or the vendor's when it has no equivalent. Null unless failed. */
  code: string | null;
  vendorCode: string | null;
};

export type ReceiptTarget = {
  id: string;
  createdAt: string;
  organizationId: string | null;
  subject: string;
  phoneId: string | null;
  purpose: string;
  status: string;
};

/** A message is in the partition of its id's month. */
const sinceOf = (id: string) => new Date(timeOfId(id).getTime() - 1);

const columns =
  sql.raw(`m.id, m.created_at::text AS "createdAt", m.organization_id AS "organizationId", m.subject,
  m.phone_id AS "phoneId", m.purpose, m.status`);

/** Finds the message of a receipt by our id, otherwise by the vendor's. Returns null when there is none. */
export async function findReceiptTarget(db: Queryable, receipt: Receipt): Promise<ReceiptTarget | null> {
  if (receipt.effectId) {
    const [row] = await run<ReceiptTarget>(
      db,
      sql`SELECT ${columns} FROM messages m WHERE m.id = ${receipt.effectId}::uuid
        AND m.created_at >= ${sinceOf(receipt.effectId)}::timestamptz AND m.created_at < ${sinceOf(receipt.effectId)}::timestamptz + interval '2 days'`,
    );
    if (row) return row;
  }
  if (!receipt.vendorId) return null;
  const [row] = await run<ReceiptTarget>(
    db,
    sql`SELECT ${columns} FROM messages m JOIN effects e ON e.id = m.id
      WHERE m.vendor_id = ${receipt.vendorId} AND e.vendor = ${receipt.vendor} ORDER BY m.created_at DESC LIMIT 1`,
  );
  return row ?? null;
}

const order = ['posting', 'queued', 'sent', 'delivered', 'failed'];

/** Returns false when the message already has this or a later status. Needs no lock: a status only moves forward. */
function isNews(message: ReceiptTarget, receipt: Receipt): boolean {
  const final = order.indexOf('delivered');
  const at = (status: string) => Math.min(order.indexOf(status), final);
  return at(message.status) < at(receipt.status);
}

const rank = (status: SQL) =>
  sql`CASE ${status} WHEN 'posting' THEN 0 WHEN 'queued' THEN 1 WHEN 'sent' THEN 2 ELSE 3 END`;

type OwnReceipt = Receipt & { effectId: string };

/** Two statements at a time, so that a slow one does not stop all others. */
const takenTogether = { atOnce: 2, most: 100 };

const takerOf = perDatabase((db) =>
  inBatches(async (receipts: OwnReceipt[]): Promise<(ReceiptTarget | null)[]> => {
    const found: (ReceiptTarget | null)[] = [];
    for (const [first, last] of withoutRepeats(receipts.map(({ effectId }) => effectId)))
      found.push(...(await bookPlain(db, receipts.slice(first, last))));
    return found;
  }, takenTogether),
);

/** Cuts a list into ranges [first, last) of which none holds a value twice. */
function withoutRepeats(values: readonly string[]): [number, number][] {
  const ranges: [number, number][] = [];
  let seen = new Set<string>();
  let first = 0;
  for (const [index, value] of values.entries()) {
    if (seen.has(value)) {
      ranges.push([first, index]);
      first = index;
      seen = new Set();
    }
    seen.add(value);
  }
  ranges.push([first, values.length]);
  return ranges;
}

/**
 * Receives a receipt. A receipt without further effects is recorded by the statement that finds its message, together
 * with others that arrive under load. Otherwise returns the message, to be recorded with its effects (bookReceipt).
 * Returns null when the receipt was recorded, is not new, or belongs to no message of ours.
 */
export async function takeReceipt(db: Queryable, receipt: Receipt): Promise<ReceiptTarget | null> {
  const { effectId } = receipt;
  const own = effectId === null ? null : await takerOf(db)({ ...receipt, effectId });
  const message = own ?? (await findReceiptTarget(db, { ...receipt, effectId: null }));
  return message && isNews(message, receipt) ? message : null;
}

const dayMs = 86_400_000;

/**
 * Returns the message of each receipt, updated where the receipt has no further effects: sent, or delivered unless the
 * delivery of the details follows from it. No two receipts may be of one message. Locks each effect before its message,
 * as recording the vendor's response does, and leaves out one that is locked: its receipt is recorded by itself, and only
 * it waits.
 */
async function bookPlain(db: Queryable, receipts: readonly OwnReceipt[]): Promise<(ReceiptTarget | null)[]> {
  const ids = receipts.map(({ effectId }) => effectId);
  const times = ids.map((id) => timeOfId(id).getTime());
  const given = receipts.map(({ effectId: id, status, vendorId }) => ({ id, status, vendor_id: vendorId }));
  // Names the partitions, so that only those are planned and locked.
  const here = sql`m.id = ANY(${sql.param(ids)}::uuid[])
    AND m.created_at >= ${new Date(Math.min(...times) - 1)}::timestamptz AND m.created_at < ${new Date(Math.max(...times) + 2 * dayMs)}::timestamptz`;
  const forward = sql`${rank(sql`m.status`)} < ${rank(sql`g.status`)}`;
  // `queued` rarely changes anything, so a read without a lock suffices.
  const isRead = receipts.every(({ status }) => status !== 'sent' && status !== 'delivered');
  const rows = await run<ReceiptTarget & { booked: string | null }>(
    db,
    isRead
      ? sql`SELECT ${columns}, NULL AS booked FROM messages m WHERE ${here}`
      : sql`WITH given AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb) AS g(id uuid, status text, vendor_id text)),
    effect AS (
      SELECT e.id, g.status, g.vendor_id FROM messages m JOIN given g ON g.id = m.id JOIN effects e ON e.id = m.id
      WHERE ${here} AND ${forward} AND (g.status = 'sent' OR g.status = 'delivered' AND m.purpose <> 'reveal')
      FOR UPDATE OF e SKIP LOCKED),
    booked AS (
      UPDATE messages m SET status = g.status, vendor_id = coalesce(m.vendor_id, g.vendor_id), error_code = NULL, updated_at = now()
      FROM effect g WHERE m.id = g.id AND ${here} AND ${forward} RETURNING m.id, m.status, g.vendor_id),
    accepted AS (
      UPDATE effects SET state = 'accepted', vendor_id = coalesce(effects.vendor_id, b.vendor_id), error_code = NULL, updated_at = now()
      FROM booked b WHERE effects.id = b.id AND effects.state IN (${quoted(statesBefore(effectMoves, 'accepted'))}))
    SELECT ${columns}, b.status AS booked FROM messages m LEFT JOIN booked b ON b.id = m.id WHERE ${here}`,
  );
  const byId = new Map(rows.map(({ booked, ...row }) => [row.id, { ...row, status: booked ?? row.status }]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** A callback counts as the vendor's acceptance of a call whose response was lost. */
const acceptEffect = (effectId: string, vendorId: string | null, when: SQL) =>
  sql`UPDATE effects SET state = 'accepted', vendor_id = coalesce(vendor_id, ${vendorId}::text), error_code = NULL,
    updated_at = now() WHERE id = ${effectId}::uuid AND state IN (${quoted(statesBefore(effectMoves, 'accepted'))}) AND ${when}`;

/**
 * Records a receipt: the status only moves forward, a callback counts as the vendor's acceptance of a call whose
 * response was lost, and a refusal for an opt-out or an invalid number is stored with the phone. Duplicate and late
 * receipts match no row.
 */
export function bookReceipt(message: ReceiptTarget, receipt: Receipt): Change {
  const accepted: Part = {
    name: 'accepted',
    statement: (when) => acceptEffect(message.id, receipt.vendorId, when),
  };
  const optedOut = receipt.code === 'opted_out';
  const line = message.phoneId === null ? null : closingLine(message.phoneId, receipt.code);
  return {
    // The order of a claim and of the recording of its response: phone, effect, message. Any other could deadlock.
    first: [
      ...(line ? [line.lock] : []),
      {
        name: 'effect',
        statement: () => sql`SELECT id FROM effects WHERE id = ${message.id}::uuid
          ${line ? sql`AND (SELECT count(*) FROM line) >= 0` : sql``} FOR UPDATE`,
      },
    ],
    guard: (
      held,
    ) => sql`UPDATE messages SET status = ${receipt.status}::text, vendor_id = coalesce(vendor_id, ${receipt.vendorId}::text),
        error_code = ${receipt.status === 'failed' ? (receipt.vendorCode ?? receipt.code) : null}::text, updated_at = now()
      WHERE id = ${message.id}::uuid AND created_at = ${message.createdAt}::text::timestamptz
        AND (SELECT count(*) FROM effect) >= 0 AND ${rank(sql`status`)} < ${rank(sql`${receipt.status}::text`)} AND ${held} RETURNING id`,
    writes: line ? [accepted, line.close] : [accepted],
    events: eventsOf(message, receipt, optedOut),
  };
}

/** For a refusal that holds for the phone: the lock of its row, named `line`, and its change. */
function closingLine(phoneId: string, code: string | null): { lock: Part; close: Part } | null {
  if (code === 'opted_out') return { lock: lockLine(phoneId), close: markOptedOut(phoneId, null) };
  return code === 'bad_number' ? { lock: lockLine(phoneId), close: markBadNumber(phoneId) } : null;
}

function eventsOf(message: ReceiptTarget, receipt: Receipt, optedOut: boolean): EventDraft[] {
  const { id, organizationId, subject, purpose, phoneId } = message;
  const unlockId = idInSubject('unlock', subject);
  const data = { messageId: id, purpose, ...(unlockId ? { unlockId } : {}) };
  // Only a reveal acts on its delivery receipt; for other texts the message row is sufficient.
  if (receipt.status === 'delivered')
    return purpose === 'reveal' ? [{ type: 'message.delivered', organizationId, subject, data }] : [];
  if (receipt.status !== 'failed') return [];
  const failed: EventDraft = {
    type: 'message.failed',
    organizationId,
    subject,
    data: { ...data, code: receipt.code ?? receipt.vendorCode ?? 'failed' },
  };
  if (!optedOut || !phoneId) return [failed];
  return [
    failed,
    { type: 'buyer.opted_out', organizationId, subject: subjects.phone(phoneId), data: { phoneId } },
  ];
}
