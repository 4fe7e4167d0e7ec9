import { parse as parseForm } from 'node:querystring';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { BadSignatureError, type VerifiedStripeEvent } from '../../adapters/payments.ts';
import { parseSendgridEvents, type SendgridEvent, verifySendgridSignature } from '../../adapters/sendgrid.ts';
import { parseTwilioStatus, twilioKeyword, verifyTwilioSignature } from '../../adapters/twilio.ts';
import { bookReceipt, type Receipt, takeReceipt } from '../../db/messaging/receipts.ts';
import { RefusedError } from '../../domain/errors.ts';
import { receiveReply } from '../../usecases/messaging/receive-reply.ts';
import { receiveStripeEvent } from '../../usecases/payment/receive-event.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { readRawBodies } from '../http/bodies.ts';
import { causeOf } from '../http/cause.ts';
import { addressOf, type Limiter } from '../http/limits.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'payments' | 'config' | 'selfCheck'>;

const form = 'application/x-www-form-urlencoded';
const json = 'application/json';
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const KB = 1024;
/**
 * What is read before a signature is verified. Stripe's events are a few KB; metadata (50 entries of 540 characters) and
 * ten line items fit several times. SendGrid collects the events of a second or more: some 500
 * fit, which an account that sends 150 e-mails a second would exceed. Twilio sends a text
 * of at most 1,600 characters with ten addresses of pictures.
 */
const largestBodies = { stripe: 256 * KB, sendgrid: 256 * KB, twilio: 64 * KB };

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};
const bytesOf = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);

/** Webhooks with a signature, verified over the unmodified bytes. Unsigned requests write nothing. */
export function signedWebhooks(deps: Deps, limiter: Limiter): FastifyPluginAsync {
  const refuse = async (request: FastifyRequest, reply: FastifyReply, status: 400 | 403): Promise<never> => {
    await limiter.take('refused', addressOf(request), reply);
    throw new RefusedError(status, 'bad_signature', 'The signature does not match this body and address.');
  };
  return async (app) => {
    await app.register(async (scope) => {
      readRawBodies(scope, [json], largestBodies.stripe);
      for (const path of ['/webhook/stripe', '/api/webhooks/stripe']) {
        scope.post(path, { schema: hidden }, async (request, reply) => {
          const event = stripeEventOf(deps, request);
          if (!event) return refuse(request, reply, 400);
          await receiveStripeEvent(deps, event, causeOf(request));
          return { received: true };
        });
      }
    });
    await app.register(async (scope) => {
      readRawBodies(scope, [json], largestBodies.sendgrid);
      scope.post('/webhook/sendgrid/events', { schema: hidden }, async (request, reply) => {
        const events = sendgridEventsOf(deps, request);
        if (!events) return refuse(request, reply, 403);
        for (const event of events) await receiveSendgridEvent(deps, event, request);
        return { received: events.length };
      });
    });
    await app.register(async (scope) => {
      readRawBodies(scope, [form], largestBodies.twilio);
      scope.post('/webhook/twilio/sms', { schema: hidden }, async (request, reply) => {
        const params = twilioParamsOf(deps, request);
        if (!params) return refuse(request, reply, 403);
        await receiveTwilioText(deps, params, request);
        // Any other content would be texted to the sender.
        return reply
          .header('content-type', 'text/xml; charset=utf-8')
          .send('<?xml version="1.0" encoding="UTF-8"?><Response/>');
      });
      for (const path of ['/webhook/twilio/status', '/webhook/twilio/status/:effect_id']) {
        scope.post(path, { schema: hidden }, async (request, reply) => {
          const params = twilioParamsOf(deps, request);
          if (!params) return refuse(request, reply, 403);
          await receiveTwilioStatus(deps, params, request);
          return reply.status(204).send();
        });
      }
    });
  };
}

const hidden = { tags: ['webhooks'], hide: true };

// --- Stripe ----------------------------------------------------------------------------------------------------------

/** Returns null when Stripe did not sign it for this account and mode. */
function stripeEventOf(
  { payments, config, selfCheck }: Deps,
  request: FastifyRequest,
): VerifiedStripeEvent | null {
  try {
    const event = payments.verifyWebhook(
      bytesOf(request),
      header(request, 'stripe-signature'),
      selfCheck.now(),
    );
    const live = /^(?:sk|rk)_live_/.test(config.stripe.secretKey);
    return event.livemode === live && event.account === null ? event : null;
  } catch (error) {
    if (error instanceof BadSignatureError) return null;
    throw error;
  }
}

