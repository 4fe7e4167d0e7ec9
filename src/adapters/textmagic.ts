import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import got, { HTTPError } from 'got';
import { z } from 'zod';
import type { TextmagicConfig } from '../config.ts';
import { type FailureCode, PermanentError } from '../domain/errors.ts';
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
import type { FoundSms, InboundSms, SmsGateway, SmsStatus } from './sms.ts';

const vendor = 'textmagic';
const id = z.coerce.string().regex(/^[1-9]\d*$/);
const accepted = z.object({ id, messageId: id.optional().catch(undefined) });
const message = z.object({
  id,
  receiver: z.coerce.string().catch(''),
  text: z.string().catch(''),
  status: z.string().catch(''),
  messageTime: z.string().catch(''),
  referenceId: z.coerce.string().nullish().catch(null),
});
const messages = z.object({ resources: z.array(message) });
const reply = z.object({
  id,
  sender: z.coerce.string(),
  receiver: z.coerce.string(),
  text: z.string(),
  messageTime: z.string().catch(''),
});
const unsubscribers = z.object({
  pageCount: z.number().catch(1),
  resources: z.array(z.object({ phone: z.coerce.string() })),
});
const refusal = z.object({ errors: z.object({ fields: z.record(z.string(), z.unknown()) }) });
type Message = z.infer<typeof message>;
type Extra = {
  method?: 'POST';
  form?: Record<string, string | number>;
  searchParams?: Record<string, string | number>;
};

/** By refused request field, which is TextMagic's only error code. */
const failureByField: Record<string, FailureCode> = { phones: 'bad_number', from: 'misconfigured' };
const mostUnsubscriberPages = 10;

export function createTextmagicGateway(
  config: TextmagicConfig,
  options: { timeoutMs?: number } = {},
): SmsGateway & { close(): void } {
  const agent = { http: new Agent({ keepAlive: true }), https: new TlsAgent({ keepAlive: true }) };
  const request = options.timeoutMs ?? callTimeoutMs;
  const api = got.extend({
    prefixUrl: `${(config.baseUrl ?? 'https://rest.textmagic.com').replace(/\/+$/, '')}/api/v2`,
    headers: { 'x-tm-username': config.username, 'x-tm-key': config.apiKey },
    timeout: { connect: Math.min(request, 5_000), request },
    retry: { limit: 0 },
    followRedirect: false,
    agent,
  });

  const ask = async <T>(kind: CallKind, shape: z.ZodType<T>, path: string, extra: Extra = {}): Promise<T> => {
    const { body } = await api(path, extra).catch((error: unknown) => {
      throw classified(kind, error);
    });
    const answer = shape.safeParse(parsed(body));
    if (!answer.success) throw unreadableResponse({ vendor, kind });
    return answer.data;
  };
  const search = (query: string) =>
    ask('repeatable', messages, 'messages/search', { searchParams: { query, limit: 100 } });

  /** A refused number is invalid or unsubscribed. TextMagic uses one code for both, so the unsubscribers are searched. */
  const isUnsubscribed = async (to: string): Promise<boolean> => {
    for (let page = 1; page <= mostUnsubscriberPages; page += 1) {
      const found = await ask('repeatable', unsubscribers, 'unsubscribers', {
        searchParams: { page, limit: 100 },
      });
      if (found.resources.some(({ phone }) => e164(phone) === to)) return true;
      if (page >= found.pageCount) return false;
    }
    return false;
  };

  return {
    vendor,
    ourNumber: config.fromNumber,
    send: async (sms) => {
      const form = {
        text: sms.body,
        phones: bare(sms.to),
        from: bare(config.fromNumber),
        referenceId: sms.reference,
        partsCount: 6,
      };
      try {
        const made = await ask('post', accepted, 'messages', { method: 'POST', form });
        return { vendorId: made.messageId ?? made.id };
      } catch (error) {
        if (!(error instanceof PermanentError) || error.code !== 'bad_number') throw error;
        const unsubscribed = await isUnsubscribed(sms.to).catch(() => false);
        if (!unsubscribed) throw error;
        throw responseError(
          { vendor, kind: 'post' },
          { status: 400, vendorCode: 'unsubscribed', code: 'opted_out' },
        );
      }
    },
    find: async (query) => {
      const byReference = await search(query.reference);
      const same = byReference.resources.find(({ referenceId }) => referenceId === query.reference);
      if (same) return foundFrom(same);
      // Not every account's search covers or returns the reference: search by phone instead.
      const toPhone = await search(bare(query.to));
      const found = toPhone.resources.find((sent) => isSame(sent, query));
      return found ? foundFrom(found) : null;
    },
    status: async (vendorId) =>
      foundFrom(await ask('repeatable', message, `messages/${encodeURIComponent(vendorId)}`)),
    fetchInbound: async (vendorId) => {
      try {
        return inboundFrom(await ask('repeatable', reply, `replies/${encodeURIComponent(vendorId)}`));
      } catch (error) {
        if (error instanceof PermanentError && error.code === 'not_found') return null;
        throw error;
      }
    },
    healthy: () =>
      api('ping', { timeout: { request: healthTimeoutMs } }).then(
        () => true,
        () => false,
      ),
    close: () => {
      agent.http.destroy();
      agent.https.destroy();
    },
  };
}

