import type { Language } from '../../domain/language.ts';
import type { PreviewField } from '../../domain/lead/preview.ts';
import type { PayView } from '../../domain/unlock/pay-view.ts';

type Sentence = { title: string; sentence: string };
type Closed = Extract<PayView, { kind: 'closed' }>['because'];

/** The words of the pay page, in the languages of the texts to buyers. */
export type PayWords = {
  inquiry: string;
  soldBy: (seller: string) => string;
  questions: (contact: string) => string;
  teaser: { service: string; city: string; time: string; budget: string; notes: string };
  youGet: string;
  fields: Record<PreviewField | 'notes', string>;
  /** A field that is given and not shown. */
  included: string;
  payFor: (price: string) => string;
  pay: (price: string) => string;
  refundRule: string;
  left: (minutes: number) => string;
  sold: (sold: number, max: number) => string;
  byStripe: (leadId: string) => string;
  receipt: string;
  paid: string;
  showDetails: string;
  refunded: (amount: string) => string;
  refunding: (amount: string) => string;
  details: string;
  call: string;
  text: string;
  mail: string;
  copy: string;
  copied: string;
  lead: (leadId: string) => string;
  confirming: Sentence;
  held: Sentence;
  /** Stripe refuses the checkout for good. */
  refused: Sentence;
  closed: Record<Closed, Sentence>;
  erased: Sentence;
  unknown: Sentence;
  busy: Sentence;
  unavailable: Sentence;
  again: string;
  otherOffers: string;
  replyY: (leadId: string) => string;
};

