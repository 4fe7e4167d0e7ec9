import type { ClaimMove } from '../../db/transport/effects.ts';
import { isTexted, type UnlockView } from '../../db/unlock/unlocks.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip } from '../../engine/outcome.ts';
import type { EffectResult } from '../../engine/posting.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

export type BuyerText = {
  /** Names what the text means, never the attempt: equal keys are sent once. */
  key: string;
  purpose: string;
  body: string;
  /** Exempt from the spend cap. */
  uncapped?: boolean;
  /** Answers a text; see `answering.ts`. */
  isAnswer?: boolean;
  /** A move of the unlock that comes before the text; see `SmsRequest`. */
  move?: ClaimMove['change'];
};

/** Sends a text about an unlock to its buyer; refused with `no_phone` when the unlock has no phone. */
export async function textBuyer(
  unlock: UnlockView,
  text: BuyerText,
  { effects }: Pick<Runtime, 'effects'>,
  run: Run,
): Promise<EffectResult<null>> {
  if (!isTexted(unlock)) return { state: 'refused', code: 'no_phone' };
  return effects.sms(run.effect, {
    organizationId: unlock.organizationId,
    subject: subjects.unlock(unlock.id),
    recipient: { kind: 'buyer', id: unlock.buyerId },
    phoneId: unlock.phoneId,
    to: unlock.phone,
    ...text,
  });
}

/** The outcome of a courtesy text: a refused one is skipped, not parked. */
export function courtesyOutcome(sent: EffectResult<null>): Outcome {
  if (sent.state === 'wait') return sent.outcome;
  return sent.state === 'accepted' ? finish({}, 'text sent') : skip(`text refused (${sent.code})`);
}