function classified(kind: CallKind, error: unknown): unknown {
  const call = { vendor, kind };
  if (error instanceof HTTPError) {
    const { statusCode, headers, body } = error.response;
    const fields = refusal.safeParse(parsed(String(body)));
    const field = fields.success
      ? Object.keys(fields.data.errors.fields).find((name) => /^\w{1,40}$/.test(name))
      : undefined;
    return responseError(call, {
      status: statusCode,
      vendorCode: field && statusCode === 400 ? `400_${field}` : String(statusCode),
      code: field && statusCode === 400 ? (failureByField[field] ?? 'bad_request') : undefined,
      retryAfterMs: retryAfterMs(headers['retry-after']),
    });
  }
  return isNetworkError(error) ? connectionError(call, error) : error;
}

function isSame(sent: Message, query: { to: string; body: string; since: Date }): boolean {
  const after = Math.floor(query.since.getTime() / 1000) * 1000;
  return (
    e164(sent.receiver) === query.to && sent.text === query.body && Date.parse(sent.messageTime) >= after
  );
}

function foundFrom(sent: Message): FoundSms {
  return { vendorId: sent.id, reference: sent.referenceId ?? null, ...statusFrom(sent.status) };
}

function inboundFrom(found: z.infer<typeof reply>): InboundSms {
  const at = Date.parse(found.messageTime);
  return {
    vendorId: found.id,
    from: e164(found.sender),
    to: e164(found.receiver),
    body: found.text,
    receivedAt: Number.isNaN(at) ? null : new Date(at),
  };
}

/** r: sent to the carrier; a: acknowledged; b: buffered; u: final status unknown. Others are still queued at TextMagic. */
const statusByLetter: Record<string, { status: SmsStatus; failure?: FailureCode }> = {
  r: { status: 'sent' },
  a: { status: 'sent' },
  b: { status: 'sent' },
  u: { status: 'sent' },
  d: { status: 'delivered' },
  f: { status: 'failed', failure: 'unavailable' },
  e: { status: 'failed', failure: 'unavailable' },
  j: { status: 'failed', failure: 'bad_request' },
};

function statusFrom(letter: string): { status: SmsStatus; failure?: FailureCode; vendorCode?: string } {
  const known = Object.hasOwn(statusByLetter, letter) ? statusByLetter[letter] : undefined;
  if (!known) return { status: 'queued' };
  return known.status === 'failed' ? { ...known, vendorCode: letter } : known;
}

/** Callbacks are unsigned, so their ids are only hints: `status` and `fetchInbound` fetch the facts. */
export type TextmagicDelivery = {
  vendorId: string | null;
  reference: string | null;
  status: SmsStatus;
  failure?: FailureCode;
  vendorCode?: string;
};

/** Parses a delivery callback of this API or the older gateway. Returns null when it names no message. */
export function parseTextmagicDelivery(fields: Record<string, unknown>): TextmagicDelivery | null {
  const vendorId = firstOf(fields, ['id', 'messageId', 'message_id']);
  const reference = firstOf(fields, ['referenceId', 'reference_id']);
  if (vendorId === null && reference === null) return null;
  return { vendorId, reference, ...statusFrom(firstOf(fields, ['status']) ?? '') };
}

/** Returns the id of the inbound message to fetch, or null when the callback names none. */
export function parseTextmagicInboundId(fields: Record<string, unknown>): string | null {
  const given = firstOf(fields, ['id', 'message_id', 'messageId']);
  return given !== null && id.safeParse(given).success ? given : null;
}

function firstOf(fields: Record<string, unknown>, names: string[]): string | null {
  for (const name of names) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if ((typeof value === 'string' || typeof value === 'number') && /^[\w-]{1,64}$/.test(String(value)))
      return String(value);
  }
  return null;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function bare(number: string): string {
  return number.replace(/^\+/, '');
}

/** Adds the plus to a number; an alphanumeric sender is returned as is. */
function e164(number: string): string {
  return /^\d+$/.test(number) ? `+${number}` : number;
}