const en: PayWords = {
  inquiry: 'New client inquiry',
  soldBy: (seller) => `Sold by ${seller}`,
  questions: (contact) => `Questions or a problem? Contact ${contact}.`,
  teaser: {
    service: 'Service',
    city: 'City',
    time: 'Preferred time',
    budget: 'Budget',
    notes: 'Notes',
  },
  youGet: 'What you get',
  fields: { name: 'Name', phone: 'Phone', email: 'Email', address: 'Address', notes: 'Notes' },
  included: 'Included',
  payFor: (price) => `Pay ${price} to see all of this in full.`,
  pay: (price) => `Pay ${price}`,
  refundRule:
    'If the offer ends or is sold out before your payment arrives, you get your money back in full, automatically.',
  left: (minutes) => {
    if (minutes < 1) return 'Less than a minute left.';
    if (minutes < 120) return minutes === 1 ? '1 minute left.' : `${minutes} minutes left.`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} hours left.` : `${Math.floor(hours / 24)} days left.`;
  },
  sold: (sold, max) =>
    max === 1
      ? `Sold ${sold} of 1: you would be the only buyer of this client.`
      : `Sold ${sold} of ${max}: at most ${max} buyers get this client’s details.`,
  byStripe: (leadId) => `Payment is handled by Stripe. Lead ${leadId}.`,
  receipt: 'Stripe sends the receipt to your email address.',
  paid: 'Paid. Thank you.',
  showDetails: 'Show details',
  refunded: (amount) => `${amount} of your payment went back to you.`,
  refunding: (amount) => `${amount} of your payment is being refunded. Your bank has not confirmed it yet.`,
  details: 'Client details',
  call: 'Call',
  text: 'Text',
  mail: 'Email',
  copy: 'Copy',
  copied: 'Copied',
  lead: (leadId) => `Lead ${leadId}.`,
  confirming: {
    title: 'Confirming your payment',
    sentence: 'We are confirming your payment with Stripe. This page refreshes automatically.',
  },
  held: {
    title: 'Payment received',
    sentence:
      'Your payment has arrived and is being checked by a person. You do not need to pay again. You will receive the client details, or your money back in full.',
  },
  refused: {
    title: 'Payment is not possible',
    sentence:
      'The payment service does not accept this payment. You were not charged, and the seller has been notified.',
  },
  closed: {
    expired: { title: 'No longer available', sentence: 'This offer has ended. You were not charged for it.' },
    sold_out: {
      title: 'No longer available',
      sentence: 'This client inquiry was sold to others. You were not charged for it.',
    },
    declined: {
      title: 'No longer available',
      sentence: 'You declined this offer. You were not charged for it.',
    },
    refunded: { title: 'Refunded', sentence: 'Your payment was refunded in full.' },
    refunding: {
      title: 'Refund on its way',
      sentence:
        'Your payment is being refunded in full. Your bank has not confirmed it yet: it can take 5 to 10 days. You do not need to do anything.',
    },
    refund_owed: {
      title: 'Refund due',
      sentence:
        'This lead could not be sold to you. Your payment will be refunded in full. You do not need to do anything.',
    },
    not_ready: {
      title: 'Not open yet',
      sentence: 'Reply Y to the text message first. After that, this link works.',
    },
  },
  erased: { title: 'Details erased', sentence: 'The details of this client were erased on request.' },
  unknown: {
    title: 'Unknown link',
    sentence: 'This link is not valid. Please use the most recent link in your messages.',
  },
  busy: { title: 'Please wait', sentence: 'Too many requests. Please try again in a minute.' },
  unavailable: {
    title: 'One moment',
    sentence:
      'The payment page cannot be opened right now. You were not charged. Please try again in a minute.',
  },
  again: 'Try again',
  otherOffers: 'Your other open offers',
  replyY: (leadId) => `Reply Y ${leadId} to its text message to buy it.`,
};

const es: PayWords = {
  inquiry: 'Nueva solicitud de cliente',
  soldBy: (seller) => `Vendido por ${seller}`,
  questions: (contact) => `¿Preguntas o un problema? Contacto: ${contact}.`,
  teaser: {
    service: 'Servicio',
    city: 'Ciudad',
    time: 'Horario preferido',
    budget: 'Presupuesto',
    notes: 'Notas',
  },
  youGet: 'Lo que recibe',
  fields: { name: 'Nombre', phone: 'Teléfono', email: 'Email', address: 'Dirección', notes: 'Notas' },
  included: 'Incluido',
  payFor: (price) => `Pague ${price} para ver todo esto completo.`,
  pay: (price) => `Pagar ${price}`,
  refundRule:
    'Si la oferta termina o se agota antes de que llegue su pago, le devolvemos todo su dinero automáticamente.',
  left: (minutes) => {
    if (minutes < 1) return 'Queda menos de un minuto.';
    if (minutes < 120) return minutes === 1 ? 'Queda 1 minuto.' : `Quedan ${minutes} minutos.`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `Quedan ${hours} horas.` : `Quedan ${Math.floor(hours / 24)} días.`;
  },
  sold: (sold, max) =>
    max === 1
      ? `Vendido ${sold} de 1: usted sería el único comprador de este cliente.`
      : `Vendido ${sold} de ${max}: como máximo ${max} compradores reciben los datos de este cliente.`,
  byStripe: (leadId) => `El pago lo procesa Stripe. Lead ${leadId}.`,
  receipt: 'Stripe envía el recibo a su correo.',
  paid: 'Pagado. Gracias.',
  showDetails: 'Ver los datos',
  refunded: (amount) => `Se le devolvieron ${amount} de su pago.`,
  refunding: (amount) => `Se están devolviendo ${amount} de su pago. Su banco todavía no lo ha confirmado.`,
  details: 'Datos del cliente',
  call: 'Llamar',
  text: 'Mensaje',
  mail: 'Correo',
  copy: 'Copiar',
  copied: 'Copiado',
  lead: (leadId) => `Lead ${leadId}.`,
  confirming: {
    title: 'Confirmando su pago',
    sentence: 'Estamos confirmando su pago con Stripe. Esta página se actualiza automáticamente.',
  },
  held: {
    title: 'Pago recibido',
    sentence:
      'Su pago ha llegado y una persona lo está revisando. No necesita pagar de nuevo. Recibirá los datos del cliente o la devolución completa de su dinero.',
  },
  refused: {
    title: 'No se puede pagar',
    sentence: 'El servicio de pagos no acepta este pago. No se le cobró nada y avisamos al vendedor.',
  },
  closed: {
    expired: { title: 'Ya no está disponible', sentence: 'Esta oferta terminó. No se le cobró.' },
    sold_out: {
      title: 'Ya no está disponible',
      sentence: 'Esta solicitud se vendió a otros. No se le cobró.',
    },
    declined: { title: 'Ya no está disponible', sentence: 'Usted omitió esta oferta. No se le cobró.' },
    refunded: { title: 'Devuelto', sentence: 'Su pago fue devuelto por completo.' },
    refunding: {
      title: 'Devolución en camino',
      sentence:
        'Estamos devolviendo su pago por completo. Su banco todavía no lo ha confirmado: puede tardar de 5 a 10 días. No necesita hacer nada.',
    },
    refund_owed: {
      title: 'Devolución pendiente',
      sentence:
        'No fue posible venderle este contacto. Le devolveremos su pago por completo. No necesita hacer nada.',
    },
    not_ready: {
      title: 'Todavía no está abierta',
      sentence: 'Responda primero SI al mensaje de texto. Después, este enlace funciona.',
    },
  },
  erased: {
    title: 'Datos borrados',
    sentence: 'Los datos de este cliente se borraron a petición suya.',
  },
  unknown: {
    title: 'Enlace desconocido',
    sentence: 'Este enlace no es válido. Use el enlace más reciente de sus mensajes.',
  },
  busy: { title: 'Espere un momento', sentence: 'Demasiadas solicitudes. Inténtelo de nuevo en un minuto.' },
  unavailable: {
    title: 'Un momento',
    sentence: 'La página de pago no se puede abrir ahora. No se le cobró. Inténtelo de nuevo en un minuto.',
  },
  again: 'Intentar de nuevo',
  otherOffers: 'Sus otras ofertas abiertas',
  replyY: (leadId) => `Responda SI ${leadId} a su mensaje para comprarla.`,
};

export const payWords: Readonly<Record<Language, PayWords>> = { en, es };
