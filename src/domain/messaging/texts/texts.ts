/**
 * What each text is given. Every argument is also there as a flag, `has_city` = `yes` or `no`, so that a text can drop
 * a line or a sentence whose value is missing.
 */
export interface TextArguments {
  teaser: 'buyerName' | 'city' | 'serviceType' | 'timeWindow' | 'budget' | 'price' | 'leadId';
  paymentLink: 'buyerName' | 'price' | 'url' | 'leadId' | 'otherOffers';
  reveal: 'buyerName' | 'name' | 'phone' | 'email' | 'address' | 'notes' | 'footer';
  revealSubject: 'leadId';
  alreadyUnlocked: 'buyerName' | 'leadId' | 'url';
  noLongerAvailable: 'buyerName' | 'leadId' | 'reason';
  refunded: 'buyerName' | 'price' | 'leadId' | 'reason';
  help: 'organization' | 'contact';
  unclear: 'leadId' | 'contact';
  stopConfirmed: 'organization';
  startConfirmed: 'organization';
  alertSubject: 'title' | 'subject';
  alertBody: 'explanation' | 'subject' | 'detail' | 'url';
}

export type TextKey = keyof TextArguments;

/** One ICU message per text; a language that lacks one does not compile. */
export type Texts = Readonly<Record<TextKey, string>>;
