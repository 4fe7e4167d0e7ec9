import type { Texts } from './texts.ts';

/** Teaser, payment link and reveal are a contract, including spaces before line breaks (docs/contracts.md). */
export const en: Texts = {
  teaser:
    '{has_buyerName, select, yes {{buyerName}, new} other {New}} client inquiry' +
    '{has_city, select, yes { in {city}} other {}}.' +
    '{has_serviceType, select, yes { Type: {serviceType}.} other {}} \n' +
    '{has_timeWindow, select, yes {Time window: {timeWindow}. } other {}}' +
    '{has_budget, select, yes {Budget: {budget}. } other {}}' +
    '{has_timeWindow, select, yes {\n} other {{has_budget, select, yes {\n} other {}}}}' +
    'Reply Y to unlock contact details for {price}. Reply N to skip. Lead {leadId}.',

  paymentLink:
    '{has_buyerName, select, yes {{buyerName}, complete} other {Complete}} ' +
    'your {price} payment to unlock client details: \n{url} (Lead {leadId})' +
    '{otherOffers, plural, =0 {} ' +
    'one {\n# other offer is open: reply Y with its lead number.} ' +
    'other {\n# other offers are open: reply Y with a lead number.}}',

  reveal:
    '{has_buyerName, select, yes {{buyerName}, here} other {Here}} are the client details:\n\n' +
    '{has_name, select, yes {Name: {name}\n} other {}}' +
    '{has_phone, select, yes {Phone: {phone}\n} other {}}' +
    '{has_email, select, yes {Email: {email}\n} other {}}' +
    '{has_address, select, yes {Address: {address}\n} other {}}' +
    '{has_notes, select, yes {Notes: {notes}\n} other {}}' +
    '{has_footer, select, yes {\n{footer}} other {}}',

  revealSubject: 'Client details for lead {leadId}',

  noLongerAvailable:
    '{has_buyerName, select, yes {{buyerName}, lead} other {Lead}} {leadId} is no longer available' +
    '{reason, select, sold_out {: it has been sold} expired {: the offer has ended} declined {: you skipped it} ' +
    'other {}}.',

  refunded:
    '{has_buyerName, select, yes {{buyerName}, your} other {Your}} {price} payment for lead {leadId} ' +
    'was refunded in full: ' +
    '{reason, select, duplicate {you had already paid for it} other {the lead is no longer available}}. ' +
    'It can take 5 to 10 days to reach your card.',

  refundPending:
    '{has_buyerName, select, yes {{buyerName}, your} other {Your}} {price} payment for lead {leadId} ' +
    'is being refunded: ' +
    '{reason, select, duplicate {you had already paid for it} other {the lead is no longer available}}. ' +
    'Your bank has not confirmed the refund yet.',

  refundFailed:
    '{has_buyerName, select, yes {{buyerName}, the} other {The}} refund of your {price} payment for lead {leadId} ' +
    'did not go through. We know about it and will return your money.' +
    '{has_contact, select, yes { Contact: {contact}} other {}}',

  help:
    '{organization}: client inquiries by text. Reply Y to unlock an offer, N to skip, STOP to opt out, ' +
    'START to come back. Msg & data rates may apply.{has_contact, select, yes { Contact: {contact}} other {}}',

  unclear:
    'Sorry, we did not understand. Reply Y to unlock' +
    '{has_leadId, select, yes { lead {leadId}} other { the contact details}}, N to skip, STOP to opt out.' +
    '{has_contact, select, yes { Contact: {contact}} other {}}',

  stopConfirmed:
    '{organization}: you have opted out and will get no more messages. Reply START to come back, HELP for help.',

  startConfirmed:
    '{organization}: you will get client inquiries by text again. Reply HELP for help, STOP to opt out.',

  verifySubject: 'Verify your e-mail address',

  verifyBody:
    '{has_name, select, yes {Hi {name},\n\nwelcome} other {Welcome}} to leadgate. Please verify your e-mail address:\n\n{url}\n\n' +
    'The link works once and for {hours} hours. If you did not register, ignore this e-mail.',

  resetSubject: 'Reset your password',

  resetBody:
    '{has_name, select, yes {Hi {name},\n\n} other {}}choose a new password here:\n\n{url}\n\n' +
    'The link works once and for {hours, plural, one {# hour} other {# hours}}. A new password signs you out everywhere. ' +
    'If you did not ask for it, ignore this e-mail: your password stays as it is.',

  invitationSubject: '{organization} invites you',

  invitationBody:
    '{has_name, select, yes {Hi {name},\n\n} other {}}' +
    '{has_invitedBy, select, yes {{invitedBy} invites} other {{organization} invites}} you to work with {organization} on leadgate. ' +
    'Accept here:\n\n{url}\n\nThe link works once and for {hours} hours. If you do not know who this is, ignore this e-mail.',

  rechargeDeclinedSubject: 'Your card was declined',

  rechargeDeclinedBody:
    '{has_name, select, yes {Hi {name},\n\nwe} other {We}} could not add {amount} to your wallet at {organization}: your card was declined. ' +
    'Nothing was charged. We try again tomorrow.\n\nTo use another card, or to add money yourself:\n\n{url}',

  rechargeConfirmSubject: 'Confirm a payment of {amount}',

  rechargeConfirmBody:
    '{has_name, select, yes {Hi {name},\n\nyour} other {Your}} bank asks you to confirm that {amount} is added to your wallet at {organization}. ' +
    'Nothing was charged yet. Confirm it here:\n\n{url}',

  rechargeStoppedSubject: 'Auto-recharge has stopped',

  rechargeStoppedBody:
    '{has_name, select, yes {Hi {name},\n\nwe} other {We}} could not add {amount} to your wallet at {organization}: your card was declined. ' +
    'Nothing was charged, and auto-recharge has stopped. Add another card, or add money yourself:\n\n{url}',

  alertSubject: '[leadgate] {what}',

  alertBody:
    '{what}\n\n' +
    '{has_company, select, yes {Company: {company}\n} other {}}' +
    '{has_buyer, select, yes {Buyer: {buyer}\n} other {}}' +
    '{has_lead, select, yes {Lead: {lead}\n} other {}}' +
    'Since: {since}\n\n' +
    '{explanation}{has_detail, select, yes { {detail}} other {}}\n\n' +
    'What to do: {next}\n' +
    '{has_url, select, yes {\n{url}\n} other {}}\n' +
    'More of the same within this hour is listed on the console and sends no other email.',
};