// --- SendGrid --------------------------------------------------------------------------------------------------------

function sendgridEventsOf({ config, selfCheck }: Deps, request: FastifyRequest): SendgridEvent[] | null {
  const rawBody = bytesOf(request);
  const signed = verifySendgridSignature({
    publicKey: config.sendgrid.webhookPublicKey,
    timestamp: header(request, 'x-twilio-email-event-webhook-timestamp'),
    signature: header(request, 'x-twilio-email-event-webhook-signature'),
    rawBody,
    now: selfCheck.now(),
  });
  if (!signed) return null;
  try {
    return parseSendgridEvents(JSON.parse(rawBody.toString('utf8'))) ?? [];
  } catch {
    throw new RefusedError(400, 'invalid_json', 'The body is not valid JSON.');
  }
}

async function receiveSendgridEvent(
  deps: Deps,
  event: SendgridEvent,
  request: FastifyRequest,
): Promise<void> {
  const status = (
    { processed: 'queued', delivered: 'delivered', bounce: 'failed', dropped: 'failed' } as const
  )[event.type as string];
  if (!status) return;
  const failed = status === 'failed';
  await book(deps, request, {
    vendor: 'sendgrid',
    effectId: idOf(event.effectId),
    vendorId: event.vendorId,
    status,
    code: failed ? 'bad_address' : null,
    vendorCode: failed ? event.type : null,
  });
}

// --- Twilio ----------------------------------------------------------------------------------------------------------

type Params = Record<string, string | string[]>;

/** The form's fields, if Twilio signed them for the public URL. Host and scheme in headers are ignored. */
function twilioParamsOf({ config }: Deps, request: FastifyRequest): Params | null {
  const params = { ...parseForm(bytesOf(request).toString('utf8'), '&', '=', { maxKeys: 500 }) } as Params;
  const signed = verifyTwilioSignature({
    // No token unless Twilio is the provider: in the sandbox its token is public.
    authTokens: config.smsProvider === 'twilio' ? [config.twilio.authToken].filter(Boolean) : [],
    publicUrl: config.publicUrl,
    path: request.raw.url ?? '',
    params,
    signature: header(request, 'x-twilio-signature'),
  });
  return signed ? params : null;
}

const field = (params: Params, name: string): string => {
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  return (Array.isArray(value) ? value[0] : value)?.replaceAll('\0', '') ?? '';
};

async function receiveTwilioText(deps: Deps, params: Params, request: FastifyRequest): Promise<void> {
  const externalId = field(params, 'MessageSid') || field(params, 'SmsSid');
  const from = field(params, 'From');
  const ourNumber = field(params, 'To');
  if (!externalId || !from || !ourNumber) {
    throw new RefusedError(400, 'invalid_input', 'MessageSid, From and To are required.');
  }
  const body = field(params, 'Body');
  await receiveReply(deps, {
    source: 'twilio',
    externalId,
    ourNumber,
    from,
    body,
    ...twilioKeyword({ body, to: ourNumber, optOutType: field(params, 'OptOutType') }),
    now: deps.selfCheck.now(),
    cause: causeOf(request),
  });
}

async function receiveTwilioStatus(deps: Deps, params: Params, request: FastifyRequest): Promise<void> {
  const { status, failure, vendorCode } = parseTwilioStatus({
    MessageStatus: field(params, 'MessageStatus'),
    SmsStatus: field(params, 'SmsStatus'),
    ErrorCode: field(params, 'ErrorCode'),
  });
  const { effect_id: effectId } = request.params as { effect_id?: string };
  await book(deps, request, {
    vendor: 'twilio',
    effectId: idOf(effectId),
    vendorId: field(params, 'MessageSid') || field(params, 'SmsSid') || null,
    status,
    code: failure ?? null,
    vendorCode: vendorCode ?? null,
  });
}

const idOf = (value: string | null | undefined): string | null =>
  value && uuid.test(value) ? value.toLowerCase() : null;

async function book({ db, relay }: Deps, request: FastifyRequest, receipt: Receipt): Promise<void> {
  const message = await takeReceipt(db, receipt);
  if (message) await relay.commit(bookReceipt(message, receipt), { cause: causeOf(request) });
}
