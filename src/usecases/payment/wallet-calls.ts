import { setTimeout as delay } from 'node:timers/promises';
import { TransientError } from '../../domain/errors.ts';
import type { EffectResult } from '../../engine/posting.ts';
import type { Runtime } from '../runtime.ts';

const rounds = 100;
const pauseMs = 250;

/** The outcome of a call that a request makes. While another request makes the same call, its answer is awaited. */
export async function answered<T>(
  call: () => Promise<EffectResult<T>>,
): Promise<Exclude<EffectResult<T>, { state: 'wait' }>> {
  for (let round = 0; round < rounds; round += 1) {
    const result = await call();
    if (result.state !== 'wait') return result;
    await delay(pauseMs);
  }
  throw new TransientError('the same call is still being made', {
    vendor: 'stripe',
    code: 'conflict',
    retryAfterMs: 5_000,
  });
}

/** Counts a request that calls Stripe, whose own limits all sellers share. Throws 429. */
export const countStripeCall = (
  { quotas }: Pick<Runtime, 'quotas'>,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
): Promise<void> => quotas.take('stripe_calls', { organizationId, keyId: buyerId });
