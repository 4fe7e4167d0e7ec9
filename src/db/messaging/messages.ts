import { type SQL, sql } from 'drizzle-orm';
import type { Recipient } from '../../domain/recipient.ts';
import { timeOfId } from '../../events/envelope.ts';
import type { Queryable } from '../client.ts';
import { type Part, run } from '../commit.ts';
import type { ClaimGuard, ClaimWrite, EffectOutcome } from '../transport/effects.ts';

/** The record of one text or e-mail. It has the id of its effect and is written in the effect's own statements. */
export type MessageDraft = {
  organizationId: string | null;
  /** Subject, in the format of events: `unlock:<id>`. */
  subject: string;
  recipient: Recipient;
  phoneId: string | null;
  channel: 'sms' | 'email';
  purpose: string;
  /** Sealed. */
  address: string;
  body: string;
};

/** The message of an effect that is claimed for the first time. */
export function messageOf(effectId: string, message: MessageDraft): ClaimWrite {
  return {
    name: 'message',
    statement: ({
      inserted,
    }) => sql`INSERT INTO messages (id, created_at, organization_id, subject, recipient_kind, recipient_id, phone_id,
        channel, purpose, recipient, body, status)
      SELECT ${effectId}::uuid, ${timeOfId(effectId)}::timestamptz, ${message.organizationId}::uuid, ${message.subject},
        ${message.recipient.kind}, ${'id' in message.recipient ? message.recipient.id : null}::uuid, ${message.phoneId}::uuid,
        ${message.channel}, ${message.purpose}, ${message.address}, ${message.body}, 'posting' WHERE ${inserted}`,
  };
}

/** A message is in the partition of its id's timestamp; the bounds exclude all others from the plan. */
const since = (id: string) => new Date(timeOfId(id).getTime() - 1);
const until = (id: string) => new Date(timeOfId(id).getTime() + 86_400_000);

const statusAfter = {
  accepted: 'queued',
  refused: 'failed',
  released: 'posting',
  unknown: 'posting',
} as const;

/** Records the vendor's response on the message. A status set by a callback is kept. */
export function bookMessage(effectId: string, outcome: EffectOutcome): Part {
  const vendorId = outcome.state === 'accepted' ? outcome.vendorId : null;
  const errorCode = outcome.state === 'accepted' ? null : outcome.errorCode;
  return {
    name: 'message',
    statement: (
      when,
    ) => sql`UPDATE messages SET status = ${statusAfter[outcome.state]}, vendor_id = coalesce(vendor_id, ${vendorId}::text),
        error_code = ${errorCode}::text, updated_at = now()
      WHERE id = ${effectId}::uuid AND created_at >= ${since(effectId)}::timestamptz AND created_at < ${until(effectId)}::timestamptz
        AND status = 'posting' AND ${when}`,
  };
}

/** The sealed text as first posted, used to search the vendor's listing and to post again. */
export async function findPostedBody(db: Queryable, effectId: string): Promise<string | null> {
  const [row] = await run<{ body: string | null }>(
    db,
    sql`SELECT body FROM messages WHERE id = ${effectId}::uuid AND created_at >= ${since(effectId)}::timestamptz
      AND created_at < ${until(effectId)}::timestamptz`,
  );
  return row?.body ?? null;
}

export type Line = {
  phoneId: string;
  /** Whose text it is. */
  organizationId: string | null;
  /** The one confirmation of an opt-out may go to an opted-out phone. */
  ignoreOptOut: boolean;
};

/**
 * An opt-out updates this row and a claim locks it FOR SHARE: once the opt-out is committed, no SMS is claimed. The opt-outs
 * of single organizations are in the row too, because a claim that waited for its lock reads only this row again.
 */
export function openLine(line: Line): ClaimGuard {
  return {
    name: 'line',
    statement: sql`SELECT id FROM phones WHERE id = ${line.phoneId} AND bad_number_at IS NULL
    AND (${line.ignoreOptOut} OR opted_out_at IS NULL AND NOT opted_out_of @> ARRAY[${line.organizationId}::uuid]) FOR SHARE`,
    refusal: async (db) => ((await isOptedOut(db, line)) ? 'opted_out' : 'bad_number'),
  };
}

async function isOptedOut(db: Queryable, { phoneId, organizationId }: Line): Promise<boolean> {
  const [row] = await run<{ out: boolean }>(
    db,
    sql`SELECT opted_out_at IS NOT NULL OR opted_out_of @> ARRAY[${organizationId}::uuid] AS out FROM phones WHERE id = ${phoneId}`,
  );
  return row?.out ?? true;
}

/**
 * Spend cap per organization and UTC day, and per organization, number and hour: no organization uses up another's. An
 * answer to a text may use half of what a number is sent in an hour, so that offers always find the other half.
 */
export function underCap(organizationId: string | null, phoneId: string, isAnswer: boolean): ClaimGuard {
  const perHour = sql.raw(isAnswer ? 'g.sms_per_number_hour / 2' : 'g.sms_per_number_hour');
  return {
    name: 'cap',
    statement: sql`SELECT 1 FROM organizations g WHERE g.id = ${organizationId}
    AND g.sms_per_day > (SELECT coalesce(sum(c.sent), 0) FROM sms_counters c WHERE c.organization_id = g.id
      AND c.day = ${today})
    AND ${perHour} > (SELECT count(*) FROM messages m WHERE m.phone_id = ${phoneId} AND m.organization_id = g.id
      AND m.created_at > now() - interval '1 hour')`,
    refusal: async () => 'capped',
  };
}

const today: SQL = sql.raw("to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')");
/** Rows per organization and day, so that concurrent posts do not wait for each other. */
const counterShards = 16;

/** Counts posts: a 429 or a refused connection is not one, so the next claim after it is not counted again. */
export function countText(organizationId: string): ClaimWrite {
  return {
    name: 'counted',
    statement: ({ posted }) => sql`INSERT INTO sms_counters (organization_id, day, shard, sent)
      SELECT ${organizationId}, ${today}, ${Math.floor(Math.random() * counterShards)}::integer, 1 WHERE ${posted}
      ON CONFLICT (organization_id, day, shard) DO UPDATE SET sent = sms_counters.sent + 1`,
  };
}
