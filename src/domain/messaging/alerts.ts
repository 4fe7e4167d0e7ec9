import type { Language } from '../language.ts';
import { oneLine } from '../plain-text.ts';
import type { CheckName } from '../transport/checks.ts';
import { stepOf } from '../transport/steps.ts';

/** The key of the alert about a payment that is held until an operator resolves the alert. */
export const heldPaymentAlert = (sessionId: string) => `quarantined-${sessionId}`;

/**
 * The keys of the alerts about one refund or dispute. They are resolved once it is made good, won or closed. Where the same
 * may happen again, as when a won dispute is reopened, the id of the event follows.
 */
export const failedRefundAlert = (refundId: string) => `refund-failed-${refundId}`;
export const disputedAlert = (disputeId: string) => `disputed-${disputeId}`;
/** Of all refunds of a payment. Resolved when some of the money came back. */
export const refundedAlert = (paymentId: string) => `refunded-${paymentId}`;
export const inquiryAlert = (disputeId: string) => `inquiry-${disputeId}`;
/** Of a dispute that was booked before disputes had rows. */
export const legacyDisputedAlert = (paymentId: string) => `disputed-${paymentId}`;

/** Of a disputed charge of a wallet. Resolved once the bank has decided. */
export const disputedTopUpAlert = (disputeId: string) => `top-up-disputed-${disputeId}`;

/** What an alert is about, by name; null for what it is not about. Read when it is shown or mailed, never stored with it. */
export type Named = { company: string | null; buyer: string | null; lead: string | null };

/**
 * What of this time the title and the buttons need besides the names. Stored with the alert: constants, formatted amounts
 * and ids of Stripe.
 */
export type AlertDetails = {
  amount?: string;
  worker?: string;
  eventType?: string | undefined;
  check?: string;
  /** A failed refund, which can be repeated. */
  refundId?: string;
};

type Title = Record<Language, string>;

/**
 * Every alert an operator can get. A new kind is an entry here and an `alert(...)` where it is raised. Titles name the
 * company, buyer and lead in braces; `text` and `details` are stored and hold no names.
 */
type Alert<P> = {
  title: Title | ((details: AlertDetails) => Title);
  explanation: Record<Language, string>;
  /** What to do next. */
  next: Record<Language, string>;
  /** What happened this time, or the reason as it was recorded: shown by way of reasonInWords. */
  text: (fields: P) => string;
  details?: (fields: P) => AlertDetails;
};
const define = <P>(definition: Alert<P>): Alert<P> => definition;

/** The checks of an installation (domain/transport/checks.ts) in words. */
const checkWords: Record<CheckName, Record<Language, string>> = {
  clock: { en: 'the clock is off', es: 'el reloj está desajustado' },
  disk: { en: 'disk space', es: 'espacio en disco' },
  queue_memory: { en: 'memory of Redis', es: 'memoria de Redis' },
  queue_policy: { en: 'Redis may evict work', es: 'Redis puede descartar trabajo' },
  ledger: { en: 'the ledger does not agree', es: 'los libros no cuadran' },
  queue_disk: { en: 'Redis cannot write to its disk', es: 'Redis no puede escribir en disco' },
};
const checks: Partial<Record<string, Record<Language, string>>> = checkWords;

const reasonGiven = ({ reason }: { reason: string }) => reason;
type Parked = { worker: string; eventType?: string | undefined; error: string };
const gaveUp = ({ error }: Parked) => error;
/** `amount` is formatted. */
type Money = { amount: string };
type FailedRefund = { refundId: string; code: string; kept: boolean };
type DisputeFacts = { disputeId: string; reason: string };
const moneyIn = ({ amount }: Money): AlertDetails => ({ amount });
const stepIn = ({ worker, eventType }: Parked): AlertDetails => ({ worker, eventType });

