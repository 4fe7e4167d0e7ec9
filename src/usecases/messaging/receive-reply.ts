import { v7 as uuidv7 } from 'uuid';
import type { Part } from '../../db/commit.ts';
import { markOptedOut } from '../../db/messaging/phones.ts';
import {
  findOffers,
  findReply,
  type InboxSource,
  openConversation,
  optInPart,
  receiveOnce,
} from '../../db/transport/inbox.ts';
import {
  actionOf,
  judgeReply,
  type ReplyAction,
  type ReplyVerdict,
} from '../../domain/messaging/conversation.ts';
import { parseReply } from '../../domain/messaging/reply.ts';
import type { Cause, EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

export type IncomingReply = {
  source: Extract<InboxSource, 'twilio' | 'textmagic' | 'gateway'>;
  /** The sender's id of this text; the same id again is the same text. */
  externalId: string;
  ourNumber: string;
  /** E.164 as the vendor writes it. */
  from: string;
  body: string;
  /** Limits the text to offers of this organization, for texts submitted with an API key; null for all offers. */
  organizationId?: string | null;
  now: Date;
  cause: Cause | null;
};

export type ReplyAnswer = { action: ReplyAction; leadId: string | null; duplicate: boolean };

/**
 * Receives one text of a buyer, from a webhook or from a worker that fetched it: its inbox row, an opt-out and the
 * event it causes are one statement. A duplicate changes nothing and gets the first answer.
 */
export async function receiveReply(
  { db, vault, relay }: Pick<Runtime, 'db' | 'vault' | 'relay'>,
  reply: IncomingReply,
): Promise<ReplyAnswer> {
  const { ourNumber, from, body } = reply;
  const { phoneId, optedOut } = await openConversation(db, ourNumber, from);
  const { leadIds } = parseReply(body);
  const offers = await findOffers(db, ourNumber, from, leadIds, reply.organizationId ?? null);
  const judged = judgeReply(body, { optedOut, offers }, reply.now);
  // With a tenant's key only its own buyers can opt in again; a STOP counts from any number.
  const foreign = judged.optIn && offers.length === 0 && typeof reply.organizationId === 'string';
  const verdict = foreign ? { ...judged, optIn: false, needsOperator: true } : judged;

  const inboxId = uuidv7();
  const result = await relay.commit(
    {
      guard: receiveOnce({
        id: inboxId,
        source: reply.source,
        externalId: reply.externalId,
        kind: 'reply',
        organizationId: verdict.offer?.organizationId ?? reply.organizationId ?? null,
        unlockId: verdict.offer?.unlockId ?? null,
        phoneId,
        sender: vault.seal(from),
        body: vault.seal(body),
        intent: verdict.intent,
        needsOperator: verdict.needsOperator,
      }),
      writes: writesOf(verdict, phoneId),
      events: eventsOf(verdict, { phoneId, inboxId, optedOut }),
    },
    { cause: reply.cause },
  );
  if (!result.moved) {
    const first = await findReply(db, reply.source, reply.externalId);
    if (first) return { action: actionOf(first), leadId: first.leadId, duplicate: true };
  }
  return {
    action: actionOf({ intent: verdict.intent, unlockId: verdict.offer?.unlockId ?? null }),
    leadId: verdict.offer?.leadId ?? null,
    duplicate: !result.moved,
  };
}

function writesOf(verdict: ReplyVerdict, phoneId: string): Part[] {
  if (verdict.optOut) return [markOptedOut(phoneId)];
  return verdict.optIn ? [optInPart(phoneId)] : [];
}

function eventsOf(
  verdict: ReplyVerdict,
  { phoneId, inboxId, optedOut }: { phoneId: string; inboxId: string; optedOut: boolean },
): EventDraft[] {
  const organizationId = verdict.offer?.organizationId ?? null;
  const ofPhone = { organizationId, subject: subjects.phone(phoneId), data: { phoneId, inboxId } };
  if (verdict.optOut) return optedOut ? [] : [{ type: 'buyer.opted_out', ...ofPhone }];
  if (verdict.optIn) return [{ type: 'buyer.opted_in', ...ofPhone }];
  if (verdict.event === 'help') return [{ type: 'reply.help', ...ofPhone }];
  if (!verdict.event || !verdict.offer) return [];
  const { unlockId } = verdict.offer;
  return [
    {
      type: `reply.${verdict.event}`,
      organizationId,
      subject: subjects.unlock(unlockId),
      data: { unlockId, inboxId },
    },
  ];
}
