/**
 * Arguments of each text. Every argument also has a flag, `has_city` = `yes` or `no`, so that a text can omit a line or
 * sentence whose value is missing.
 */
export interface TextArguments {
  teaser: 'buyerName' | 'city' | 'serviceType' | 'timeWindow' | 'budget' | 'price' | 'leadId';
  paymentLink: 'buyerName' | 'price' | 'url' | 'leadId' | 'otherOffers';
  reveal: 'buyerName' | 'name' | 'phone' | 'email' | 'address' | 'notes' | 'footer';
  revealSubject: 'leadId';
  noLongerAvailable: 'buyerName' | 'leadId' | 'reason';
  refunded: 'buyerName' | 'price' | 'leadId' | 'reason';
  refundPending: 'buyerName' | 'price' | 'leadId' | 'reason';
  refundFailed: 'buyerName' | 'price' | 'leadId' | 'contact';
  help: 'organization' | 'contact';
  unclear: 'leadId' | 'contact';
  stopConfirmed: 'organization';
  startConfirmed: 'organization';
  verifySubject: never;
  verifyBody: 'name' | 'url' | 'hours';
  resetSubject: never;
  resetBody: 'name' | 'url' | 'hours';
  invitationSubject: 'organization';
  invitationBody: 'name' | 'organization' | 'invitedBy' | 'url' | 'hours';
  rechargeDeclinedSubject: never;
  rechargeDeclinedBody: 'name' | 'amount' | 'organization' | 'url';
  rechargeConfirmSubject: 'amount';
  rechargeConfirmBody: 'name' | 'amount' | 'organization' | 'url';
  rechargeStoppedSubject: never;
  rechargeStoppedBody: 'name' | 'amount' | 'organization' | 'url';
  alertSubject: 'what';
  alertBody: 'what' | 'company' | 'buyer' | 'lead' | 'explanation' | 'detail' | 'since' | 'next' | 'url';
}

export type TextKey = keyof TextArguments;

/** One ICU message per text; a missing one is a compile error. */
export type Texts = Readonly<Record<TextKey, string>>;
