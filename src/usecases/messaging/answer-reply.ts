import { type ConversationOwner, findConversationOwner } from '../../db/messaging/conversations.ts';
import type { UnlockView } from '../../db/unlock/unlocks.ts';
import * as templates from '../../domain/messaging/templates.ts';
import { isOpen } from '../../domain/unlock/machine.ts';
import type { Run } from '../../engine/define.ts';
import { type Outcome, skip } from '../../engine/outcome.ts';
import type { Runtime } from '../runtime.ts';
import { courtesyOutcome, textBuyer } from './text-buyer.ts';

type Deps = Pick<Runtime, 'db' | 'effects' | 'sms'>;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Answers a text without a clear intent: one help text per number, organization and day. */
export async function answerUnclear(deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  const unlock = await run.subject();
  if (!unlock || !isOpen(unlock.state)) return skip('the offer is no longer open');
  const day = Math.floor(run.since.getTime() / dayMs);
  const body = templates.renderUnclear(unlock.language, {
    leadId: unlock.leadPublicId,
    contact: unlock.supportContact,
  });
  const key = `unclear-${unlock.phoneId}-${unlock.organizationId}-${day}`;
  return courtesyOutcome(await textBuyer(unlock, { key, purpose: 'help', body }, deps, run));
}

/** Answers HELP: once per number and hour. */
export async function answerHelp(
  event: { phoneId: string; organizationId?: string | undefined },
  deps: Deps,
  run: Run<UnlockView>,
): Promise<Outcome> {
  return answer(event, deps, run, (owner) => ({
    key: hourlyKey('help', event, run),
    purpose: 'help',
    body: templates.renderHelp(owner.language, {
      organization: owner.organization,
      contact: owner.supportContact,
    }),
  }));
}

/** `organizationId`: the organization that submitted the text, whose texts alone it concerns. */
type OptEvent = { phoneId: string; inboxId?: string | undefined; organizationId?: string | undefined };

/** Texts that an organization submits share no answer with another's, and cause no more than one an hour. */
function hourlyKey(
  word: string,
  { phoneId, organizationId }: Pick<OptEvent, 'phoneId' | 'organizationId'>,
  run: Run<UnlockView>,
): string {
  const hour = Math.floor(run.since.getTime() / hourMs);
  return [word, phoneId, ...(organizationId ? [organizationId] : []), hour].join('-');
}

const optKey = (word: string, event: OptEvent, run: Run<UnlockView>) =>
  event.organizationId ? hourlyKey(word, event, run) : `${word}-${event.inboxId}`;

/** Confirms STOP: the one text that may go to a number that has opted out. */
export async function confirmOptOut(event: OptEvent, deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  if (deps.sms.confirmsOptOut || !event.inboxId) return skip('the carrier sends the confirmation');
  return answer(event, deps, run, (owner) => ({
    key: optKey('stop', event, run),
    purpose: 'stop_confirmed',
    body: templates.renderStopConfirmed(owner.language, { organization: owner.organization }),
    ignoreOptOut: true,
    uncapped: true,
  }));
}

/** Confirms START. */
export async function confirmOptIn(event: OptEvent, deps: Deps, run: Run<UnlockView>): Promise<Outcome> {
  if (deps.sms.confirmsOptOut || !event.inboxId) return skip('the carrier sends the confirmation');
  return answer(event, deps, run, (owner) => ({
    key: optKey('start', event, run),
    purpose: 'start_confirmed',
    body: templates.renderStartConfirmed(owner.language, { organization: owner.organization }),
  }));
}

type Answer = { key: string; purpose: string; body: string; ignoreOptOut?: boolean; uncapped?: boolean };

/** Answers in the name of the organization that submitted the text, or that made the latest offer to this number. */
async function answer(
  { phoneId, organizationId = null }: { phoneId: string; organizationId?: string | null | undefined },
  { db, effects }: Deps,
  run: Run<UnlockView>,
  textFor: (owner: ConversationOwner) => Answer,
): Promise<Outcome> {
  const owner = await findConversationOwner(db, phoneId, organizationId);
  if (!owner) return skip('no offer was ever made to this number');
  return courtesyOutcome(await effects.sms(run.effect, { ...owner.line, ...textFor(owner) }));
}
