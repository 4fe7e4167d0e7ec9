import type { FailureCode } from '../domain/errors.ts';

/** One SMS to post. `reference` is our effect id: it comes back in the vendor's status callback. */
export type OutgoingSms = {
  /** E.164 with plus. */
  to: string;
  body: string;
  reference: string;
  /** Where the vendor reports delivery; absent: no callback is asked for. */
  statusCallbackUrl?: string;
};

export type AcceptedSms = { vendorId: string };

/** What a vendor says of a message: `rank` order is queued < sent < delivered | failed, never backwards. */
export type SmsStatus = 'queued' | 'sent' | 'delivered' | 'failed';

export type FoundSms = {
  vendorId: string;
  status: SmsStatus;
  failure?: FailureCode;
  vendorCode?: string;
  reference?: string | null;
};

/** An SMS that reached our number, as the vendor itself tells it when asked back by id. */
export type InboundSms = {
  vendorId: string;
  from: string;
  to: string;
  body: string;
  receivedAt: Date | null;
};

/**
 * The one way out for SMS; which vendor stands behind it is configuration.
 *
 * `send` throws PermanentError (opted_out, bad_number, bad_request, unauthorized), TransientError (429) or
 * UnknownOutcomeError (timeout, reset, 5xx): no SMS vendor here has an idempotency key.
 */
export interface SmsGateway {
  readonly vendor: 'twilio' | 'textmagic';
  /** Our own sending number, E.164: opt-outs and reply routing are per (our number, their phone). */
  readonly ourNumber: string;
  /** True where the carrier answers STOP by itself, so that we must not confirm a second time. */
  readonly confirmsOptOut: boolean;
  send(sms: OutgoingSms): Promise<AcceptedSms>;
  /** Looks for a message posted with this body to this number since `since`, or by `reference` where the vendor keeps it. */
  find(query: { to: string; body: string; reference: string; since: Date }): Promise<FoundSms | null>;
  /** The vendor's present word on one message. */
  status(vendorId: string): Promise<FoundSms>;
  /** Fetches an inbound message back by its id (for vendors that do not sign their callbacks). */
  fetchInbound?(vendorId: string): Promise<InboundSms | null>;
  healthy(): Promise<boolean>;
}