const definitions = {
  work_parked: define({
    title: ({ worker, eventType }) => {
      const { failed } = stepOf(worker ?? '', eventType);
      return { en: failed, es: `Trabajo detenido: ${failed}` };
    },
    explanation: {
      en: 'A step failed and is on hold.',
      es: 'Un paso falló y está detenido.',
    },
    next: {
      en: 'Fix the cause, then resume it. It continues where it stopped; nothing is sent or charged twice.',
      es: 'Corrija la causa y reanúdelo. Continúa donde se detuvo; nada se envía ni se cobra dos veces.',
    },
    text: gaveUp,
    details: stepIn,
  }),
  reveal_failed: define({
    title: {
      en: 'Paid details weren’t delivered to {buyer}',
      es: 'Datos pagados sin entregar a {buyer}',
    },
    explanation: {
      en: 'The buyer has paid, and neither the text nor the email with the details was delivered.',
      es: 'El comprador pagó y ni el mensaje ni el correo con los datos fueron entregados.',
    },
    next: {
      en: 'Call the buyer or correct the phone or email, then resume it. The details are also on the pay page.',
      es: 'Llame al comprador o corrija su teléfono o correo y reanúdelo. Los datos están también en la página de pago.',
    },
    text: gaveUp,
    details: stepIn,
  }),
  payment_refunded: define({
    title: ({ amount }) => ({
      en: `${amount ?? 'A payment'} refunded to {buyer}`,
      es: `${amount ?? 'Un pago'}: devuelto a {buyer}`,
    }),
    explanation: { en: 'A payment was refunded.', es: 'Se devolvió un pago.' },
    next: {
      en: 'If the buyer has the details, decide whether to go on selling to them; they are flagged. Then resolve this alert.',
      es: 'Si el comprador ya tiene los datos, decida si seguirá vendiéndole; queda marcado. Después resuelva este aviso.',
    },
    text: ({ amount, price }: Money & { price: string }) =>
      amount === price ? `${amount} was refunded.` : `${amount} of ${price} was refunded.`,
    details: moneyIn,
  }),
  refund_failed: define({
    title: ({ amount }) => ({
      en: `Refund of ${amount ?? 'a payment'} to {buyer} failed`,
      es: `Falló la devolución de ${amount ?? 'un pago'} a {buyer}`,
    }),
    explanation: {
      en: 'Stripe could not return money to a buyer. The amount is in your Stripe balance again.',
      es: 'Stripe no pudo devolver el dinero a un comprador. El monto está de nuevo en su saldo de Stripe.',
    },
    next: {
      en: 'Repeat the refund on the console or with "leadgate refund repeat": this alert closes once the money is back. Or return it in another way and resolve this alert.',
      es: 'Repita la devolución en la consola o con "leadgate refund repeat": este aviso se cierra cuando el dinero haya vuelto. O devuélvalo de otra manera y resuelva este aviso.',
    },
    text: ({ amount, refundId, code, kept }: Money & FailedRefund) =>
      `${amount} did not go back (${code}). ${kept ? 'The sale counts again.' : 'The buyer is owed the money.'} To repeat the refund: leadgate refund repeat ${refundId}`,
    details: ({ amount, refundId }) => ({ amount, refundId }),
  }),
  payment_inquiry: define({
    title: { en: 'The bank of {buyer} asks about a payment', es: 'El banco de {buyer} pregunta por un pago' },
    explanation: {
      en: 'A bank asks about a payment. No money has moved.',
      es: 'Un banco pregunta por un pago. No se movió dinero.',
    },
    next: {
      en: 'Answer it at Stripe, or it may become a dispute.',
      es: 'Respóndale en Stripe, o puede convertirse en una disputa.',
    },
    text: ({ amount, disputeId, reason }: Money & DisputeFacts) =>
      `The bank asks about ${amount} (${reason}, ${disputeId}).`,
    details: moneyIn,
  }),
  payment_disputed: define({
    title: { en: '{buyer} disputes a payment', es: '{buyer} disputa un pago' },
    explanation: {
      en: 'A buyer disputes a payment; the buyer is flagged.',
      es: 'Un comprador disputa un pago; el comprador queda marcado.',
    },
    next: {
      en: 'Answer the dispute at Stripe before its deadline, then resolve this alert.',
      es: 'Responda a la disputa en Stripe antes de su plazo y resuelva este aviso.',
    },
    text: ({ amount, disputeId, reason }: Money & DisputeFacts) =>
      `The bank claims back ${amount} (${reason}, ${disputeId}). The buyer is flagged.`,
    details: moneyIn,
  }),
  checkout_refused: define({
    title: ({ amount }) => ({
      en: `{buyer} could not pay ${amount ?? 'for an offer'}`,
      es: `{buyer} no pudo pagar ${amount ?? 'una oferta'}`,
    }),
    explanation: {
      en: 'Stripe accepts no payment for an offer, and would refuse it again.',
      es: 'Stripe no acepta el pago de una oferta y lo rechazaría de nuevo.',
    },
    next: {
      en: 'Correct its price or currency and send the lead again, or check your Stripe account. Then resolve this alert.',
      es: 'Corrija el precio o la moneda y envíe el contacto otra vez, o revise su cuenta de Stripe. Después resuelva este aviso.',
    },
    text: ({ amount, code }: Money & { code: string }) =>
      `Stripe refuses the checkout of ${amount} (${code}).`,
    details: moneyIn,
  }),
  payment_rejected: define({
    title: {
      en: 'Payment from {buyer} doesn’t match the offer',
      es: 'El pago de {buyer} no corresponde a la oferta',
    },
    explanation: {
      en: 'A payment does not match the requested amount, currency or account. It is held and nothing was revealed.',
      es: 'Llegó un pago cuyo monto, moneda o cuenta no es lo que se pidió. Está retenido y no se mostró nada.',
    },
    next: {
      en: 'Refund it at Stripe, then resolve this alert: the buyer can pay again.',
      es: 'Devuélvalo en Stripe y resuelva este aviso: el comprador podrá pagar de nuevo.',
    },
    text: ({ sessionId, reason }: { sessionId: string; reason: string }) =>
      `Stripe Checkout ${sessionId} was paid, but its ${reason} is not what was asked for. Nothing was revealed.`,
  }),
  top_up_held: define({
    title: {
      en: 'A payment into a wallet does not match',
      es: 'Un pago a un monedero no corresponde',
    },
    explanation: {
      en: 'A payment into a wallet differs from what was asked for. It is held and nothing was credited.',
      es: 'Un pago a un monedero difiere de lo que se pidió. Está retenido y no se abonó nada.',
    },
    next: {
      en: 'Refund it at Stripe, then resolve this alert: the buyer can pay again.',
      es: 'Devuélvalo en Stripe y resuelva este aviso: el comprador podrá pagar de nuevo.',
    },
    text: ({ paymentIntent, reason }: { paymentIntent: string; reason: string }) =>
      `Stripe captured ${paymentIntent}, but its ${reason} is not what was asked for. Nothing was credited.`,
  }),
  top_up_disputed: define({
    title: ({ amount }) => ({
      en: `A bank claims ${amount ?? 'a payment'} of a wallet`,
      es: `Un banco reclama ${amount ?? 'un pago'} de un monedero`,
    }),
    explanation: {
      en: 'A bank claims a payment into a wallet. The amount has left the wallet, and it buys nothing until the bank has decided.',
      es: 'Un banco reclama un pago a un monedero. El monto salió del monedero, que no compra nada hasta que el banco decida.',
    },
    next: {
      en: 'Answer the dispute at Stripe before its deadline. This alert closes when the bank has decided.',
      es: 'Responda a la disputa en Stripe antes de su plazo. Este aviso se cierra cuando el banco decida.',
    },
    text: ({ disputeId, reason }: Money & DisputeFacts) => `Dispute ${disputeId} (${reason}).`,
    details: moneyIn,
  }),
  crm_paused: define({
    title: { en: '{company}: CRM connection paused', es: '{company}: conexión con el CRM en pausa' },
    explanation: {
      en: 'The CRM rejects the company’s credentials, or the app was removed there. Its leads are kept.',
      es: 'El CRM rechaza las credenciales de la empresa, o quitaron la aplicación allí. Sus contactos se conservan.',
    },
    next: {
      en: 'Reconnect the CRM in the company’s settings. Sending resumes automatically.',
      es: 'Conecte de nuevo el CRM en los ajustes de la empresa. El envío se reanuda solo.',
    },
    text: reasonGiven,
  }),
  crm_unwell: define({
    title: { en: '{company}: CRM is failing', es: '{company}: el CRM falla' },
    explanation: {
      en: 'The CRM has been failing for some minutes. The company’s leads are kept.',
      es: 'El CRM falla desde hace unos minutos. Los contactos de la empresa se conservan.',
    },
    next: {
      en: 'Check the CRM’s status page. The leads are sent automatically once it recovers.',
      es: 'Consulte el estado del CRM. Los contactos se envían solos cuando se recupere.',
    },
    text: reasonGiven,
  }),
  installation_unwell: define({
    title: ({ check }) => {
      const what = checks[check ?? ''];
      return {
        en: `leadgate itself needs attention${what ? `: ${what.en}` : ''}`,
        es: `leadgate mismo necesita atención${what ? `: ${what.es}` : ''}`,
      };
    },
    explanation: {
      en: 'The installation found a problem of its own: a clock, a disk, Redis or the ledger.',
      es: 'La instalación encontró un problema propio: un reloj, un disco, Redis o los libros.',
    },
    next: {
      en: 'Fix it on the server. This alert closes when the problem has passed.',
      es: 'Corríjalo en el servidor. Este aviso se cierra cuando el problema pase.',
    },
    text: reasonGiven,
    details: ({ check }: { reason: string; check: string }) => ({ check }),
  }),
  spend_cap: define({
    title: { en: '{company}: SMS limit reached', es: '{company}: límite de SMS alcanzado' },
    explanation: {
      en: 'Texts wait until the limit allows them again.',
      es: 'Los mensajes esperan hasta que el límite los permita de nuevo.',
    },
    next: {
      en: 'Nothing, if this is expected: the texts are tried again every ten minutes. Otherwise raise the limit.',
      es: 'Nada, si es lo esperado: los mensajes se intentan cada diez minutos. Si no, suba el límite.',
    },
    text: (_: object) => 'The SMS limit is reached, for a number and hour or for the day.',
  }),
};

