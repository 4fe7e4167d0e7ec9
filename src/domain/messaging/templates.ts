import { IntlMessageFormat } from 'intl-messageformat';
import { LANGUAGES, type Language, languageOf } from '../language.ts';
import { maskLinks } from '../lead/links.ts';
import { HIDDEN, maskContactData } from '../lead/mask.ts';
import { formatMoney, type Money } from '../money.ts';
import { clip, oneLine, paragraph } from '../plain-text.ts';
import { type AlertDetails, type AlertKind, alerts, type Named, titleOf, withNames } from './alerts.ts';
import { en } from './texts/en.ts';
import { es } from './texts/es.ts';
import type { TextArguments, TextKey, Texts } from './texts/texts.ts';

/**
 * Renders the messages to buyers and operators. Every value is an ICU argument, first cleaned to one bounded line, so
 * that text from a client or supplier cannot add a line, a link or a placeholder to a message (docs/security.md, S16).
 * `language` may be any tag; unknown ones fall back to English.
 */

/** Twilio rejects longer bodies (error 21617). */
export const SMS_MAX_LENGTH = 1_600;

/** Default footer of an organization, which may set its own or none. */
export const DEFAULT_FOOTER =
  'Gold Touch List provides advertising access to client inquiries. \n' +
  'We do not arrange or guarantee appointments.';

type Field = string | null | undefined;

/** Public fields of a lead. A teaser has no locked fields and no notes. */
export interface TeaserFields {
  buyerName?: Field;
  city?: Field;
  serviceType?: Field;
  preferredTimeWindow?: Field;
  budgetRange?: Field;
  price: Money;
  leadId: string;
}

export function renderTeaser(language: string, fields: TeaserFields): string {
  return render(language, 'teaser', {
    buyerName: detailField(fields.buyerName, 80),
    city: sentenceField(fields.city),
    serviceType: sentenceField(fields.serviceType),
    timeWindow: sentenceField(fields.preferredTimeWindow),
    budget: sentenceField(fields.budgetRange),
    price: amount(language, fields.price),
    leadId: fields.leadId,
  });
}

export interface PaymentLinkFields {
  buyerName?: Field;
  price: Money;
  /** URL of our own pay page; never built from a client's text. */
  url: string;
  leadId: string;
  /** Number of the buyer's other open offers. */
  otherOpenOffers?: number;
}

export function renderPaymentLink(language: string, fields: PaymentLinkFields): string {
  return render(language, 'paymentLink', {
    buyerName: detailField(fields.buyerName, 80),
    price: amount(language, fields.price),
    url: fields.url,
    leadId: fields.leadId,
    otherOffers: fields.otherOpenOffers ?? 0,
  });
}

export interface RevealFields {
  buyerName?: Field;
  name?: Field;
  phone?: Field;
  email?: Field;
  address?: Field;
  notes?: Field;
  /** The organization's own last paragraph; may have several lines. */
  footer?: Field;
}

/** At most 1,600 characters: the notes are truncated first, because the pay page shows them in full. */
export function renderReveal(language: string, fields: RevealFields): string {
  const values = {
    buyerName: detailField(fields.buyerName, 80),
    name: detailField(fields.name, 120),
    phone: detailField(fields.phone, 40),
    email: emailField(fields.email),
    address: detailField(fields.address, 250),
    notes: detailField(fields.notes, 1_000),
    footer: paragraph(fields.footer, 500),
  };
  const text = render(language, 'reveal', values);
  const excess = text.length - SMS_MAX_LENGTH;
  if (excess <= 0) return text;
  return render(language, 'reveal', {
    ...values,
    notes: clipped(values.notes, values.notes.length - excess),
  });
}

/** The subject contains only the lead id, because subjects appear on lock screens and in logs. */
export function renderRevealEmail(
  language: string,
  fields: RevealFields & { leadId: string },
): { subject: string; text: string } {
  return {
    subject: render(language, 'revealSubject', { leadId: fields.leadId }),
    text: renderReveal(language, fields),
  };
}

