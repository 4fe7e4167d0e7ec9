import { type Answer, json, type Refusal, type VendorRequest } from '../vendor.ts';
import { DetailedRefusal, docsOf } from './card-error.ts';
import { keyOf } from './idempotency.ts';
import { apiVersion, newId } from './objects.ts';
import type { Cause } from './store.ts';

export function ok(value: unknown): Answer {
  return json(200, value, { 'request-id': newId('req'), 'stripe-version': apiVersion });
}

export function rendered(refusal: Refusal): Answer {
  const requestId = newId('req');
  const byStatus: Record<number, string> = {
    402: 'card_error',
    500: 'api_error',
    502: 'api_error',
    503: 'api_error',
  };
  return json(
    refusal.status,
    {
      error: {
        ...(refusal.code === null ? {} : { code: refusal.code, doc_url: docsOf(String(refusal.code)) }),
        message: refusal.message,
        ...(refusal.param === null ? {} : { param: refusal.param }),
        ...(refusal instanceof DetailedRefusal ? refusal.details : {}),
        request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
        type: refusal.type ?? byStatus[refusal.status] ?? 'invalid_request_error',
      },
    },
    { 'request-id': requestId, 'stripe-version': apiVersion },
  );
}

export function causeOf(request: VendorRequest): Cause {
  return { requestId: newId('req'), idempotencyKey: keyOf(request) };
}
