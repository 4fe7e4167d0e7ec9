import type { ProblemCode } from './problems.ts';

/**
 * Failures of vendor calls. Adapters classify by the vendor's own code, never by message text; the executor decides by
 * the class alone whether to retry, look up or park.
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
  vendorMessage?: string | undefined;
  cause?: unknown;
};

/** Base of every classified failure. `message` is shown and logged, so it never contains personal data. */
export class VendorError extends Error {
  readonly vendor: string;
  readonly code: FailureCode;
  /** The vendor's own code, as in its response ("21610", "card_declined"). */
  readonly vendorCode: string | undefined;
  /** The vendor's message without addresses and numbers, to be shown to the sender of the data. */
  readonly vendorMessage: string | undefined;

  constructor(message: string, details: Details) {
    super(message, { cause: details.cause });
    this.name = new.target.name;
    this.vendor = details.vendor;
    this.code = details.code;
    this.vendorCode = details.vendorCode;
    this.vendorMessage = details.vendorMessage;
  }
}

/** The vendor refused the call and would refuse a retry. */
export class PermanentError extends VendorError {}

/** The vendor certainly did not process the call; a retry may succeed. */
export class TransientError extends VendorError {
  /** Minimum delay before the retry, in milliseconds, as requested by the vendor. */
  readonly retryAfterMs: number | undefined;
  /** False for rate limits and the like, which do not count as an attempt. */
  readonly burnsAttempt: boolean;

  constructor(message: string, details: Details & { retryAfterMs?: number; burnsAttempt?: boolean }) {
    super(message, details);
    this.retryAfterMs = details.retryAfterMs;
    this.burnsAttempt = details.burnsAttempt ?? true;
  }
}

/** The vendor may have processed the call: a timeout, reset or 5xx of a vendor without idempotency keys. */
export class UnknownOutcomeError extends VendorError {}

/** A request that is refused. `code` is stable and part of the API (RFC 9457 problem+json): problems.ts explains each. */
export class RefusedError extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly retryAfterSeconds: number | undefined;
  readonly fields: { path: string; message: string }[] | undefined;

  constructor(
    status: number,
    code: ProblemCode,
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

/**
 * A refusal whose wording is part of a wire contract: answered as `error` beside the members of a problem document.
 * `detail` says more where the wording is short.
 */
export class ContractError extends RefusedError {
  readonly wording: string;

  constructor(
    status: number,
    code: ProblemCode,
    wording: string,
    detail: string = wording,
    more: ConstructorParameters<typeof RefusedError>[3] = {},
  ) {
    super(status, code, detail, more);
    this.name = 'ContractError';
    this.wording = wording;
  }
}

/** Whether an error of Node or a driver has one of these codes (`ENOENT`, a SQLSTATE). */
export const hasErrorCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));
