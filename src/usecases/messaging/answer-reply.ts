import {
  type ConversationOwner,
  findConversationOwner,
  weConfirmedOptOut,
} from '../../db/messaging/conversations.ts';
import { findPhone, optOutTime } from '../../db/messaging/phones.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import * as templates from '../../domain/messaging/templates.ts';
import { isOpen } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { type Outcome, skip } from '../../engine/outcome.ts';
import type { Runtime } from '../runtime.ts';
import { dayOf, tooLate } from './answering.ts';
import { courtesyOutcome, textBuyer } from './text-buyer.ts';
import type { SmsRequest } from './texting.ts';

type Deps = Pick<Runtime, 'db' | 'effects'>;

/** Answers a text without a clear intent: one help text per number, organization and day. */
export async function answerUnclear(deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  const unlock = await run.subject();
  if (!unlock || !isOpen(unlock.state)) return skip('the offer is no longer open');
  const body = templates.renderUnclear(unlock.language, {
    leadId: unlock.leadPublicId,
    contact: unlock.supportContact,
  });
  const key = `unclear-${unlock.phoneId}-${unlock.organizationId}-${dayOf(run)}`;
  return (
    tooLate(run) ??
    courtesyOutcome(await textBuyer(unlock, { key, purpose: 'help', body, isAnswer: true }, deps, run))
  );
}

/** An event of a phone. `organizationId`: the organization that submitted the text, whose texts alone it concerns. */
type PhoneEvent = {
  phoneId: string;
  inboxId?: string | undefined;
  organizationId?: string | undefined;
  /** The carrier has sent the answer. */
  answeredByCarrier?: boolean | undefined;
};

/** Texts that an organization submits share no answer with another's, and each answer is sent once a day. */
const dailyKey = (word: string, { phoneId, organizationId }: PhoneEvent, run: Run<UnlockView>): string =>
  [word, phoneId, ...(organizationId ? [organizationId] : []), dayOf(run)].join('-');

/** Answers HELP: once per number and day. */
export async function answerHelp(event: PhoneEvent, deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  if (event.answeredByCarrier) return skip('the carrier sends its help text');
  return (
    tooLate(run) ??
    answer(event, deps, run, (owner) => ({
      key: dailyKey('help', event, run),
      purpose: 'help',
      body: templates.renderHelp(owner.language, {
        organization: owner.organization,
        contact: owner.supportContact,
      }),
      isAnswer: true,
    }))
  );
}

/**
 * Confirms an opt-out, unless the carrier does: the one text that may go to a number that has opted out. Its key is the
 * opt-out itself, so that two texts that opt out at the same moment are confirmed once.
 */
export async function confirmOptOut(event: PhoneEvent, deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  if (event.answeredByCarrier || !event.inboxId) return skip('the carrier sends the confirmation');
  const { phoneId, organizationId = null } = event;
  const phone = await findPhone(deps.db, phoneId);
  const since = phone && optOutTime(phone, organizationId);
  if (!since) return skip('the opt-out was lifted');
  return answer(event, deps, run, (owner) => ({
    key: ['stop', phoneId, ...(organizationId ? [organizationId] : []), since].join('-'),
    purpose: 'stop_confirmed',
    body: templates.renderStopConfirmed(owner.language, { organization: owner.organization }),
    ignoreOptOut: true,
    // An organization can submit STOP and START in turn, as many as it likes: within its own cap.
    uncapped: organizationId === null,
  }));
}

/** Confirms START, unless the carrier does, which only confirms after an opt-out that it handled: once per number and day. */
export async function confirmOptIn(event: PhoneEvent, deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  const byCarrier = event.answeredByCarrier && !(await weConfirmedOptOut(deps.db, event.phoneId));
  if (byCarrier || !event.inboxId) return skip('the carrier sends the confirmation');
  return (
    tooLate(run) ??
    answer(event, deps, run, (owner) => ({
      key: dailyKey('start', event, run),
      purpose: 'start_confirmed',
      body: templates.renderStartConfirmed(owner.language, { organization: owner.organization }),
      isAnswer: true,
    }))
  );
}

type Answer = Pick<SmsRequest, 'key' | 'purpose' | 'body' | 'ignoreOptOut' | 'uncapped' | 'isAnswer'>;

/** Answers in the name of the organization that submitted the text, or that made the latest offer to this number. */
async function answer(
  { phoneId, organizationId }: PhoneEvent,
  { db, effects }: Deps,
  run: Run<UnlockView>,
  textFor: (owner: ConversationOwner) => Answer,
): Promise<Outcome> {
  const owner = await findConversationOwner(db, phoneId, organizationId ?? null);
  if (!owner) return skip('no offer was ever made to this number');
  return courtesyOutcome(await effects.sms(run.effect, { ...owner.line, ...textFor(owner) }));
}
