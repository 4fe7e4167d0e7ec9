import { isUtf8 } from 'node:buffer';
import type Stripe from 'stripe';
import { BadSignatureError, type VerifiedStripeEvent } from '../payments.ts';

/** Applied to past and future timestamps; Stripe's own library accepts any future timestamp. */
const toleranceSeconds = 300;

export function verifyWebhook(
  stripe: Stripe,
  secrets: readonly string[],
  rawBody: Buffer,
  signature: string | undefined,
  now: Date,
): VerifiedStripeEvent {
  if (!signature) throw new BadSignatureError('no Stripe-Signature header');
  // The SDK decodes the body before it computes the signature, so that different invalid bytes would verify alike.
  if (!isUtf8(rawBody)) throw new BadSignatureError('body is not UTF-8');
  if (!secrets.some((secret) => signedWith(stripe, secret, rawBody, signature, now))) {
    throw new BadSignatureError('signature does not match');
  }
  const ahead = signedAt(signature) - now.getTime() / 1000;
  if (!(ahead <= toleranceSeconds)) throw new BadSignatureError('timestamp lies in the future');
  return eventFrom(rawBody);
}

/** Verifies in constant time (by the SDK). Returns false when the timestamp is too old. */
function signedWith(stripe: Stripe, secret: string, rawBody: Buffer, signature: string, now: Date): boolean {
  if (secret === '') return false;
  try {
    return (
      stripe.webhooks.signature?.verifyHeader(
        rawBody,
        signature,
        secret,
        toleranceSeconds,
        undefined,
        now.getTime(),
      ) ?? false
    );
  } catch {
    return false;
  }
}

/** Returns the last `t=`, which is the one that the SDK verifies, or NaN without one. */
function signedAt(signature: string): number {
  const times = signature.split(',').filter((part) => part.startsWith('t='));
  return Number.parseInt(times.at(-1)?.slice(2) ?? '', 10);
}

function eventFrom(rawBody: Buffer): VerifiedStripeEvent {
  const event = eventOf(parsed(rawBody));
  if (!event) throw new BadSignatureError('body is not a Stripe event');
  return event;
}

export function eventOf(value: unknown): VerifiedStripeEvent | null {
  const event = objectOrNull(value);
  const object = objectOrNull(objectOrNull(event?.data)?.object);
  if (
    !event ||
    !object ||
    typeof event.id !== 'string' ||
    typeof event.type !== 'string' ||
    typeof event.created !== 'number'
  ) {
    return null;
  }
  return {
    id: event.id,
    type: event.type,
    livemode: event.livemode === true,
    account: typeof event.account === 'string' ? event.account : null,
    created: new Date(event.created * 1000),
    object,
  };
}

function parsed(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch {
    return null;
  }
}

function objectOrNull(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
