import { type SQL, sql } from 'drizzle-orm';
import { statesBefore } from '../../domain/moves.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { timeOfId } from '../../events/envelope.ts';
import { idInSubject, subjects } from '../../events/subjects.ts';
import type { Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import { quoted } from '../schema/columns.ts';
import { effectMoves } from '../transport/effect-state.ts';
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
  subject: string;
  phoneId: string | null;
  purpose: string;
  status: string;
};

/** Messages live in the partition of their id's month. */
const sinceOf = (id: string) => new Date(timeOfId(id).getTime() - 1);

const columns =
  sql.raw(`m.id, m.created_at::text AS "createdAt", m.organization_id AS "organizationId", m.subject,
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

const order = ['posting', 'queued', 'sent', 'delivered', 'failed'];

/** False: its message is that far already. A status only moves forward, so what was read needs no lock. */
function isNews(message: ReceiptTarget, receipt: Receipt): boolean {
  const final = order.indexOf('delivered');
  const at = (status: string) => Math.min(order.indexOf(status), final);
  return at(message.status) < at(receipt.status);
}

const rank = (status: SQL) =>
  sql`CASE ${status} WHEN 'posting' THEN 0 WHEN 'queued' THEN 1 WHEN 'sent' THEN 2 ELSE 3 END`;

/**
 * Takes in a receipt: one that nothing follows from is booked in the statement that finds its message. Otherwise its
 * message, to be booked with what follows (bookReceipt). Null: booked, nothing new, or none of ours.
 */
export async function takeReceipt(db: Queryable, receipt: Receipt): Promise<ReceiptTarget | null> {
  const { effectId, status } = receipt;
  // `queued` is hardly ever news: a look without a lock is enough.
  const plain = effectId !== null && (status === 'sent' || status === 'delivered');
  const message =
    (plain ? await bookPlain(db, { ...receipt, effectId }) : null) ?? (await findReceiptTarget(db, receipt));
  return message && isNews(message, receipt) ? message : null;
}

/** The message as it stands then. Whoever books the vendor's answer takes the effect first, and so it is done here. */
async function bookPlain(
  db: Queryable,
  receipt: Receipt & { effectId: string },
): Promise<ReceiptTarget | null> {
  const { effectId, vendorId, status } = receipt;
  const since = sinceOf(effectId);
  const here = sql`m.id = ${effectId}::uuid AND m.created_at >= ${since}::timestamptz AND m.created_at < ${since}::timestamptz + interval '2 days'`;
  const forward = sql`${rank(sql`m.status`)} < ${rank(sql`${status}::text`)}`;
  const [row] = await run<ReceiptTarget & { booked: string | null }>(
    db,
    sql`WITH effect AS (
      SELECT e.id FROM effects e JOIN messages m ON m.id = e.id
      WHERE ${here} AND ${forward} AND ${status === 'delivered' ? sql`m.purpose <> 'reveal'` : sql`true`} FOR UPDATE OF e),
    booked AS (
      UPDATE messages m SET status = ${status}::text, vendor_id = coalesce(m.vendor_id, ${vendorId}::text), error_code = NULL, updated_at = now()
      FROM effect WHERE m.id = effect.id AND ${here} AND ${forward} RETURNING m.status),
    accepted AS (${acceptEffect(effectId, vendorId, sql`EXISTS (SELECT 1 FROM booked)`)})
    SELECT ${columns}, (SELECT b.status FROM booked b) AS booked FROM messages m WHERE ${here}`,
  );
  return row ? { ...row, status: row.booked ?? row.status } : null;
}

/** A callback counts as the vendor's acceptance of a call whose answer we never saw. */
const acceptEffect = (effectId: string, vendorId: string | null, when: SQL) =>
  sql`UPDATE effects SET state = 'accepted', vendor_id = coalesce(vendor_id, ${vendorId}::text), error_code = NULL,
    updated_at = now() WHERE id = ${effectId}::uuid AND state IN (${quoted(statesBefore(effectMoves, 'accepted'))}) AND ${when}`;

/**
 * Books a receipt: the status only moves forward, a callback counts as the vendor's acceptance of a call whose answer
 * we never saw, and a refusal for an opt-out or a dead number is remembered with the phone. Repetitions and late
 * arrivals touch no row.
 */
export function bookReceipt(message: ReceiptTarget, receipt: Receipt): Change {
  const accepted: Part = {
    name: 'accepted',
    statement: (when) => acceptEffect(message.id, receipt.vendorId, when),
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
  const { id, organizationId, subject, purpose, phoneId } = message;
  const unlockId = idInSubject('unlock', subject);
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
    { type: 'buyer.opted_out', organizationId, subject: subjects.phone(phoneId), data: { phoneId } },
  ];
}
