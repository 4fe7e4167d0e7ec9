import type { Answer, Route } from '../vendor.ts';
import { rendered } from './answers.ts';
import { CardError } from './card-error.ts';
import { keyOf } from './idempotency.ts';

type Run = Route['run'];

/** Turns a card error into the result of its call, which its idempotency key replays. */
export function answeringDeclines(operation: string, run: Run): Run {
  return (call): Answer => {
    try {
      return run(call);
    } catch (error) {
      if (!(error instanceof CardError)) throw error;
      const intent = (error.details.payment_intent ?? error.details.setup_intent) as
        | { id: string; amount?: number; currency?: string; customer: string | null }
        | undefined;
      return {
        ...rendered(error),
        record: {
          operation,
          params: call.params,
          vendorId: intent?.id ?? null,
          reference: intent?.customer ?? null,
          amount: intent?.amount ?? null,
          currency: intent?.currency ?? null,
          idempotencyKey: keyOf(call.request),
          error: { code: error.decline.decline || error.decline.code, message: error.message },
        },
      };
    }
  };
}
