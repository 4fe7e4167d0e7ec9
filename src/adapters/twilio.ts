import { Agent } from 'node:http';
import twilio from 'twilio';
import type { TwilioConfig } from '../config.ts';
import { type FailureCode, VendorError } from '../domain/errors.ts';
import {
  type CallKind,
  callTimeoutMs,
  connectionError,
  healthTimeoutMs,
  isNetworkError,
  responseError,
  retryAfterMs,
  unreadableResponse,
} from './failure.ts';
import type { FoundSms, SmsGateway, SmsStatus } from './sms.ts';

/** Codes of the API and of status callbacks (https://www.twilio.com/docs/api/errors). Others: see the HTTP status. */
const failureByCode: Record<number, FailureCode> = {
  20003: 'unauthorized',
  20404: 'not_found',
  20429: 'rate_limited',
  14107: 'rate_limited',
  21211: 'bad_number',
  21214: 'bad_number',
  21217: 'bad_number',
  21265: 'bad_number',
  21604: 'bad_number',
  21612: 'bad_number',
  21614: 'bad_number',
  21635: 'bad_number',
  // Concerns our account or our number, not the recipient's.
  21212: 'misconfigured',
  21408: 'misconfigured',
  21603: 'misconfigured',
  21606: 'misconfigured',
  21609: 'misconfigured',
  21659: 'misconfigured',
  21701: 'misconfigured',
  21703: 'misconfigured',
  // The queue of our number is full; the message was not accepted.
  21611: 'rate_limited',
  21610: 'opted_out',
  30001: 'unavailable',
  30002: 'misconfigured',
  30003: 'unavailable',
  30004: 'opted_out',
  30005: 'bad_number',
  30006: 'bad_number',
  30007: 'bad_request',
  30008: 'unavailable',
  30032: 'misconfigured',
  30034: 'misconfigured',
};

/** Maximum of messages to one phone that a lookup reads, newest first. */
const mostListed = 200;

export function createTwilioGateway(
  config: TwilioConfig,
  options: { timeoutMs?: number } = {},
): SmsGateway & { close(): void } {
  const timeout = options.timeoutMs ?? callTimeoutMs;
  const httpClient = new RetryAfterClient({ timeout, keepAlive: true, maxSockets: 50, autoRetry: false });
  const agent = new Agent({ keepAlive: true });
  httpClient.axios.defaults.httpAgent = agent;
  // Set explicitly, because the SDK otherwise reads region, edge and log level from the process environment.
  const client = twilio(config.accountSid, config.authToken, {
    httpClient,
    region: '',
    edge: '',
    logLevel: 'error',
  });
  if (config.baseUrl !== null) client.api.baseUrl = config.baseUrl;

  const ask = async <T>(kind: CallKind, answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      throw classified(kind, error);
    }
  };

  return {
    vendor: 'twilio',
    ourNumber: config.phoneNumber,
    send: async (sms) => {
      const message = await ask(
        'post',
        client.messages.create({
          to: sms.to,
          from: config.phoneNumber,
          body: sms.body,
          ...(sms.statusCallbackUrl !== undefined && { statusCallback: sms.statusCallbackUrl }),
        }),
      );
      if (!message.sid) throw unreadableResponse({ vendor: 'twilio', kind: 'post' });
      return { vendorId: message.sid };
    },
    find: async ({ to, body, since }) => {
      // No filter on DateSent, which is unset while a message is queued at Twilio.
      const criteria = { to, from: config.phoneNumber, limit: mostListed, pageSize: 100 };
      const messages = await ask('repeatable', client.messages.list(criteria));
      const after = Math.floor(since.getTime() / 1000) * 1000;
      const found = messages.find(
        (message) => message.body === body && message.dateCreated.getTime() >= after,
      );
      return found ? foundFrom(found) : null;
    },
    status: async (vendorId) => foundFrom(await ask('repeatable', client.messages(vendorId).fetch())),
    healthy: async () => {
      try {
        const uri = `${client.api.baseUrl}/2010-04-01/Accounts/${config.accountSid}.json`;
        const answer: { statusCode: number } = await client.request({
          method: 'get',
          uri,
          timeout: healthTimeoutMs,
        });
        return answer.statusCode === 200;
      } catch {
        return false;
      }
    },
    close: () => {
      agent.destroy();
      httpClient.axios.defaults.httpsAgent?.destroy();
    },
  };
}

type Http = InstanceType<typeof twilio.RequestClient>;

/** Reads Retry-After of a 429 before the SDK turns it into an exception, which has no headers. */
class RetryAfterClient extends twilio.RequestClient {
  override request: Http['request'] = async (options) => {
    const response = await super.request(options);
    if (response.statusCode === 429) {
      const { code } = Object(response.body) as { code?: unknown };
      throw responseError(
        { vendor: 'twilio', kind: 'repeatable' },
        {
          status: 429,
          vendorCode: typeof code === 'number' ? String(code) : undefined,
          retryAfterMs: retryAfterMs(Object(response.headers)['retry-after']),
        },
      );
    }
    return response;
  };
}

