/** Whom a message may be for: `consumer` is the person a lead is about, `address` one that belongs to no record here. */
export const recipientKinds = ['buyer', 'consumer', 'member', 'operator', 'address'] as const;
export type RecipientKind = (typeof recipientKinds)[number];

/** With the id of the buyer, of the consumer's lead, or of the member's user. */
export type Recipient =
  | { kind: Extract<RecipientKind, 'buyer' | 'consumer' | 'member'>; id: string }
  | { kind: Extract<RecipientKind, 'operator' | 'address'> };
