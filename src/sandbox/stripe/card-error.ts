import { Refusal } from '../vendor.ts';
import type { Decline } from './test-cards.ts';

/** A refusal whose body has more members than code, message and parameter. */
export class DetailedRefusal extends Refusal {
  readonly details: Record<string, unknown>;

  constructor(status: number, code: string, message: string, details: object, type?: string) {
    super(status, code, message, undefined, type);
    this.details = structuredClone({ ...details });
  }
}

/** What a card error names beside its codes. */
type Subject = { charge?: string; payment_intent?: object; setup_intent?: object; payment_method?: object };

/** A 402. Stripe stores it as the result of its call, so that the same key answers it again. */
export class CardError extends DetailedRefusal {
  readonly decline: Decline;

  constructor(decline: Decline, { charge, ...objects }: Subject) {
    const details = { ...declineFields(decline, charge), ...objects };
    super(402, decline.code, decline.message, details, 'card_error');
    this.decline = decline;
  }
}

/** The fields that a card error, `last_payment_error` and `last_setup_error` share. */
export function declineFields(decline: Decline, charge?: string): Record<string, unknown> {
  return {
    ...(decline.advice && { advice_code: decline.advice }),
    ...(charge !== undefined && { charge }),
    code: decline.code,
    ...(decline.decline !== '' && { decline_code: decline.decline }),
    doc_url: docsOf(decline.code),
    message: decline.message,
    ...(decline.network?.advice && { network_advice_code: decline.network.advice }),
    ...(decline.network && { network_decline_code: decline.network.decline }),
  };
}

export function docsOf(code: string): string {
  return `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`;
}
