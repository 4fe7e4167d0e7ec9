import type { Part } from '../../db/commit.ts';
import { wakeOffersOf } from '../../db/marketplace/pending.ts';
import { isKnownTo, markOptedIn, markOptedOut, openConversation } from '../../db/messaging/phones.ts';
import {
  findConversation,
  findOffers,
  findReply,
  type InboxSource,
  receiveOnce,
} from '../../db/transport/inbox.ts';
import {
  actionOf,
  judgeReply,
  type Offer,
  type ReplyAction,
  type ReplyVerdict,
} from '../../domain/messaging/conversation.ts';
import { type CarrierKeyword, leadIdsIn } from '../../domain/messaging/reply.ts';
import type { Cause, EventDraft } from '../../events/envelope.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { QuotaOwner } from '../account/quotas.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'relay'>;

export type IncomingReply = {
  source: Extract<InboxSource, 'twilio' | 'textmagic' | 'gateway'>;
  /** The sender's id of this text; the same id again is the same text. */
  externalId: string;
  ourNumber: string;
  /** E.164 as the vendor writes it. */
  from: string;
  body: string;
  /** The keyword that the carrier recognized by its own lists; null when it has none, or handed the text over as any other. */
  keyword?: CarrierKeyword | null;
  /** The carrier answers this text by itself: a confirmation of STOP or START, or its help text. */
  answered?: boolean;
  now: Date;
  cause: Cause | null;
};

export type ReplyAnswer = { action: ReplyAction; leadId: string | null; duplicate: boolean };

/** The conversation a text belongs to: its phone, its opt-outs, and the organization whose key submitted the text. */
type Line = {
  /** Null for a number that the organization neither has nor has texted. */
  phoneId: string | null;
  /** Null for a text that the carrier itself reported. */
  organizationId: string | null;
  optedOutEverywhere: boolean;
  optedOut: boolean;
  canOptIn: boolean;
  offers: readonly Offer[];
};

/** Receives one text of a buyer as the carrier reported it, signed or fetched by its id: it concerns every organization. */
export async function receiveReply(deps: Deps, reply: IncomingReply): Promise<ReplyAnswer> {
  const { db } = deps;
  const { ourNumber, from } = reply;
  const leadIds = leadIdsIn(reply.body);
  const { phone, offers } = (await findConversation(db, ourNumber, from, leadIds)) ?? {
    phone: await openConversation(db, ourNumber, from),
    offers: await findOffers(db, ourNumber, from, leadIds, null),
  };
  const optedOut = phone.optedOutAt !== null;
  return storeReply(deps, reply, {
    phoneId: phone.id,
    organizationId: null,
    optedOutEverywhere: optedOut,
    optedOut,
    // The person's own word lifts also what single organizations have reported.
    canOptIn: optedOut || phone.optedOutOf.length > 0,
    offers,
  });
}

/**
 * Receives one text that an organization submits with its key. Only that organization vouches for it, so it
 * concerns the organization's own offers and texts, and from a number that it does not know the text is only stored.
 */
export async function receiveSubmittedReply(
  deps: Deps & Pick<Runtime, 'quotas'>,
  reply: IncomingReply,
  submitter: QuotaOwner,
): Promise<ReplyAnswer> {
  const { organizationId } = submitter;
  const leadIds = leadIdsIn(reply.body);
  const offers = await findOffers(deps.db, reply.ourNumber, reply.from, leadIds, organizationId);
  if (!(await isKnownTo(deps.db, organizationId, reply.ourNumber, reply.from))) {
    await deps.quotas.take('unknown_texts', submitter);
    const unknown = { optedOutEverywhere: false, optedOut: false, canOptIn: false, offers };
    return storeReply(deps, reply, { phoneId: null, organizationId, ...unknown });
  }
  const phone = await openConversation(deps.db, reply.ourNumber, reply.from);
  const optedOutEverywhere = phone.optedOutAt !== null;
  const canOptIn = phone.optedOutOf.includes(organizationId);
  const optedOut = optedOutEverywhere || canOptIn;
  return storeReply(deps, reply, {
    phoneId: phone.id,
    organizationId,
    optedOutEverywhere,
    optedOut,
    canOptIn,
    offers,
  });
}

/**
 * Stores a text: its inbox row, an opt-out and the event it causes are one statement. A duplicate changes nothing and
 * gets the first answer.
 */
async function storeReply(
  { db, vault, relay }: Deps,
  reply: IncomingReply,
  line: Line,
): Promise<ReplyAnswer> {
  const { from, body, keyword = null, answered = false } = reply;
  const verdict = judgeReply(body, { ...line, keyword }, reply.now);

  const inboxId = newId();
  const result = await relay.commit(
    {
      guard: receiveOnce({
        id: inboxId,
        source: reply.source,
        externalId: reply.externalId,
        kind: 'reply',
        organizationId: verdict.offer?.organizationId ?? line.organizationId,
        unlockId: verdict.offer?.unlockId ?? null,
        phoneId: line.phoneId,
        sender: vault.seal(from),
        body: vault.seal(body),
        intent: verdict.intent,
        needsOperator: verdict.needsOperator,
      }),
      writes: writesOf(verdict, line),
      events: eventsOf(verdict, line, { inboxId, answered }),
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

function writesOf(verdict: ReplyVerdict, { phoneId, organizationId }: Line): Part[] {
  if (phoneId === null) return [];
  if (verdict.optOut) return [markOptedOut(phoneId, organizationId)];
  return verdict.optIn ? [markOptedIn(phoneId, organizationId), wakeOffersOf(phoneId, organizationId)] : [];
}

function eventsOf(
  verdict: ReplyVerdict,
  line: Line,
  { inboxId, answered }: { inboxId: string; answered: boolean },
): EventDraft[] {
  const { phoneId, optedOut, optedOutEverywhere } = line;
  if (phoneId === null) return [];
  const organizationId = line.organizationId ?? verdict.offer?.organizationId ?? null;
  const data = {
    phoneId,
    inboxId,
    ...(line.organizationId ? { organizationId: line.organizationId } : {}),
    ...(answered ? { answeredByCarrier: true } : {}),
  };
  const ofPhone = { organizationId, subject: subjects.phone(phoneId), data };
  if (verdict.optOut) return optedOut ? [] : [{ type: 'buyer.opted_out', ...ofPhone }];
  // With a key an organization lifts its own opt-out; while the carrier's stands, nothing may be sent.
  if (verdict.optIn)
    return line.organizationId && optedOutEverywhere ? [] : [{ type: 'buyer.opted_in', ...ofPhone }];
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
