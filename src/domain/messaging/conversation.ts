import { isOpen, type UnlockState } from '../unlock/machine.ts';
import { isCarrierResubscribe, parseReply, type ReplyKind } from './reply.ts';

/** What was offered in one conversation (our number, their phone), as far as an answer can mean it. */
export type Offer = {
  unlockId: string;
  organizationId: string;
  /** `lead_…` */
  leadId: string;
  status: UnlockState;
  /** When its teaser went out; null: not booked yet. */
  teasedAt: Date | null;
  createdAt: Date;
  /** When it was paid or closed. */
  endedAt: Date | null;
};

export type Conversation = { optedOut: boolean; offers: readonly Offer[] };

export type ReplyVerdict = {
  /** What the text was taken for; stored with it. */
  intent: ReplyKind;
  /** The offer it is about. */
  offer: Offer | null;
  optOut: boolean;
  optIn: boolean;
  /** Nobody answers it by itself: a person should look. */
  needsOperator: boolean;
  /** Which worker is told, if any. */
  tell: 'accepted' | 'declined' | 'unclear' | 'help' | null;
};

/** A bare "Y" this long after the last offer ended still gets "no longer available"; later it is a person's matter. */
const recentMs = 7 * 24 * 3_600_000;

/**
 * What a text does (docs/contracts.md). STOP counts from anybody. Whoever is opted out buys nothing: START, YES and
 * UNSTOP re-subscribe, as the carrier does by itself, and everything else waits for a person.
 */
export function judgeReply(text: string, { optedOut, offers }: Conversation, now: Date): ReplyVerdict {
  const { kind, leadIds } = parseReply(text);
  const open = newestOpen(offers);
  const verdict: ReplyVerdict = {
    intent: kind,
    offer: open ?? newest(offers),
    optOut: false,
    optIn: false,
    needsOperator: false,
    tell: null,
  };
  const toOperator = (): ReplyVerdict => ({ ...verdict, offer: null, needsOperator: true });

  if (kind === 'stop') return { ...verdict, optOut: true };
  if (kind === 'ignored') return verdict;
  if (optedOut) {
    if (kind === 'start' || isCarrierResubscribe(text)) return { ...verdict, intent: 'start', optIn: true };
    return toOperator();
  }
  if (kind === 'start') return verdict;
  if (kind === 'help') return offers.length > 0 ? { ...verdict, tell: 'help' } : toOperator();

  const named = leadIds.length > 0;
  const meant = named ? offers.find((offer) => leadIds.includes(offer.leadId.toLowerCase())) : undefined;
  if (kind === 'accept') {
    const offer = named ? meant : (open ?? recentlyEnded(offers, now));
    if (offer) return { ...verdict, offer, tell: 'accepted' };
  }
  if (kind === 'decline') {
    const offer = named ? meant : open;
    if (offer && isOpen(offer.status)) return { ...verdict, offer, tell: 'declined' };
  }
  // Unclear, or an id that was never offered to this phone: never a purchase of something else.
  return open ? { ...verdict, intent: 'unclear', offer: open, tell: 'unclear' } : toOperator();
}

/** The newest teaser among the open offers; one whose teaser is not booked yet only when there is no other. */
function newestOpen(offers: readonly Offer[]): Offer | null {
  const open = offers.filter((offer) => isOpen(offer.status));
  const teased = open.filter((offer) => offer.teasedAt !== null);
  return newest(teased.length > 0 ? teased : open);
}

function recentlyEnded(offers: readonly Offer[], now: Date): Offer | null {
  const last = newest(offers);
  return last?.endedAt && now.getTime() - last.endedAt.getTime() <= recentMs ? last : null;
}

const age = (offer: Offer) => (offer.teasedAt ?? offer.createdAt).getTime();

function newest(offers: readonly Offer[]): Offer | null {
  return offers.reduce<Offer | null>((best, offer) => (best && age(best) >= age(offer) ? best : offer), null);
}

export type ReplyAction = 'accepted' | 'declined' | 'stopped' | 'help' | 'ignored' | 'unclear';

/** The word the sms-response API answers with; the same for a repetition, as it follows from what was stored. */
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
