import { IntlMessageFormat } from 'intl-messageformat';
import { LANGUAGES, type Language, languageOf } from '../language.ts';
import { maskContactData, maskLinks } from '../lead/mask.ts';
import { formatMoney, type Money } from '../money.ts';
import { oneLine, paragraph } from '../plain-text.ts';
import { en } from './texts/en.ts';
import { es } from './texts/es.ts';
import type { TextArguments, TextKey, Texts } from './texts/texts.ts';

/**
 * The texts sent to people. Every value is an ICU argument, cleaned to one bounded line first: nothing a client or a
 * supplier wrote can add a line, a link or a placeholder to a message (S16, docs/security.md).
 * `language` may be any tag; an unknown one reads as English.
 */

/** Twilio refuses longer bodies with 21617. */
export const SMS_MAX_LENGTH = 1_600;

/** The footer an organization starts with; it may set its own, or none. */
export const DEFAULT_FOOTER =
  'Gold Touch List provides advertising access to client inquiries. \n' +
  'We do not arrange or guarantee appointments.';

type Field = string | null | undefined;

/** The public half of a lead, and nothing that is paid for: notes are not in a teaser either. */
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
  /** Our own pay page; never built from anything a client wrote. */
  url: string;
  leadId: string;
  /** How many offers besides this one the buyer could answer. */
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
  /** The organization's own last paragraph; may have lines. */
  footer?: Field;
}

/** At most 1,600 characters: the notes give way first, since the pay page shows them whole. */
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
    notes: oneLine(values.notes, values.notes.length - excess),
  });
}

/** The subject names the lead only: subjects are shown on lock screens and kept in logs. */
export function renderRevealEmail(
  language: string,
  fields: RevealFields & { leadId: string },
): { subject: string; text: string } {
  return {
    subject: render(language, 'revealSubject', { leadId: fields.leadId }),
    text: renderReveal(language, fields),
  };
}

/** To a buyer who asks again for what was revealed, when the details themselves are not repeated. */
export function renderAlreadyUnlocked(
  language: string,
  fields: { buyerName?: Field; leadId: string; url?: Field },
): string {
  const { leadId, url } = fields;
  return render(language, 'alreadyUnlocked', {
    buyerName: detailField(fields.buyerName, 80),
    leadId,
    url: url ?? '',
  });
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

/** `duplicate`: the unlock had been paid for already; `unavailable`: it was sold or over when the money came. */
export type RefundReason = 'unavailable' | 'duplicate';

export function renderRefunded(
  language: string,
  fields: { buyerName?: Field; price: Money; leadId: string; reason: RefundReason },
): string {
  const { leadId, reason } = fields;
  const buyerName = detailField(fields.buyerName, 80);
  return render(language, 'refunded', { buyerName, price: amount(language, fields.price), leadId, reason });
}

export interface OrganizationFields {
  organization: string;
  /** Where a person is reached: the organization's e-mail or phone. */
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

/** Only where the carrier sends no confirmation of its own. */
export function renderStopConfirmed(language: string, fields: { organization: string }): string {
  return render(language, 'stopConfirmed', { organization: oneLine(fields.organization) });
}

export function renderStartConfirmed(language: string, fields: { organization: string }): string {
  return render(language, 'startConfirmed', { organization: oneLine(fields.organization) });
}

export type AlertKind =
  | 'work_parked'
  | 'reveal_failed'
  | 'payment_refunded'
  | 'payment_disputed'
  | 'payment_rejected'
  | 'crm_paused'
  | 'crm_unwell';

export interface AlertFields {
  kind: AlertKind;
  /** What it is about, by id: "teaser-sender, unlock 0192…". No personal data: alerts leave the house by e-mail. */
  subject: string;
  detail?: Field;
  /** The console page to act on. */
  url?: Field;
}

export function renderOperatorAlert(
  language: string,
  fields: AlertFields,
): { subject: string; text: string } {
  const { kind } = fields;
  const subject = oneLine(fields.subject);
  const detail = oneLine(fields.detail, 1_000);
  return {
    subject: render(language, 'alertSubject', { kind, subject }),
    text: render(language, 'alertBody', { kind, subject, detail, url: fields.url ?? '' }),
  };
}

// --- values ----------------------------------------------------------------------------------------------------------

const amount = (language: string, { minor, currency }: Money): string =>
  formatMoney(minor, currency, language);

/** One line without any way to reach the client or to lead the reader elsewhere. */
function publicField(value: Field): string {
  return oneLine(maskContactData(oneLine(value, 1_000)));
}

/** The text around it ends the sentence: "Evening." must not become "Evening..". */
function sentenceField(value: Field): string {
  return publicField(value)
    .replace(/(?<![.\s])[.\s]{1,160}$/, '')
    .trim();
}

/** The client's own data for who paid; a link in it is still not a link of ours. */
function detailField(value: Field, max: number): string {
  return oneLine(maskLinks(oneLine(value, 2_000)), max);
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
      // A "<" in a pattern is a character here, not markup.
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
