import type { EmailGateway } from '../../adapters/email.ts';
import type { FoundSms, SmsGateway } from '../../adapters/sms.ts';
import type { Queryable } from '../../db/client.ts';
import { commitChange } from '../../db/commit.ts';
import {
  bookMessage,
  countText,
  findPostedBody,
  type MessageDraft,
  messageOf,
  openLine,
  underCap,
} from '../../db/messaging/messages.ts';
import { closeLine } from '../../db/messaging/phones.ts';
import { bookReceipt, findReceiptTarget } from '../../db/messaging/receipts.ts';
import { insertAlert } from '../../db/transport/alerts.ts';
import type { ClaimGuard, ClaimMove, EffectRow } from '../../db/transport/effects.ts';
import { paidUnlock } from '../../db/unlock/reveal-guard.ts';
import type { Vault } from '../../db/vault.ts';
import type { FailureCode } from '../../domain/errors.ts';
import { alert } from '../../domain/messaging/alerts.ts';
import type { Recipient } from '../../domain/recipient.ts';
import type { Effects } from '../../engine/effects.ts';
import { type EffectResult, type EffectRun, type Posting, wait } from '../../engine/posting.ts';
import type { EventDraft } from '../../events/envelope.ts';
import { idInSubject, subjects } from '../../events/subjects.ts';

export type SmsRequest = {
  key: string;
  purpose: string;
  organizationId: string | null;
  /** Subject, in the format of events: `unlock:<id>`. */
  subject: string;
  recipient: Recipient;
  phoneId: string;
  to: string;
  body: string;
  /** The one confirmation of an opt-out may go to an opted-out phone. */
  ignoreOptOut?: boolean;
  /** Exempt from the spend cap, for content that was paid for. */
  uncapped?: boolean;
  /** Answers a text that may be a machine's: uses only a part of the spend cap of its number. */
  isAnswer?: boolean;
  /** A move that comes before the text and commits with its claim; the text is refused with `moved` when it does not match. */
  move?: ClaimMove['change'];
};

export type EmailRequest = {
  key: string;
  purpose: string;
  organizationId: string | null;
  subject: string;
  recipient: Recipient;
  to: string;
  title: string;
  text: string;
};

/** Sends texts and e-mails, each as an effect with a message row. */
export type Texting = {
  sms(run: EffectRun, request: SmsRequest): Promise<EffectResult<null>>;
  email(run: EffectRun, request: EmailRequest): Promise<EffectResult<null>>;
};

type Deps = {
  db: Queryable;
  vault: Vault;
  sms: SmsGateway;
  email: EmailGateway;
  effects: Effects;
  /** Base of the status callback URL, whose last segment is the effect id. */
  statusCallbackBase: string;
};

const capPauseMs = 10 * 60_000;
/** A vendor's clock may be slow: listings are read from a minute before the claim on. */
const listingMarginMs = 60_000;
const listedSince = (effect: EffectRow) => new Date(effect.claimedAt.getTime() - listingMarginMs);

export function createTexting(deps: Deps): Texting {
  return {
    sms: (run, request) => deps.effects.once(run, smsPosting(deps, request)),
    email: (run, request) => deps.effects.once(run, emailPosting(deps, request)),
  };
}

function smsPosting(deps: Deps, r: SmsRequest): Posting<null> {
  const { sms, vault } = deps;
  return {
    request: {
      key: r.key,
      vendor: sms.vendor,
      kind: 'sms',
      organizationId: r.organizationId,
      subject: r.subject,
      repeatable: false,
    },
    isLast: true,
    move: r.move,
    guards: guardsOf(r),
    refusedBy: async (refusal) => {
      if (refusal !== 'capped') return { state: 'refused', code: refusal };
      if (r.isAnswer) return wait(capPauseMs, 'the share of answers in the SMS spend cap is reached');
      await alertCap(deps, r.organizationId);
      return wait(capPauseMs, 'the SMS spend cap is reached');
    },
    books: booksOf(
      {
        organizationId: r.organizationId,
        subject: r.subject,
        recipient: r.recipient,
        phoneId: r.phoneId,
        channel: 'sms',
        purpose: r.purpose,
        address: vault.seal(r.to),
        body: vault.seal(r.body),
      },
      r.organizationId,
    ),
    async call(id, again) {
      const posted = again ? await postedText(deps, id) : null;
      const sent = await sms.send({
        to: r.to,
        body: posted ?? r.body,
        reference: id,
        statusCallbackUrl: `${deps.statusCallbackBase}/${id}`,
      });
      return { vendorId: sent.vendorId, result: null };
    },
    onRefusal: (code) => rememberPhone(deps, r, code),
    async find(effect) {
      const body = (await postedText(deps, effect.id)) ?? r.body;
      const found = await sms.find({ to: r.to, body, reference: effect.id, since: listedSince(effect) });
      if (found) await bookListed(deps, effect, found);
      return found;
    },
  };
}

