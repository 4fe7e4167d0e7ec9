import type { UnlockView } from '../../db/unlock/unlocks.ts';
import { type RevealFields, renderReveal, renderRevealEmail } from '../../domain/messaging/templates.ts';
import type { Run } from '../../engine/define.ts';
import type { Runtime } from '../../engine/runtime.ts';

type Deps = Pick<Runtime, 'effects' | 'vault'>;
type Contact = {
  name: string | null;
  phone: string | null;
  email: string | null;
  address: string | null;
  notes: string | null;
};

/** The details of a paid unlock. Throws when the contact was erased: callers check before they promise it. */
function fieldsOf(unlock: UnlockView, { vault }: Deps): RevealFields {
  if (!unlock.contact) throw new Error('the contact of this lead was erased');
  return { ...vault.openJson<Contact>(unlock.contact), buyerName: unlock.buyerName, footer: unlock.footer };
}

/** Exempt from the spend cap the first time: it was paid for. */
export function textDetails(unlock: UnlockView, key: string, deps: Deps, run: Run) {
  return deps.effects.sms(run.effect, {
    key,
    purpose: 'reveal',
    organizationId: unlock.organizationId,
    unlockId: unlock.id,
    buyerId: unlock.buyerId,
    phoneId: unlock.phoneId,
    to: unlock.phone,
    body: renderReveal(unlock.language, fieldsOf(unlock, deps)),
    uncapped: key === firstKey(unlock.id),
  });
}

export function mailDetails(unlock: UnlockView & { buyerEmail: string }, key: string, deps: Deps, run: Run) {
  return deps.effects.email(run.effect, {
    key,
    purpose: 'reveal',
    recipientKind: 'buyer',
    organizationId: unlock.organizationId,
    unlockId: unlock.id,
    buyerId: unlock.buyerId,
    to: unlock.buyerEmail,
    ...renderRevealEmail(unlock.language, { ...fieldsOf(unlock, deps), leadId: unlock.leadPublicId }),
  });
}

export function hasEmail(unlock: UnlockView): unlock is UnlockView & { buyerEmail: string } {
  return unlock.buyerEmail !== null && unlock.buyerEmail !== '';
}

/** The one text every purchase gets. */
export const firstKey = (unlockId: string) => `reveal-${unlockId}`;

/** The one fallback e-mail of an unlock, whoever finds out first that its SMS cannot be delivered. */
export const fallbackKey = (unlockId: string) => `reveal-email-${unlockId}`;
