import { createPublicKey, verify } from 'node:crypto';
import sendgridClient from '@sendgrid/client';
import sendgridMail from '@sendgrid/mail';
import { z } from 'zod';
import type { SendgridConfig } from '../config.ts';
import type { FailureCode } from '../domain/errors.ts';
import type { EmailGateway } from './email.ts';
import {
  type CallKind,
  callTimeoutMs,
  connectionError,
  isNetworkError,
  responseError,
  retryAfterMs,
  unreadableResponse,
} from './failure.ts';

// Both packages export a shared instance with the class as a property, which their types do not declare.
const { Client } = sendgridClient as unknown as { Client: new () => typeof sendgridClient };
const { MailService } = sendgridMail as unknown as { MailService: new () => typeof sendgridMail };

const vendor = 'sendgrid';
const tolerance = 300;

const activity = z.object({ messages: z.array(z.object({ msg_id: z.string().min(1) })) });
const refusal = z.object({
  code: z.number(),
  response: z.object({
    // An AxiosHeaders instance, not a plain object.
    headers: z.unknown(),
    body: z
      .object({ errors: z.array(z.object({ field: z.string().nullish().catch(null) })) })
      .nullish()
      .catch(null),
  }),
});

export function createSendgridGateway(
  config: SendgridConfig,
  options: { timeoutMs?: number } = {},
): EmailGateway {
  const client = new Client();
  const mail = new MailService();
  mail.setClient(client);
  mail.setApiKey(config.apiKey);
  // Set after the API key, because setApiKey resets the base URL.
  if (config.baseUrl !== null) client.setDefaultRequest('baseUrl', `${config.baseUrl.replace(/\/+$/, '')}/`);
  mail.setTimeout(options.timeoutMs ?? callTimeoutMs);

  const ask = async <T>(kind: CallKind, answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      throw classified(kind, error);
    }
  };

  return {
    vendor,
    send: async (email) => {
      const [response] = await ask(
        'post',
        mail.send({
          to: { email: email.to, ...(email.toName !== undefined && { name: email.toName }) },
          from: config.fromEmail,
          subject: email.subject,
          text: email.text,
          customArgs: { effect_id: email.reference },
          // Tracking would rewrite our links to SendGrid's host.
          trackingSettings: {
            clickTracking: { enable: false, enableText: false },
            openTracking: { enable: false },
          },
        }),
      );
      const vendorId: unknown = Object(response.headers)['x-message-id'];
      if (typeof vendorId !== 'string' || vendorId === '') throw unreadableResponse({ vendor, kind: 'post' });
      return { vendorId };
    },
    find: async ({ reference }) => {
      // The reference becomes part of a query: only ids are allowed.
      if (!/^[\w-]{1,128}$/.test(reference)) return null;
      const qs = { limit: 1, query: `(unique_args['effect_id']="${reference}")` };
      const [, body] = await ask('repeatable', client.request({ method: 'GET', url: '/v3/messages', qs }));
      const found = activity.safeParse(body);
      if (!found.success) throw unreadableResponse({ vendor, kind: 'repeatable' });
      const [newest] = found.data.messages;
      return newest ? { vendorId: beforeDot(newest.msg_id) } : null;
    },
  };
}

function classified(kind: CallKind, error: unknown): unknown {
  const call = { vendor, kind };
  const answer = refusal.safeParse(error);
  if (!answer.success) return isNetworkError(error) ? connectionError(call, error) : error;
  const { code: status, response } = answer.data;
  const headers = Object(response.headers) as Record<string, unknown>;
  const fields = response.body?.errors.map(({ field }) => field ?? '') ?? [];
  return responseError(call, {
    status,
    code: status === 400 ? failureOf(fields) : undefined,
    retryAfterMs: retryAfterMs(headers['retry-after']) ?? resetAfterMs(headers['x-ratelimit-reset']),
  });
}

/** `personalizations.0.to.0.email` is the recipient's address, `from.email` our own. */
function failureOf(fields: string[]): FailureCode {
  if (fields.some((field) => /^personalizations(\.\d+)?\.to\b/.test(field))) return 'bad_address';
  return fields.some((field) => /^from\b/.test(field)) ? 'misconfigured' : 'bad_request';
}

/** x-ratelimit-reset is a Unix time. */
function resetAfterMs(header: unknown): number | undefined {
  if (typeof header !== 'string' || !/^\d+$/.test(header)) return undefined;
  return retryAfterMs(new Date(Number(header) * 1000).toUTCString());
}

/** sg_message_id is the X-Message-Id followed by a dot and routing details. */
function beforeDot(messageId: string): string {
  return messageId.split('.')[0] ?? messageId;
}

/**
 * Verifies ECDSA P-256 over timestamp + raw body (batches end in a CRLF that is part of it). `publicKey` is base64 SPKI
 * DER, as SendGrid shows it. Returns false for timestamps more than 300 s in the past or future.
 */
export function verifySendgridSignature(request: {
  publicKey: string;
  timestamp: string | undefined;
  signature: string | undefined;
  rawBody: Buffer;
  now: Date;
}): boolean {
  const { publicKey, timestamp, signature, rawBody, now } = request;
  if (publicKey === '' || !signature || !timestamp || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > tolerance) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return verify(
      'sha256',
      Buffer.concat([Buffer.from(timestamp), rawBody]),
      key,
      Buffer.from(signature, 'base64'),
    );
  } catch {
    return false;
  }
}

const eventTypes = [
  'processed',
  'deferred',
  'delivered',
  'bounce',
  'dropped',
  'open',
  'click',
  'spamreport',
  'unsubscribe',
  'group_unsubscribe',
  'group_resubscribe',
] as const;

export type SendgridEvent = {
  /** Unique per event; events are deduplicated by it. */
  eventId: string;
  effectId: string | null;
  vendorId: string | null;
  type: (typeof eventTypes)[number] | 'other';
  /** The receiving server's message, with addresses masked. */
  reason: string | null;
  timestamp: Date;
};

const text = z.string().min(1).nullish().catch(null);
const wireEvent = z.object({
  sg_event_id: z.string().min(1),
  sg_message_id: text,
  effect_id: text,
  event: z.enum(eventTypes).or(z.literal('other')).catch('other'),
  reason: text,
  response: text,
  timestamp: z.number(),
});

/** Returns null when the body is not a batch. Invalid items are skipped, so that the other events are processed. */
export function parseSendgridEvents(body: unknown): SendgridEvent[] | null {
  if (!Array.isArray(body)) return null;
  return body.flatMap((item) => {
    const parsed = wireEvent.safeParse(item);
    if (!parsed.success) return [];
    const { data } = parsed;
    return [
      {
        eventId: data.sg_event_id,
        effectId: data.effect_id ?? null,
        vendorId: data.sg_message_id ? beforeDot(data.sg_message_id) : null,
        type: data.event,
        reason: withoutAddresses(data.reason ?? data.response ?? null),
        timestamp: new Date(data.timestamp * 1000),
      },
    ];
  });
}

function withoutAddresses(reason: string | null): string | null {
  return reason?.slice(0, 500).replace(/[^\s<>"'()]{1,64}@[^\s<>"'()]{1,255}/g, '[address]') ?? null;
}
