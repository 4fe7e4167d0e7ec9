import { isOpen, type UnlockState } from '../unlock/machine.ts';
import { choiceIn } from './choice.ts';
import { type CarrierKeyword, isCarrierResubscribe, parseReply, type ReplyKind } from './reply.ts';

/** An offer in one conversation (our number and a buyer's phone) that a reply may refer to. */
export type Offer = {
  unlockId: string;
  organizationId: string;
  /** `lead_…` */
  leadId: string;
  status: UnlockState;
  /** When the teaser was sent; null until that is recorded. */
  teasedAt: Date | null;
  createdAt: Date;
  /** When it was paid or closed. */
  endedAt: Date | null;
};

export type Conversation = {
  /** Texts of the organizations that this reply concerns are refused. */
  optedOut: boolean;
  /** There is an opt-out that a START in this conversation lifts. */
  canOptIn: boolean;
  offers: readonly Offer[];
  /** The keyword that the carrier itself acted on, if any: its lists are configured there and outrank our reading. */
  keyword?: CarrierKeyword | null;
};

export type ReplyVerdict = {
  /** Stored with the message. */
  intent: ReplyKind;
  /** The offer the reply refers to. */
  offer: Offer | null;
  optOut: boolean;
  optIn: boolean;
  /** The reply is shown to an operator: it has no clear meaning here. */
  needsOperator: boolean;
  /** The `reply.*` event to emit, if any. */
  event: 'accepted' | 'declined' | 'unclear' | 'help' | null;
};

/** A bare "Y" within this time after the last offer ended gets "no longer available"; later ones go to an operator. */
const recentMs = 7 * 24 * 3_600_000;

/**
 * Decides what a reply does (docs/contracts.md). STOP is accepted from every phone. A phone that is opted out buys
 * nothing: START, YES and UNSTOP re-subscribe, as the carrier does too, and all other texts go to an operator.
 */
export function judgeReply(
  text: string,
  { optedOut, canOptIn, offers, keyword = null }: Conversation,
  now: Date,
): ReplyVerdict {
  const read = parseReply(text);
  // "YES" is also a carrier's word for subscribing: from a phone that is subscribed it is the answer to our question.
  const outranked = keyword !== null && !(keyword === 'start' && read.kind === 'accept' && !optedOut);
  const kind = outranked ? keyword : read.kind;
  const open = newestOpen(offers);
  const verdict: ReplyVerdict = {
    intent: kind,
    offer: open ?? newest(offers),
    optOut: false,
    optIn: false,
    needsOperator: false,
    event: null,
  };
  const toOperator = (): ReplyVerdict => ({ ...verdict, offer: null, needsOperator: true });

  if (kind === 'stop') return { ...verdict, optOut: true };
  if (kind === 'ignored') return verdict;
  if (optedOut) {
    const subscribes = kind === 'start' || isCarrierResubscribe(text);
    return subscribes && canOptIn ? { ...verdict, intent: 'start', optIn: true } : toOperator();
  }
  if (kind === 'start') return { ...verdict, intent: 'start', optIn: canOptIn };
  if (kind === 'help') return offers.length > 0 ? { ...verdict, event: 'help' } : toOperator();

  // No text answers a machine: its answer to that would be the next one.
  if (read.automatic) return { ...verdict, offer: open, needsOperator: true };

  const several = offers.filter((offer) => isCurrent(offer, now)).length > 1;
  const choice = choiceIn(
    text,
    offers.map(({ leadId }) => leadId),
    several,
  );
  const leadIds = read.leadIds.length > 0 ? read.leadIds : choice.leadIds;
  const namesLead = leadIds.length > 0;
  // "Y 2": the newest offer could be another than the one that is meant.
  const isClear = namesLead || !choice.otherwise || !several;
  const namedOffer = namesLead ? offerNamed(offers, leadIds) : null;
  if (kind === 'accept' && isClear) {
    const offer = namesLead ? namedOffer : (open ?? recentlyEnded(offers, now));
    if (offer) return { ...verdict, offer, event: 'accepted' };
  }
  if (kind === 'decline' && isClear) {
    const offer = namesLead ? namedOffer : open;
    if (offer && isOpen(offer.status)) return { ...verdict, offer, event: 'declined' };
  }
  // Unclear, or an id that was never offered to this phone: must not buy another lead.
  return open
    ? { ...verdict, intent: 'unclear', offer: open, event: 'unclear', needsOperator: true }
    : toOperator();
}

/**
 * The newest offer of a named lead. Lead ids are unique per organization only, so where several organizations offered a
 * lead with this id, the first offer counts: a later one must not take its reply.
 */
function offerNamed(offers: readonly Offer[], leadIds: readonly string[]): Offer | null {
  const named = newest(offers.filter((offer) => leadIds.includes(offer.leadId.toLowerCase())));
  const same = offers.filter((offer) => offer.leadId.toLowerCase() === named?.leadId.toLowerCase());
  const open = same.filter((offer) => isOpen(offer.status));
  return (open.length > 0 ? open : same).toSorted((a, b) => +a.createdAt - +b.createdAt)[0] ?? null;
}

/** Returns the open offer with the newest teaser, or one whose teaser is not recorded yet if there is no other. */
function newestOpen(offers: readonly Offer[]): Offer | null {
  const open = offers.filter((offer) => isOpen(offer.status));
  const teased = open.filter((offer) => offer.teasedAt !== null);
  return newest(teased.length > 0 ? teased : open);
}

function recentlyEnded(offers: readonly Offer[], now: Date): Offer | null {
  const last = newest(offers);
  return last && hasRecentlyEnded(last, now) ? last : null;
}

const hasRecentlyEnded = ({ endedAt }: Offer, now: Date): boolean =>
  endedAt !== null && now.getTime() - endedAt.getTime() <= recentMs;

const isCurrent = (offer: Offer, now: Date): boolean => isOpen(offer.status) || hasRecentlyEnded(offer, now);

const offeredAt = (offer: Offer) => (offer.teasedAt ?? offer.createdAt).getTime();

function newest(offers: readonly Offer[]): Offer | null {
  return offers.reduce<Offer | null>(
    (best, offer) => (best && offeredAt(best) >= offeredAt(offer) ? best : offer),
    null,
  );
}

export type ReplyAction = 'accepted' | 'declined' | 'stopped' | 'help' | 'ignored' | 'unclear';

/** The `action` of the sms-response API. Derived from the stored reply, so that a repeated request gets the same. */
export function actionOf(stored: { intent: string | null; unlockId: string | null }): ReplyAction {
  switch (stored.intent) {
    case 'stop':
      return 'stopped';
    case 'help':
      return 'help';
    case 'accept':
      return stored.unlockId ? 'accepted' : 'ignored';
    case 'decline':
      return stored.unlockId ? 'declined' : 'ignored';
    case 'unclear':
      return 'unclear';
    default:
      return 'ignored';
  }
}