export type UnavailableReason = 'expired' | 'sold_out' | 'declined';

export function renderNoLongerAvailable(
  language: string,
  fields: { buyerName?: Field; leadId: string; reason?: UnavailableReason },
): string {
  const { leadId, reason } = fields;
  const buyerName = detailField(fields.buyerName, 80);
  return render(language, 'noLongerAvailable', { buyerName, leadId, reason: reason ?? '' });
}

/** `duplicate`: the unlock was already paid; `unavailable`: the lead was sold or the offer had ended before payment. */
export type RefundReason = 'unavailable' | 'duplicate';

export function renderRefunded(
  language: string,
  fields: { buyerName?: Field; price: Money; leadId: string; reason: RefundReason },
): string {
  const { leadId, reason } = fields;
  const buyerName = detailField(fields.buyerName, 80);
  return render(language, 'refunded', { buyerName, price: amount(language, fields.price), leadId, reason });
}

/** Says that a refund is on its way, and not that the money went back. */
export function renderRefundPending(
  language: string,
  fields: { buyerName?: Field; price: Money; leadId: string; reason: RefundReason },
): string {
  const { leadId, reason } = fields;
  const buyerName = detailField(fields.buyerName, 80);
  return render(language, 'refundPending', {
    buyerName,
    price: amount(language, fields.price),
    leadId,
    reason,
  });
}

export function renderRefundFailed(
  language: string,
  fields: { buyerName?: Field; price: Money; leadId: string; contact?: Field },
): string {
  return render(language, 'refundFailed', {
    buyerName: detailField(fields.buyerName, 80),
    price: amount(language, fields.price),
    leadId: fields.leadId,
    contact: oneLine(fields.contact),
  });
}

export interface OrganizationFields {
  organization: string;
  /** The organization's e-mail or phone. */
  contact?: Field;
}

export function renderHelp(language: string, fields: OrganizationFields): string {
  return render(language, 'help', {
    organization: oneLine(fields.organization),
    contact: oneLine(fields.contact),
  });
}

export function renderUnclear(language: string, fields: { leadId?: Field; contact?: Field }): string {
  return render(language, 'unclear', { leadId: fields.leadId ?? '', contact: oneLine(fields.contact) });
}

/** Sent only where the carrier does not confirm by itself. */
export function renderStopConfirmed(language: string, fields: { organization: string }): string {
  return render(language, 'stopConfirmed', { organization: oneLine(fields.organization) });
}

export function renderStartConfirmed(language: string, fields: { organization: string }): string {
  return render(language, 'startConfirmed', { organization: oneLine(fields.organization) });
}

export interface LinkFields {
  name: Field;
  /** URL of our own page. */
  url: string;
  hours: number;
}

export function renderVerification(language: string, fields: LinkFields): Mail {
  return {
    subject: render(language, 'verifySubject', {}),
    text: render(language, 'verifyBody', linkValues(fields)),
  };
}

export function renderReset(language: string, fields: LinkFields): Mail {
  return {
    subject: render(language, 'resetSubject', {}),
    text: render(language, 'resetBody', linkValues(fields)),
  };
}

/** Names that a seller chose reach strangers: links in them are masked. */
export function renderInvitation(
  language: string,
  fields: LinkFields & { organization: Field; invitedBy: Field },
): Mail {
  const organization = detailField(fields.organization, 80);
  return {
    subject: render(language, 'invitationSubject', { organization }),
    text: render(language, 'invitationBody', {
      ...linkValues(fields),
      organization,
      invitedBy: detailField(fields.invitedBy, 80),
    }),
  };
}

/** What a buyer hears of auto-recharge: declined and repeated, to be confirmed at the bank, or stopped. */
export type RechargeNews = 'declined' | 'confirm' | 'stopped';

const rechargeTexts = {
  declined: ['rechargeDeclinedSubject', 'rechargeDeclinedBody'],
  confirm: ['rechargeConfirmSubject', 'rechargeConfirmBody'],
  stopped: ['rechargeStoppedSubject', 'rechargeStoppedBody'],
} as const satisfies Record<RechargeNews, readonly [TextKey, TextKey]>;

