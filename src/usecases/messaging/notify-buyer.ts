import type { UnlockView } from '../../db/unlock/unlocks.ts';
import * as templates from '../../domain/messaging/templates.ts';
import type { Run } from '../../engine/define.ts';
import { type Outcome, skip } from '../../engine/outcome.ts';
import type { EventData } from '../../events/catalog.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';
import { tooLate } from './answering.ts';
import { courtesyOutcome, textBuyer } from './text-buyer.ts';

type BuyerNotice = EventData<'buyer.notice'>;

/** The event that asks for a notice. `key` identifies it within its kind: the same notice is sent once. */
export function buyerNotice(
  unlock: { id: string; organizationId: string },
  { notice, key, reason }: Omit<BuyerNotice, 'unlockId'>,
): EventDraft {
  return {
    type: 'buyer.notice',
    organizationId: unlock.organizationId,
    subject: subjects.unlock(unlock.id),
    data: { unlockId: unlock.id, notice, key, ...(reason ? { reason } : {}) },
  };
}

export async function sendNotice(
  { unlockId, notice, key, reason }: BuyerNotice,
  deps: Pick<Runtime, 'effects'>,
  run: Run<UnlockView>,
): Promise<Outcome> {
  const unlock = await run.subject();
  if (!unlock) return skip('no such unlock');
  // The only notice that answers a text; the others tell what happened.
  const isAnswer = notice === 'no_longer_available';
  const late = isAnswer ? tooLate(run) : null;
  if (late) return late;
  const text = {
    key: `notice-${unlockId}-${notice}-${key}`,
    purpose: notice,
    body: noticeText(unlock, notice, reason),
    isAnswer,
  };
  return courtesyOutcome(await textBuyer(unlock, text, deps, run));
}

/** What the notice says of an offer, by the reason it ended for; other reasons are not named. */
const endings: Readonly<Record<string, 'sold_out' | 'declined' | 'expired'>> = {
  sold_out: 'sold_out',
  declined: 'declined',
  ttl: 'expired',
};

function noticeText(unlock: UnlockView, notice: BuyerNotice['notice'], reason: string | undefined): string {
  const fields = { buyerName: unlock.buyerName, leadId: unlock.leadPublicId };
  const price = { minor: unlock.priceMinor, currency: unlock.currency };
  const why = reason === 'already_paid' ? 'duplicate' : 'unavailable';
  switch (notice) {
    case 'refunded':
      return templates.renderRefunded(unlock.language, { ...fields, price, reason: why });
    case 'refund_pending':
      return templates.renderRefundPending(unlock.language, { ...fields, price, reason: why });
    case 'refund_failed':
      return templates.renderRefundFailed(unlock.language, {
        ...fields,
        price,
        contact: unlock.supportContact,
      });
    case 'sold_out':
      return templates.renderNoLongerAvailable(unlock.language, { ...fields, reason: 'sold_out' });
    case 'no_longer_available':
      return templates.renderNoLongerAvailable(unlock.language, {
        ...fields,
        reason: endings[unlock.reason ?? ''],
      });
  }
}
