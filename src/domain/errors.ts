/**
 * How a call to the outside world can end badly. Adapters classify by the vendor's own code, never by message
 * text; the executor decides from the class alone what happens next.
 */

export type FailureCode =
  | 'opted_out'
  | 'bad_number'
  | 'bad_address'
  | 'bad_request'
  | 'not_found'
  | 'conflict'
  | 'unauthorized'
  | 'misconfigured'
  | 'rate_limited'
  | 'unavailable'
  | 'timeout'
  | 'connection'
  | 'key_reused'
  | 'spend_cap';

type Details = {
  vendor: string;
  code: FailureCode;
  vendorCode?: string | undefined;
  words?: string | undefined;
  cause?: unknown;
};

/** Base of every classified failure. `message` never carries personal data: it is shown and logged. */
export class VendorError extends Error {
  readonly vendor: string;
  readonly code: FailureCode;
  /** The vendor's own code, as the vendor writes it ("21610", "card_declined"). */
  readonly vendorCode: string | undefined;
  /** What the vendor said, without addresses and numbers: for whoever sent the data, where a vendor explains itself. */
  readonly words: string | undefined;

  constructor(message: string, details: Details) {
    super(message, { cause: details.cause });
    this.name = new.target.name;
    this.vendor = details.vendor;
    this.code = details.code;
    this.vendorCode = details.vendorCode;
    this.words = details.words;
  }
}

/** The vendor refused and would refuse again: nothing happened outside, nothing will by repeating. */
export class PermanentError extends VendorError {}

/** The vendor certainly did not do it; the same call may succeed later. */
export class TransientError extends VendorError {
  /** Wait at least this long (ms), where the vendor said so. */
  readonly retryAfterMs: number | undefined;
  /** 429 and the like were not processed: they burn no attempt. */
  readonly burnsAttempt: boolean;

  constructor(message: string, details: Details & { retryAfterMs?: number; burnsAttempt?: boolean }) {
    super(message, details);
    this.retryAfterMs = details.retryAfterMs;
    this.burnsAttempt = details.burnsAttempt ?? true;
  }
}

/** Nobody here can tell whether the vendor did it: timeouts, resets and 5xx of vendors without an idempotency key. */
export class UnknownOutcomeError extends VendorError {}

/** A request cannot be carried out as asked. `code` is stable and part of the API (RFC 9457 problem+json). */
export class RefusedError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  readonly fields: { path: string; message: string }[] | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    more: { retryAfterSeconds?: number; fields?: { path: string; message: string }[] } = {},
  ) {
    super(message);
    this.name = 'RefusedError';
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.fields = more.fields;
  }
}