function guardsOf(r: SmsRequest): ClaimGuard[] {
  const { phoneId, ignoreOptOut = false, organizationId } = r;
  const guards = [openLine({ phoneId, organizationId, ignoreOptOut }), ...revealGuards(r)];
  return r.uncapped ? guards : [...guards, underCap(organizationId, phoneId, r.isAnswer ?? false)];
}

/** A message with the contact is sent only while its unlock is paid. */
function revealGuards({ purpose, subject }: { purpose: string; subject: string }): ClaimGuard[] {
  if (purpose !== 'reveal') return [];
  const unlockId = idInSubject('unlock', subject);
  if (unlockId === null) throw new Error(`a reveal is about an unlock, not ${subject}`);
  return [paidUnlock(unlockId)];
}

function emailPosting({ email, vault }: Deps, r: EmailRequest): Posting<null> {
  return {
    request: {
      key: r.key,
      vendor: email.vendor,
      kind: 'email',
      organizationId: r.organizationId,
      subject: r.subject,
      repeatable: false,
    },
    isLast: true,
    guards: revealGuards(r),
    books: booksOf({
      organizationId: r.organizationId,
      subject: r.subject,
      recipient: r.recipient,
      phoneId: null,
      channel: 'email',
      purpose: r.purpose,
      address: vault.seal(r.to),
      body: vault.seal(`${r.title}\n\n${r.text}`),
    }),
    async call(id) {
      const sent = await email.send({ to: r.to, subject: r.title, text: r.text, reference: id });
      return { vendorId: sent.vendorId, result: null };
    },
    find: (effect) => email.find({ to: r.to, reference: effect.id, since: listedSince(effect) }),
  };
}

/** The message row, and for texts the count against the organization's cap. */
function booksOf(message: MessageDraft, countedFor: string | null = null): Posting<null>['books'] {
  return {
    open: (id) => [messageOf(id, message), ...(countedFor === null ? [] : [countText(countedFor)])],
    close: (id, outcome) => [bookMessage(id, outcome)],
  };
}

/** Posts the text stored by an earlier claim, even if its names and counts have changed since. */
async function postedText({ db, vault }: Deps, effectId: string): Promise<string | null> {
  const sealed = await findPostedBody(db, effectId);
  return sealed === null ? null : vault.open(sealed);
}

/**
 * Stores the carrier's opt-out or invalid-number response with the phone, for any kind of text. This happens before the
 * refusal is recorded, so a crash in between only repeats the call. An opt-out also ends the phone's other offers.
 */
async function rememberPhone({ db }: Deps, request: SmsRequest, code: FailureCode): Promise<void> {
  if (code !== 'opted_out' && code !== 'bad_number') return;
  const { phoneId, organizationId } = request;
  const optedOut: EventDraft = {
    type: 'buyer.opted_out',
    organizationId,
    subject: subjects.phone(phoneId),
    data: { phoneId },
  };
  const change = { guard: closeLine(phoneId, code), events: code === 'opted_out' ? [optedOut] : [] };
  // Its event waits in the outbox for the sweeper.
  await commitChange(db, change, { visibilityMs: 0, isFull: () => true });
}

/** Texts are held at the spend cap: raises one alert on the console per organization and day. */
async function alertCap({ db }: Deps, organizationId: string | null): Promise<void> {
  const capped = insertAlert({
    ...alert('spend_cap', {}),
    key: `cap-${organizationId}-${new Date().toISOString().slice(0, 10)}`,
    organizationId,
    subject: subjects.organization(`${organizationId}`),
  });
  await commitChange(db, { writes: [capped] }, { visibilityMs: 0 });
}

/** Records the listing's status as a receipt, because a run that lost the response may have lost the callback too. */
async function bookListed({ db, sms }: Deps, effect: EffectRow, found: FoundSms): Promise<void> {
  const receipt = {
    vendor: sms.vendor,
    effectId: effect.id,
    vendorId: found.vendorId,
    status: found.status,
    code: found.failure ?? null,
    vendorCode: found.vendorCode ?? null,
  };
  const message = await findReceiptTarget(db, receipt);
  // Its events wait in the outbox for the sweeper.
  if (message) await commitChange(db, bookReceipt(message, receipt), { visibilityMs: 0, isFull: () => true });
}
