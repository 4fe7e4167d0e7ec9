import type { Language } from '../language.ts';

/** The key of the alert about a payment that is held until an operator resolves the alert. */
export const heldPaymentAlert = (sessionId: string) => `quarantined-${sessionId}`;

/**
 * Every alert an operator can get: its line on the console, and the subject and first sentence of its e-mail. A new
 * kind is an entry here and an `alert(...)` where it is raised. No personal data: alerts leave the installation by e-mail.
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
    text: ({ paymentId, amount }: { paymentId: string; amount: number }) =>
      `${amount} minor units of payment ${paymentId} were refunded.`,
  }),
  payment_disputed: define({
    title: { en: 'Payment disputed', es: 'Pago en disputa' },
    explanation: {
      en: 'A buyer disputes a payment; the buyer is flagged.',
      es: 'Un comprador disputa un pago; el comprador queda marcado.',
    },
    text: ({ paymentId }: { paymentId: string }) => `Payment ${paymentId} is disputed; its buyer is flagged.`,
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
