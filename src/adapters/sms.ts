import type { FailureCode } from '../domain/errors.ts';

/** An SMS to send. `reference` is the effect id, which the vendor returns in its status callback. */
export type OutgoingSms = {
  /** E.164 with plus. */
  to: string;
  body: string;
  reference: string;
  /** Receives the vendor's delivery reports; when absent, none are requested. */
  statusCallbackUrl?: string;
};

export type AcceptedSms = { vendorId: string };

/** Status of a message at the vendor. Order: queued < sent < delivered | failed; it never moves backwards. */
export type SmsStatus = 'queued' | 'sent' | 'delivered' | 'failed';

export type FoundSms = {
  vendorId: string;
  status: SmsStatus;
  failure?: FailureCode;
  vendorCode?: string;
  reference?: string | null;
};

/** An SMS to our number, as fetched from the vendor by id. */
export type InboundSms = {
  vendorId: string;
  from: string;
  to: string;
  body: string;
  receivedAt: Date | null;
};

/**
 * Sends SMS through the configured vendor.
 *
 * `send` throws PermanentError (opted_out, bad_number, bad_request, unauthorized), TransientError (429) or
 * UnknownOutcomeError (timeout, reset, 5xx): no SMS vendor here has an idempotency key.
 */
export interface SmsGateway {
  readonly vendor: 'twilio' | 'textmagic';
  /** Our sending number, E.164. Opt-outs and replies are kept per pair of our number and the buyer's phone. */
  readonly ourNumber: string;
  send(sms: OutgoingSms): Promise<AcceptedSms>;
  /**
   * Looks up a message sent with this body to this number after `since`, or by `reference` where the vendor stores it.
   * Returns null when the vendor lists none.
   */
  find(query: { to: string; body: string; reference: string; since: Date }): Promise<FoundSms | null>;
  /** Fetches the current status of one message. */
  status(vendorId: string): Promise<FoundSms>;
  /** Fetches an inbound message by its id, for vendors that do not sign callbacks. Returns null when it does not exist. */
  fetchInbound?(vendorId: string): Promise<InboundSms | null>;
  healthy(): Promise<boolean>;
}
