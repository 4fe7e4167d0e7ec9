import type { Texts } from './texts.ts';

/** "SI" is written without its accent: "Í" is not in GSM-7 and would halve the length of a text message. */
export const es: Texts = {
  teaser:
    '{has_buyerName, select, yes {{buyerName}, nueva} other {Nueva}} solicitud de cliente' +
    '{has_city, select, yes { en {city}} other {}}.' +
    '{has_serviceType, select, yes { Tipo: {serviceType}.} other {}} \n' +
    '{has_timeWindow, select, yes {Horario: {timeWindow}. } other {}}' +
    '{has_budget, select, yes {Presupuesto: {budget}. } other {}}' +
    '{has_timeWindow, select, yes {\n} other {{has_budget, select, yes {\n} other {}}}}' +
    'Responda SI para ver los datos de contacto por {price}. Responda NO para omitir. Lead {leadId}.',

  paymentLink:
    '{has_buyerName, select, yes {{buyerName}, complete} other {Complete}} ' +
    'su pago de {price} para ver los datos del cliente: \n{url} (Lead {leadId})' +
    '{otherOffers, plural, =0 {} ' +
    'one {\nQueda # oferta abierta: responda SI con su lead.} ' +
    'other {\nQuedan # ofertas abiertas: responda SI con un lead.}}',

  reveal:
    '{has_buyerName, select, yes {{buyerName}, estos} other {Estos}} son los datos del cliente:\n\n' +
    '{has_name, select, yes {Nombre: {name}\n} other {}}' +
    '{has_phone, select, yes {Teléfono: {phone}\n} other {}}' +
    '{has_email, select, yes {Email: {email}\n} other {}}' +
    '{has_address, select, yes {Dirección: {address}\n} other {}}' +
    '{has_notes, select, yes {Notas: {notes}\n} other {}}' +
    '{has_footer, select, yes {\n{footer}} other {}}',

  revealSubject: 'Datos del cliente, lead {leadId}',

  noLongerAvailable:
    '{has_buyerName, select, yes {{buyerName}, el} other {El}} lead {leadId} ya no está disponible' +
    '{reason, select, sold_out {: ya se vendió} expired {: la oferta terminó} declined {: usted lo omitió} ' +
    'other {}}.',

  refunded:
    '{has_buyerName, select, yes {{buyerName}, su} other {Su}} pago de {price} por el lead {leadId} ' +
    'fue devuelto por completo: ' +
    '{reason, select, duplicate {ya lo había pagado} other {el lead ya no está disponible}}. ' +
    'Puede tardar de 5 a 10 días en llegar a su tarjeta.',

  refundPending:
    '{has_buyerName, select, yes {{buyerName}, su} other {Su}} pago de {price} por el lead {leadId} ' +
    'se está devolviendo: ' +
    '{reason, select, duplicate {ya lo había pagado} other {el lead ya no está disponible}}. ' +
    'Su banco todavía no confirmó la devolución.',

  refundFailed:
    '{has_buyerName, select, yes {{buyerName}, la} other {La}} devolución de su pago de {price} por el lead {leadId} ' +
    'no se completó. Lo sabemos y le devolveremos su dinero.' +
    '{has_contact, select, yes { Contacto: {contact}} other {}}',

  help:
    '{organization}: solicitudes de clientes por mensaje. Responda SI para comprar una oferta, NO para omitir, ' +
    'STOP para no recibir más, START para volver. Pueden aplicar tarifas de mensajes y datos.' +
    '{has_contact, select, yes { Contacto: {contact}} other {}}',

  unclear:
    'No entendimos su respuesta. Responda SI para ver' +
    '{has_leadId, select, yes { el lead {leadId}} other { los datos de contacto}}, NO para omitir, ' +
    'STOP para no recibir más.{has_contact, select, yes { Contacto: {contact}} other {}}',

  stopConfirmed:
    '{organization}: no recibirá más mensajes. Responda START para volver a recibirlos, HELP para ayuda.',

  startConfirmed:
    '{organization}: volverá a recibir solicitudes de clientes. Responda HELP para ayuda, STOP para no recibir más.',

  verifySubject: 'Confirme su dirección de correo',

  verifyBody:
    '{has_name, select, yes {Hola, {name}:\n\nle damos} other {Le damos}} la bienvenida a leadgate. Confirme su dirección de correo:\n\n{url}\n\n' +
    'El enlace sirve una vez y durante {hours} horas. Si usted no se registró, ignore este mensaje.',

  resetSubject: 'Restablezca su contraseña',

  resetBody:
    '{has_name, select, yes {Hola, {name}:\n\nelija} other {Elija}} aquí una nueva contraseña:\n\n{url}\n\n' +
    'El enlace sirve una vez y durante {hours, plural, one {# hora} other {# horas}}. Con una nueva contraseña se cierran todas sus sesiones. ' +
    'Si usted no la pidió, ignore este mensaje: su contraseña no cambia.',

  invitationSubject: '{organization} le invita',

  invitationBody:
    '{has_name, select, yes {Hola, {name}:\n\n} other {}}' +
    '{has_invitedBy, select, yes {{invitedBy} le invita} other {{organization} le invita}} a trabajar con {organization} en leadgate. ' +
    'Acepte aquí:\n\n{url}\n\nEl enlace sirve una vez y durante {hours} horas. Si no conoce a esta persona, ignore este mensaje.',

  rechargeDeclinedSubject: 'Su tarjeta fue rechazada',

  rechargeDeclinedBody:
    '{has_name, select, yes {Hola, {name}:\n\nno} other {No}} pudimos añadir {amount} a su monedero en {organization}: su tarjeta fue rechazada. ' +
    'No se cobró nada. Lo intentaremos de nuevo mañana.\n\nPara usar otra tarjeta o añadir dinero usted mismo:\n\n{url}',

  rechargeConfirmSubject: 'Confirme un pago de {amount}',

  rechargeConfirmBody:
    '{has_name, select, yes {Hola, {name}:\n\nsu} other {Su}} banco le pide que confirme que se añaden {amount} a su monedero en {organization}. ' +
    'Aún no se cobró nada. Confírmelo aquí:\n\n{url}',

  rechargeStoppedSubject: 'La recarga automática se detuvo',

  rechargeStoppedBody:
    '{has_name, select, yes {Hola, {name}:\n\nno} other {No}} pudimos añadir {amount} a su monedero en {organization}: su tarjeta fue rechazada. ' +
    'No se cobró nada y la recarga automática se detuvo. Añada otra tarjeta o dinero usted mismo:\n\n{url}',

  alertSubject: '[leadgate] {what}',

  alertBody:
    '{what}\n\n' +
    '{has_company, select, yes {Empresa: {company}\n} other {}}' +
    '{has_buyer, select, yes {Comprador: {buyer}\n} other {}}' +
    '{has_lead, select, yes {Lead: {lead}\n} other {}}' +
    'Desde: {since}\n\n' +
    '{explanation}{has_detail, select, yes { {detail}} other {}}\n\n' +
    'Qué hacer: {next}\n' +
    '{has_url, select, yes {\n{url}\n} other {}}\n' +
    'Lo que se repita en esta hora aparece en la consola y no envía otro correo.',
};
