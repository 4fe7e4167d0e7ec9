import {
  type FailureCode,
  PermanentError,
  TransientError,
  UnknownOutcomeError,
  type VendorError,
} from '../domain/errors.ts';

/** Timeout of a vendor call. Leases are longer. */
export const callTimeoutMs = 10_000;
/** Timeout of health checks, which must answer although a vendor hangs. */
export const healthTimeoutMs = 3_000;
const longestPauseMs = 3_600_000;

/**
 * `post`: a write without idempotency key; a lost response is an unknown outcome.
 * `repeatable`: a read, or a write with an idempotency key; a lost response is retried.
 */
export type CallKind = 'post' | 'repeatable';

type Call = { vendor: string; kind: CallKind };

/** TLS was not established, so no byte of the request was sent. */
const certificateProblems = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
const neverConnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
]);
const timedOut = new Set(['ETIMEDOUT', 'ECONNABORTED', 'ESOCKETTIMEDOUT']);
/** Phases before the first byte is sent, as named by `syscall` (Node) and `event` (got's timeouts). */
const beforeSending = new Set(['connect', 'getaddrinfo', 'lookup', 'secureConnect']);

/**
 * Classifies a call that got no response. The original error is deliberately not attached as cause: it holds the
 * request, with phone numbers, texts and credentials.
 */
export function connectionError(call: Call, error: unknown): VendorError {
  const trail = errorTrail(error);
  const vendorCode = trail.map((step) => step.code).find((code) => code !== undefined);
  const isTimeout = vendorCode !== undefined && timedOut.has(vendorCode);
  const code: FailureCode = isTimeout ? 'timeout' : 'connection';
  const details = { vendor: call.vendor, code, vendorCode };
  const unreached = trail.some(
    ({ code: network, phase }) =>
      (network !== undefined && (neverConnected.has(network) || certificateProblems.has(network))) ||
      (phase !== undefined && beforeSending.has(phase)),
  );
  if (unreached) return new TransientError(`${call.vendor} could not be reached`, details);
  const what = isTimeout ? 'did not answer in time' : 'broke off before answering';
  if (call.kind === 'post') return new UnknownOutcomeError(`${call.vendor} ${what}`, details);
  return new TransientError(`${call.vendor} ${what}`, details);
}

type Answered = {
  status: number;
  vendorCode?: string | undefined;
  retryAfterMs?: number | undefined;
  /** See VendorError. */
  vendorMessage?: string | undefined;
  /** The vendor's code as classified by the adapter; when absent, the HTTP status decides. */
  code?: FailureCode | undefined;
};

/** Classifies an error response of a vendor by its codes alone. */
export function responseError(call: Call, answer: Answered): VendorError {
  const { status } = answer;
  const vendorCode = answer.vendorCode ?? String(status);
  const { vendor } = call;
  if (status === 429 || answer.code === 'rate_limited') {
    const { retryAfterMs } = answer;
    const details = { vendor, code: 'rate_limited' as const, vendorCode, retryAfterMs, burnsAttempt: false };
    return new TransientError(`${vendor} asks to slow down (${vendorCode})`, details);
  }
  if (status >= 500 || status === 408) {
    const details = { vendor, code: 'unavailable' as const, vendorCode };
    if (call.kind === 'post')
      return new UnknownOutcomeError(`${vendor} failed while handling it (${vendorCode})`, details);
    return new TransientError(`${vendor} failed (${vendorCode})`, {
      ...details,
      retryAfterMs: answer.retryAfterMs,
    });
  }
  const code = answer.code ?? codeByStatus(status);
  const details = { vendor, code, vendorCode, vendorMessage: answer.vendorMessage };
  return new PermanentError(`${vendor} refused: ${code} (${vendorCode})`, details);
}

/** Classifies a success response that cannot be parsed or lacks an id: the vendor may have processed the call. */
export function unreadableResponse(call: Call): VendorError {
  const details = { vendor: call.vendor, code: 'unavailable' as const, vendorCode: 'unreadable_answer' };
  const message = `${call.vendor} answered without the id of what it did`;
  return call.kind === 'post'
    ? new UnknownOutcomeError(message, details)
    : new TransientError(message, details);
}

function codeByStatus(status: number): FailureCode {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not_found';
  if (status === 409) return 'conflict';
  // A redirect means that the base URL is wrong: vendors' APIs do not redirect.
  return status < 400 ? 'misconfigured' : 'bad_request';
}

/**
 * Parses Retry-After, in seconds or as an HTTP date (RFC 9110 10.2.3), into milliseconds, at most one hour. Returns
 * undefined when the header is absent or invalid.
 */
export function retryAfterMs(header: unknown, now: number = Date.now()): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(longestPauseMs, Math.max(0, ms)) : undefined;
}

/** True for errors thrown by Node, axios and got when a call fails; false for programming errors. */
export function isNetworkError(error: unknown): boolean {
  return errorTrail(error).some(({ code }) => code !== undefined && !code.startsWith('ERR_INVALID_'));
}

type Step = { code: string | undefined; phase: string | undefined };

/** Collects the codes of an error, its causes and the parts of an aggregate (one per address tried). */
function errorTrail(error: unknown, depth = 0): Step[] {
  if (typeof error !== 'object' || error === null || depth > 4) return [];
  const { code, syscall, event, cause, detail, errors } = error as Record<string, unknown>;
  const own = typeof code === 'string' && code !== '' ? code : undefined;
  const phase = [syscall, event].find((value) => typeof value === 'string');
  const inner = [cause, detail, ...(Array.isArray(errors) ? errors.slice(0, 4) : [])];
  return [{ code: own, phase }, ...inner.flatMap((next) => errorTrail(next, depth + 1))];
}
