import Stripe from 'stripe';
import { TransientError } from '../../domain/errors.ts';
import { buyerMessage, type DeclineCodes } from '../../domain/payment/declines.ts';
import { connectionError, responseError, retryAfterMs } from '../failure.ts';

const call = { vendor: 'stripe', kind: 'repeatable' } as const;

export async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw classified(error);
  }
}

/** The codes of a card error, or of a payment's `last_payment_error`. The SDK reports a missing decline code as "". */
export function declineCodesOf(error: {
  code?: string;
  decline_code?: string;
  advice_code?: string;
  network_advice_code?: string;
}): DeclineCodes {
  return {
    code: error.code || null,
    declineCode: error.decline_code || null,
    adviceCode: error.advice_code || null,
    networkAdviceCode: error.network_advice_code || null,
  };
}

export function classified(error: unknown): unknown {
  const { errors } = Stripe;
  if (!(error instanceof errors.StripeError)) return error;
  if (error instanceof errors.StripeConnectionError) return connectionError(call, error);
  const status = error.statusCode ?? 0;
  const vendorCode = error.decline_code || error.code || (status === 0 ? undefined : String(status));
  if (error instanceof errors.StripeIdempotencyError)
    return responseError(call, { status, vendorCode, code: 'key_reused' });
  if (error instanceof errors.StripeRateLimitError) {
    return responseError(call, {
      status,
      vendorCode,
      code: 'rate_limited',
      retryAfterMs: retryAfterMs(error.headers?.['retry-after']),
    });
  }
  if (status === 409) {
    // The first call with this key is still running; a retry returns its result.
    const details = {
      vendor: 'stripe',
      code: 'conflict' as const,
      vendorCode,
      retryAfterMs: 1_000,
      burnsAttempt: false,
    };
    return new TransientError('stripe is still busy with this key', details);
  }
  // A success response that is not JSON comes from a proxy. A retry with the same key is safe in either case.
  if (error instanceof errors.StripeAPIError)
    return responseError(call, { status: Math.max(status, 500), vendorCode });
  if (error.code === 'charge_disputed') return responseError(call, { status, vendorCode, code: 'conflict' });
  return responseError(call, {
    status,
    vendorCode,
    vendorMessage: error instanceof errors.StripeCardError ? buyerMessage(declineCodesOf(error)) : undefined,
    code: error.code === 'resource_missing' ? 'not_found' : undefined,
  });
}