function classified(kind: CallKind, error: unknown): unknown {
  const call = { vendor: 'twilio', kind };
  if (error instanceof VendorError) return error;
  const { status, code } = Object(error) as { status?: unknown; code?: unknown };
  if (error instanceof Error && typeof status === 'number') {
    const known = typeof code === 'number' ? code : undefined;
    return responseError(call, {
      status,
      vendorCode: known === undefined ? undefined : String(known),
      code: known === undefined ? undefined : failureByCode[known],
    });
  }
  if (isNetworkError(error)) return connectionError(call, error);
  // The SDK throws a SyntaxError when the body of a success response is not JSON.
  return error instanceof SyntaxError ? unreadableResponse(call) : error;
}

type Listed = { sid: string; status: string; errorCode: number | null };

function foundFrom(message: Listed): FoundSms {
  const { status, failure, vendorCode } = parseTwilioStatus({
    MessageStatus: message.status,
    ErrorCode: message.errorCode === null ? undefined : String(message.errorCode),
  });
  return { vendorId: message.sid, status, ...(failure && { failure }), ...(vendorCode && { vendorCode }) };
}

const statusByWord: Record<string, SmsStatus> = {
  accepted: 'queued',
  scheduled: 'queued',
  queued: 'queued',
  sending: 'queued',
  sent: 'sent',
  partially_delivered: 'sent',
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
};

/**
 * Maps the fields of a status callback or a message. A status that Twilio may add later counts as `queued`, the lowest,
 * so that it changes nothing.
 */
export function parseTwilioStatus(fields: {
  MessageStatus?: string;
  SmsStatus?: string;
  ErrorCode?: string;
}): {
  status: SmsStatus;
  failure?: FailureCode;
  vendorCode?: string;
} {
  const word = (fields.MessageStatus ?? fields.SmsStatus ?? '').toLowerCase();
  const status = Object.hasOwn(statusByWord, word) ? (statusByWord[word] ?? 'queued') : 'queued';
  if (status !== 'failed') return { status };
  const code = /^\d{5}$/.test(fields.ErrorCode ?? '') ? Number(fields.ErrorCode) : undefined;
  if (code === undefined) return { status, failure: 'unavailable', vendorCode: word };
  return { status, failure: failureByCode[code] ?? 'unavailable', vendorCode: String(code) };
}

/** Twilio's default words, each the whole message in any case. Carriers themselves handle STOP of toll-free numbers. */
const defaultKeywords = {
  stop: /^(?:stop|stopall|unsubscribe|cancel|end|quit|revoke|optout)$/i,
  start: /^(?:start|yes|unstop)$/i,
} as const;
const tollFreeKeywords = { stop: /^stop$/i, start: /^(?:start|unstop)$/i } as const;
const tollFree = /^\+18(?:00|33|44|55|66|77|88)\d{7}$/;

export type TwilioKeyword = {
  /** The keyword that Advanced Opt-Out recognized, by the lists configured at Twilio; null without it. */
  keyword: 'stop' | 'start' | 'help' | null;
  /** Twilio acts on this text and answers it by itself, so that we must not. */
  answered: boolean;
};

/** What Twilio does with an inbound text before it calls the webhook. */
export function twilioKeyword(text: { body: string; to: string; optOutType: string }): TwilioKeyword {
  const type = text.optOutType.toLowerCase();
  if (type === 'stop' || type === 'start' || type === 'help') return { keyword: type, answered: true };
  const { stop, start } = tollFree.test(text.to) ? tollFreeKeywords : defaultKeywords;
  const word = text.body.trim();
  return { keyword: null, answered: stop.test(word) || start.test(word) };
}

/**
 * Verifies X-Twilio-Signature over the configured public URL, never the request's Host header, and all received
 * parameters. `path` includes the query. Several tokens may be given during a rotation. The scheme has no timestamp, so
 * replays verify; they are deduplicated by MessageSid.
 */
export function verifyTwilioSignature(request: {
  authTokens: readonly string[];
  publicUrl: string;
  path: string;
  params: Record<string, string | string[]>;
  signature: string | undefined;
}): boolean {
  const { signature, params } = request;
  if (!signature) return false;
  const url = `${request.publicUrl.replace(/\/+$/, '')}${request.path}`;
  if (!URL.canParse(url)) return false;
  // The SDK tries the URL with and without its port and compares in constant time.
  return request.authTokens.some(
    (token) => token !== '' && twilio.validateRequest(token, signature, url, params),
  );
}
