import type { Language } from '../language.ts';

/** The key of the alert about a payment that is held until an operator resolves the alert. */
export const heldPaymentAlert = (sessionId: string) => `quarantined-${sessionId}`;

/** The keys of the alerts about one refund or dispute. They are resolved once it is made good, won or closed. */
export const failedRefundAlert = (refundId: string) => `refund-failed-${refundId}`;
export const disputedAlert = (disputeId: string) => `disputed-${disputeId}`;
export const inquiryAlert = (disputeId: string) => `inquiry-${disputeId}`;
/** Of a dispute that was booked before disputes had rows. */
export const legacyDisputedAlert = (paymentId: string) => `disputed-${paymentId}`;

/** Formatted money, the buyer's business name and the lead's public id. */
type Sale = { amount: string; buyer: string; leadId: string };
type FailedRefund = { refundId: string; code: string; kept: boolean };
type DisputeFacts = { disputeId: string; reason: string };

/**
 * Every alert an operator can get: its line on the console, and the subject and first sentence of its e-mail. A new
 * kind is an entry here and an `alert(...)` where it is raised. No personal data of clients: alerts leave the installation
 * by e-mail.
 */
type Alert<P> = {
  title: Record<Language, string>;
  explanation: Record<Language, string>;
  /** What happened this time, by id. */
  text: (fields: P) => string;
};
const define = <P>(definition: Alert<P>): Alert<P> => definition;

const reasonGiven = ({ reason }: { reason: string }) => reason;
const gaveUp = ({ worker, error }: { worker: string; error: string }) =>
  `${worker} gave up: ${error}. Resume it on the console once the cause is fixed.`;

