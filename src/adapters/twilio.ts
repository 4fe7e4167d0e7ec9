import { Agent } from 'node:http';
import twilio from 'twilio';
import type { TwilioConfig } from '../config.ts';
import { type FailureCode, VendorError } from '../domain/errors.ts';
import {
  answered,
  type CallKind,
  callTimeoutMs,
  healthTimeoutMs,
  isNetworkError,
  retryAfterMs,
  unanswered,
  unreadable,
} from './failure.ts';
import type { FoundSms, SmsGateway, SmsStatus } from './sms.ts';

/** https://www.twilio.com/docs/api/errors: of the API and of status callbacks. Other codes go by HTTP status. */
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
  // Our account or our number, not theirs.
  21212: 'misconfigured',
  21408: 'misconfigured',
  21603: 'misconfigured',
  21606: 'misconfigured',
  21609: 'misconfigured',
  21659: 'misconfigured',
  21701: 'misconfigured',
  21703: 'misconfigured',
  // The queue of our number is full: not processed.
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

/** Messages to one phone that are looked through, newest first. */
const mostListed = 200;

export function createTwilioGateway(
  config: TwilioConfig,
  options: { timeoutMs?: number } = {},
): SmsGateway & { close(): void } {
  const timeout = options.timeoutMs ?? callTimeoutMs;
  const httpClient = new PacedClient({ timeout, keepAlive: true, maxSockets: 50, autoRetry: false });
  const agent = new Agent({ keepAlive: true });
  httpClient.axios.defaults.httpAgent = agent;
  // Given, though empty: otherwise the SDK reads region, edge and log level from the process environment.
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
    confirmsOptOut: true,
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
      if (!message.sid) throw unreadable({ vendor: 'twilio', kind: 'post' });
      return { vendorId: message.sid };
    },
    find: async ({ to, body, since }) => {
      // No filter on DateSent: a message that still waits in Twilio's queue has none.
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

/** Twilio's exceptions drop the response headers and with them Retry-After, so a 429 is read before it becomes one. */
class PacedClient extends twilio.RequestClient {
  override request: Http['request'] = async (options) => {
    const response = await super.request(options);
    if (response.statusCode === 429) {
      const { code } = Object(response.body) as { code?: unknown };
      throw answered(
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
    return answered(call, {
      status,
      vendorCode: known === undefined ? undefined : String(known),
      code: known === undefined ? undefined : failureByCode[known],
    });
  }
  if (isNetworkError(error)) return unanswered(call, error);
  // The SDK throws this on a success whose body is no JSON.
  return error instanceof SyntaxError ? unreadable(call) : error;
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
 * The fields of a status callback (or of a message) in our words. A status Twilio may add later counts as `queued`,
 * the lowest: it can move nothing.
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

/**
 * X-Twilio-Signature over the configured public URL, never over what the request says of its host, and over all
 * parameters received. `path` is the request's path with its query. Several tokens while one is being rotated. The
 * scheme has no timestamp: replays pass and are caught by their MessageSid.
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
  // The SDK tries the URL with and without its port, and compares in constant time.
  return request.authTokens.some(
    (token) => token !== '' && twilio.validateRequest(token, signature, url, params),
  );
}
