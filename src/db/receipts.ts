import { type SQL, sql } from 'drizzle-orm';
import type { EventDraft } from '../events/envelope.ts';
import { timeOfId } from '../events/envelope.ts';
import type { Queryable } from './client.ts';
import { type Change, type Part, run } from './commit.ts';
import { markBadNumber, markOptedOut } from './phones.ts';

/** What a vendor says became of a message. */
export type Receipt = {
  vendor: string;
  /** Our effect id, where the callback carries it. */
  effectId: string | null;
  vendorId: string | null;
  status: 'queued' | 'sent' | 'delivered' | 'failed';
  /** Our failure code, or the vendor's own where we have none. Null unless failed. */
  code: string | null;
  vendorCode: string | null;
};

export type ReceiptTarget = {
  id: string;
  createdAt: string;
  organizationId: string | null;
  unlockId: string | null;
  phoneId: string | null;
  purpose: string;
  status: string;
};

/** Messages live in the partition of their id's month. */
const sinceOf = (id: string) => new Date(timeOfId(id).getTime() - 1);

const columns =
  sql.raw(`m.id, m.created_at::text AS "createdAt", m.organization_id AS "organizationId", m.unlock_id AS "unlockId",
  m.phone_id AS "phoneId", m.purpose, m.status`);

/** The message a receipt is about: by our own id, else by the vendor's. Null: none of ours. */
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

const rank = (status: SQL) =>
  sql`CASE ${status} WHEN 'posting' THEN 0 WHEN 'queued' THEN 1 WHEN 'sent' THEN 2 ELSE 3 END`;

/**
 * Books a receipt: the status only moves forward, a callback counts as the vendor's acceptance of a call whose answer
 * we never saw, and a refusal for an opt-out or a dead number is remembered with the phone. Repetitions and late
 * arrivals touch no row.
 */
export function bookReceipt(message: ReceiptTarget, receipt: Receipt): Change {
  const accepted: Part = {
    name: 'accepted',
    statement: (
      when,
    ) => sql`UPDATE effects SET state = 'accepted', vendor_id = coalesce(vendor_id, ${receipt.vendorId}::text), error_code = NULL,
      updated_at = now() WHERE id = ${message.id}::uuid AND state IN ('claimed', 'unknown') AND ${when}`,
  };
  const closed: Part[] = [];
  const optedOut = receipt.code === 'opted_out';
  if (message.phoneId && optedOut) closed.push(markOptedOut(message.phoneId));
  if (message.phoneId && receipt.code === 'bad_number') closed.push(markBadNumber(message.phoneId));
  return {
    // Whoever books the vendor's answer takes the effect before its message: in another order the two would deadlock.
    first: [
      {
        name: 'effect',
        statement: () => sql`SELECT id FROM effects WHERE id = ${message.id}::uuid FOR UPDATE`,
      },
    ],
    guard: (
      held,
    ) => sql`UPDATE messages SET status = ${receipt.status}::text, vendor_id = coalesce(vendor_id, ${receipt.vendorId}::text),
        error_code = ${receipt.status === 'failed' ? (receipt.vendorCode ?? receipt.code) : null}::text, updated_at = now()
      WHERE id = ${message.id}::uuid AND created_at = ${message.createdAt}::text::timestamptz
        AND (SELECT count(*) FROM effect) >= 0 AND ${rank(sql`status`)} < ${rank(sql`${receipt.status}::text`)} AND ${held} RETURNING id`,
    writes: [accepted, ...closed],
    events: eventsOf(message, receipt, optedOut),
  };
}

function eventsOf(message: ReceiptTarget, receipt: Receipt, optedOut: boolean): EventDraft[] {
  const { id, organizationId, unlockId, purpose, phoneId } = message;
  const subject = unlockId ? `unlock:${unlockId}` : phoneId ? `phone:${phoneId}` : `message:${id}`;
  const data = { messageId: id, purpose, ...(unlockId ? { unlockId } : {}) };
  // Only the details wait for their receipt; of other texts the message row says enough.
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
    { type: 'buyer.opted_out', organizationId, subject: `phone:${phoneId}`, data: { phoneId } },
  ];
}

/** Whether the details of an unlock went out and every message with them is known to have failed. */
export async function hasRevealFailed(db: Queryable, unlockId: string): Promise<boolean> {
  const [row] = await run<{ failed: boolean }>(
    db,
    sql`SELECT coalesce(bool_and(status = 'failed'), false) AS failed FROM messages WHERE unlock_id = ${unlockId}::uuid AND purpose = 'reveal'`,
  );
  return row!.failed;
}