/** Never says why a bank declined: it may name a card that was reported stolen. */
export function renderRechargeNews(
  language: string,
  fields: { news: RechargeNews; name: Field; organization: Field; amount: Money; url: string },
): Mail {
  const [subject, body] = rechargeTexts[fields.news];
  const values = {
    name: detailField(fields.name, 80),
    organization: detailField(fields.organization, 80),
    amount: amount(language, fields.amount),
    url: fields.url,
  };
  return { subject: render(language, subject, values), text: render(language, body, values) };
}

const linkValues = ({ name, url, hours }: LinkFields) => ({ name: detailField(name, 80), url, hours });

type Mail = { subject: string; text: string };

export interface AlertFields {
  kind: AlertKind;
  details: AlertDetails | null;
  named: Named;
  /** What happened this time. */
  detail?: Field;
  /** When it began. */
  since: Date;
  /** The page of the thing itself. */
  url?: Field;
}

/** Names of companies and buyers, and lead ids: what an operator needs to act. Nothing of a client. */
export function renderOperatorAlert(
  language: string,
  { kind, details, named, detail, since, url }: AlertFields,
): { subject: string; text: string } {
  const spoken = languageOf(language);
  const { explanation, next } = alerts[kind];
  const what = detailField(withNames(titleOf(kind, details)[spoken], named, spoken), 140);
  return {
    subject: render(language, 'alertSubject', { what }),
    text: render(language, 'alertBody', {
      what,
      company: detailField(named.company, 80),
      buyer: detailField(named.buyer, 80),
      lead: named.lead ?? '',
      explanation: explanation[spoken],
      detail: oneLine(detail, 1_000),
      since: `${since.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
      next: next[spoken],
      url: url ?? '',
    }),
  };
}

// --- values ----------------------------------------------------------------------------------------------------------

const amount = (language: string, { minor, currency }: Money): string =>
  formatMoney(minor, currency, language);

/** One line without contact data and links. */
function publicField(value: Field): string {
  return clipped(maskContactData(oneLine(value, 1_000)), 160, HIDDEN);
}

/** Drops trailing periods, because the template ends the sentence: "Evening." must not become "Evening..". */
function sentenceField(value: Field): string {
  return publicField(value)
    .replace(/(?<![.\s])[.\s]{1,160}$/, '')
    .trim();
}

/** A client's own data for the buyer who paid. Links are masked: only our own host is linked. */
function detailField(value: Field, max: number): string {
  return clipped(maskLinks(oneLine(value, 2_000)), max);
}

/** Truncates masked text. A cut can make a link of a longer word ("evil.zipper"), so the result is masked again. */
function clipped(text: string, max: number, replacement?: string): string {
  const line = clip(text, max);
  const masked = maskLinks(line, replacement);
  return masked === line ? line : clipped(masked, max, replacement);
}

function emailField(value: Field): string {
  const line = oneLine(value, 254);
  return /^[^\s@/:]{1,64}@[^\s@/:]{1,189}$/.test(line) ? line : maskLinks(line);
}

// --- rendering -------------------------------------------------------------------------------------------------------

const TEXTS: Readonly<Record<Language, Texts>> = { en, es };

const COMPILED = new Map<string, IntlMessageFormat>(
  LANGUAGES.flatMap((language) =>
    Object.entries(TEXTS[language]).map(([key, pattern]) => [
      `${language}/${key}`,
      // "<" in a pattern is text, not markup.
      new IntlMessageFormat(pattern, language, undefined, { ignoreTag: true }),
    ]),
  ),
);

function render<K extends TextKey>(
  language: string,
  key: K,
  values: Record<TextArguments[K], string | number>,
): string {
  const given: Record<string, string | number> = { ...values };
  for (const [name, value] of Object.entries<string | number>(values)) {
    given[`has_${name}`] = value === '' ? 'no' : 'yes';
  }
  return String(COMPILED.get(`${languageOf(language)}/${key}`)?.format(given)).trimEnd();
}