const definitions = {
  work_parked: define({
    title: { en: 'Work parked', es: 'Trabajo detenido' },
    explanation: {
      en: 'This job failed too often and is parked until it is resumed on the console.',
      es: 'Este trabajo falló demasiadas veces y está detenido hasta que alguien lo reanude.',
    },
    text: gaveUp,
  }),
  reveal_failed: define({
    title: { en: 'Paid details not delivered', es: 'Datos pagados sin entregar' },
    explanation: {
      en: 'A buyer has paid and neither the text nor the e-mail with the details was delivered.',
      es: 'Un comprador pagó y ni el mensaje ni el correo con los datos fueron entregados.',
    },
    text: gaveUp,
  }),
  payment_refunded: define({
    title: { en: 'Payment refunded', es: 'Pago devuelto' },
    explanation: { en: 'A payment was refunded.', es: 'Se devolvió un pago.' },
    text: ({ amount, price, buyer, leadId }: Sale & { price: string }) =>
      amount === price
        ? `${amount} refunded to ${buyer} for lead ${leadId}.`
        : `${amount} of ${price} refunded to ${buyer} for lead ${leadId}.`,
  }),
  refund_failed: define({
    title: { en: 'Refund failed', es: 'Devolución fallida' },
    explanation: {
      en: 'Stripe could not return money to a buyer. The amount is in your Stripe balance again. Repeat the refund, or return the money in another way and resolve this alert.',
      es: 'Stripe no pudo devolver el dinero a un comprador. El monto está de nuevo en su saldo de Stripe. Repita la devolución, o devuelva el dinero de otra manera y marque este aviso como resuelto.',
    },
    text: ({ amount, buyer, leadId, refundId, code, kept }: Sale & FailedRefund) =>
      `${amount} did not go back to ${buyer} for lead ${leadId} (${code}). ${kept ? 'The sale counts again.' : 'The buyer is owed the money.'} To repeat the refund: leadgate refund repeat ${refundId}`,
  }),
  payment_inquiry: define({
    title: { en: 'Bank asks about a payment', es: 'El banco pregunta por un pago' },
    explanation: {
      en: 'A bank asks about a payment. No money has moved. Answer it in Stripe, or it may become a dispute.',
      es: 'Un banco pregunta por un pago. No se movió dinero. Respóndale en Stripe, o puede convertirse en una disputa.',
    },
    text: ({ amount, buyer, leadId, disputeId, reason }: Sale & DisputeFacts) =>
      `The bank of ${buyer} asks about ${amount} for lead ${leadId} (${reason}, ${disputeId}). Answer it in Stripe.`,
  }),
  payment_disputed: define({
    title: { en: 'Payment disputed', es: 'Pago en disputa' },
    explanation: {
      en: 'A buyer disputes a payment; the buyer is flagged.',
      es: 'Un comprador disputa un pago; el comprador queda marcado.',
    },
    text: ({ amount, buyer, leadId, disputeId, reason }: Sale & DisputeFacts) =>
      `The bank of ${buyer} claims back ${amount} for lead ${leadId} (${reason}, ${disputeId}). The buyer is flagged. Answer the dispute in Stripe.`,
  }),
  checkout_refused: define({
    title: { en: 'Stripe refuses a checkout', es: 'Stripe rechaza un pago' },
    explanation: {
      en: 'Stripe accepts no payment for an offer, and would refuse it again. Correct its price or currency and send the lead again, or check your Stripe account.',
      es: 'Stripe no acepta el pago de una oferta y lo rechazaría de nuevo. Corrija el precio o la moneda y envíe el contacto otra vez, o revise su cuenta de Stripe.',
    },
    text: ({ amount, buyer, leadId, code }: Sale & { code: string }) =>
      `${buyer} could not pay ${amount} for lead ${leadId}: Stripe refuses the checkout (${code}).`,
  }),
  payment_rejected: define({
    title: { en: 'Payment does not match', es: 'Pago que no corresponde' },
    explanation: {
      en: 'A payment does not match the requested amount, currency or account. It is held: refund it at Stripe, then resolve this alert, and the buyer can pay again.',
      es: 'Llegó un pago cuyo monto, moneda o cuenta no es lo que se pidió. Está retenido: devuélvalo en Stripe y marque este aviso como resuelto; el comprador podrá pagar de nuevo.',
    },
    text: ({ sessionId, reason }: { sessionId: string; reason: string }) =>
      `Session ${sessionId} was paid, but its ${reason} is not what was asked for. Nothing was revealed.`,
  }),
  crm_paused: define({
    title: { en: 'A company’s CRM is paused', es: 'El CRM de una empresa está en pausa' },
    explanation: {
      en: 'A company’s CRM rejects its credentials, or the app was removed there. Its leads are kept and wait until it is connected again.',
      es: 'El CRM de una empresa rechaza sus credenciales, o quitaron la aplicación allí. Sus contactos se conservan y esperan hasta que se conecte de nuevo.',
    },
    text: reasonGiven,
  }),
  crm_unwell: define({
    title: { en: 'A company’s CRM is failing', es: 'El CRM de una empresa falla' },
    explanation: {
      en: 'A company’s CRM has been failing for some minutes. Its leads are kept and will be sent once it recovers.',
      es: 'El CRM de una empresa falla desde hace unos minutos. Sus contactos se conservan y salen solos cuando vuelva.',
    },
    text: reasonGiven,
  }),
  installation_unwell: define({
    title: { en: 'leadgate itself needs attention', es: 'leadgate mismo necesita atención' },
    explanation: {
      en: 'The installation found a problem of its own: a clock, a disk or Redis. This alert closes when it has passed.',
      es: 'La instalación encontró un problema propio: un reloj, un disco o Redis. Esta alerta se cierra cuando pase.',
    },
    text: reasonGiven,
  }),
  spend_cap: define({
    title: { en: 'SMS spend cap reached', es: 'Límite de gasto de SMS alcanzado' },
    explanation: {
      en: 'Texts wait until the cap allows them again.',
      es: 'Los mensajes esperan hasta que el límite los permita de nuevo.',
    },
    text: (_: object) =>
      'The SMS spend cap is reached, for a number and hour or for the day: texts wait and are tried again every ten minutes.',
  }),
};

type Fields = { [K in keyof typeof definitions]: Parameters<(typeof definitions)[K]['text']>[0] };
export type AlertKind = keyof Fields;
export const alerts: { [K in AlertKind]: Alert<Fields[K]> } = definitions;

/** The kind and the console's line of one alert. */
export function alert<K extends AlertKind>(kind: K, fields: Fields[K]): { kind: K; text: string } {
  return { kind, text: alerts[kind].text(fields) };
}