type Fields = { [K in keyof typeof definitions]: Parameters<(typeof definitions)[K]['text']>[0] };
export type AlertKind = keyof Fields;
export const alerts: { [K in AlertKind]: Alert<Fields[K]> } = definitions;

export const isAlertKind = (kind: string): kind is AlertKind => Object.hasOwn(alerts, kind);

/** What is stored of one alert, besides what it is about. */
export function alert<K extends AlertKind>(
  kind: K,
  fields: Fields[K],
): { kind: K; text: string; details: AlertDetails | null } {
  const { text, details } = alerts[kind];
  return { kind, text: text(fields), details: details?.(fields) ?? null };
}

const unnamed: Record<Language, Record<keyof Named, string>> = {
  en: { company: 'A company', buyer: 'a buyer', lead: '' },
  es: { company: 'Una empresa', buyer: 'un comprador', lead: '' },
};

/** The title of an alert, without its names. */
export function titleOf(kind: AlertKind, details: AlertDetails | null): Title {
  const { title } = alerts[kind];
  return typeof title === 'function' ? title(details ?? {}) : title;
}

/** Puts the names into a title. One line: a name may hold anything. */
export function withNames(title: string, named: Named, language: Language = 'en'): string {
  const line = title.replace(
    /\{(company|buyer|lead)\}/g,
    (_all, what: keyof Named) => oneLine(named[what], 80) || unnamed[language][what],
  );
  return line.replace(/\s+/g, ' ').replace(/^\p{Ll}(?!eadgate\b)/u, (first) => first.toUpperCase());
}
