import { unlockSubject } from '../db/unlock/subject.ts';
import { isTexted, moveUnlock, type UnlockView } from '../db/unlock/unlocks.ts';
import { renderTeaser } from '../domain/messaging/templates.ts';
import { decide } from '../domain/unlock/machine.ts';
import { defineWorker } from '../engine/define.ts';
import { finish, type Outcome, park, skip } from '../engine/outcome.ts';
import { subjects } from '../events/subjects.ts';
import { textBuyer } from '../usecases/messaging/text-buyer.ts';
import type { Runtime } from '../usecases/runtime.ts';
import { closeOffer } from '../usecases/unlock/close.ts';

type Deps = Pick<Runtime, 'effects'>;

/** Sends the teaser of an offer: NEW_LEAD -> TEASER_SENT -> AWAIT_CONFIRM. */
export const teaserSender = defineWorker<'teaser-sender', Deps, UnlockView>({
  name: 'teaser-sender',
  about: unlockSubject,
  concurrency: 20,
  timeoutMs: 20_000,
  attempts: 12,
  // Only teasers are rate limited: under load, new offers are delayed instead of replies to buyers.
  limiter: { max: 500, duration: 1_000 },
  handle: {
    async 'unlock.offered'(_event, deps, run) {
      const unlock = await run.subject();
      if (!unlock) return skip('no such unlock');
      if (!isTexted(unlock)) return skip('the buyer is not texted');
      const decision = decide(unlock, { type: 'tease' }, run.now);
      if (decision.kind !== 'move') return skip('already teased or closed');
      if (run.now >= unlock.ttlExpiresAt) return skip('offer TTL expired');

      // Keyed without the attempt number: a retry must not text the buyer twice.
      const body = renderTeaser(unlock.language, {
        ...unlock,
        leadId: unlock.leadPublicId,
        price: { minor: unlock.priceMinor, currency: unlock.currency },
      });
      const text = { key: `teaser-${unlock.id}`, purpose: 'teaser', body };
      const sent = await textBuyer(unlock, text, deps, run);
      if (sent.state === 'wait') return sent.outcome;
      if (sent.state === 'refused') return closeUnreachable(unlock, sent.code, run.now);
      return finish(moveUnlock(unlock, decision), 'teaser accepted by the carrier');
    },
  },
});

/** Ends the offer when the carrier cannot deliver to this number; the effect records the reason with the phone. */
function closeUnreachable(unlock: UnlockView, code: string, now: Date): Outcome {
  // The lead of a campaign is reserved: it goes to the next buyer instead of waiting for an operator.
  if (unlock.campaignId !== null && code !== 'opted_out')
    return closeOffer(unlock, { type: 'undeliverable' }, now, `the teaser was refused (${code})`);
  if (code === 'opted_out') return closeOffer(unlock, { type: 'opt_out' }, now, 'the number has opted out');
  if (code === 'bad_number')
    return closeOffer(unlock, { type: 'undeliverable' }, now, 'the number cannot receive texts');
  return park(`the teaser was refused (${code}) on ${subjects.unlock(unlock.id)}`);
}
