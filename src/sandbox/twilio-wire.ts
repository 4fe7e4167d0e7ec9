import { createHmac, randomBytes } from 'node:crypto';
import type { Settings } from './options.ts';
import { type Phones, segments } from './phones.ts';
import { type Params, Refusal } from './vendor.ts';
import type { HookAnswer } from './webhooks.ts';

export type Message = {
  sid: string;
  from: string | null;
  service: string | null;
  to: string;
  body: string;
  status: string;
  direction: 'outbound-api' | 'outbound-reply' | 'inbound';
  createdAt: Date;
  sentAt: Date | null;
  errorCode: number | null;
  statusCallback: string | null;
};

export const apiVersion = '2010-04-01';

/** Magic numbers of Twilio's test credentials. */
const refusedRecipients: Record<string, number> = {
  '+15005550001': 21211,
  '+15005550002': 21612,
  '+15005550003': 21408,
  '+15005550004': 21610,
  '+15005550009': 21614,
};

const refusals: Record<number, string> = {
  21211: "Invalid 'To' Phone Number",
  21408: 'Permission to send an SMS has not been enabled for the region indicated by the To number',
  21610: 'Attempt to send to unsubscribed recipient',
  21612: 'Message cannot be sent with the current combination of To and From parameters',
  21614: "'To' number is not a valid mobile number",
};

const knownParams = new Set(
  (
    'To From MessagingServiceSid Body MediaUrl StatusCallback ValidityPeriod SmartEncoded ShortenUrls ScheduleType ' +
    'SendAt MessageIntent RiskCheck ApplicationSid MaxPrice ProvideFeedback Attempt ForceDelivery ContentRetention ' +
    'AddressRetention PersistentAction SendAsMms ContentSid ContentVariables'
  ).split(' '),
);

export function validated(params: Params, settings: Settings, phones: Phones) {
  for (const name of Object.keys(params)) {
    if (!knownParams.has(name)) throw new Refusal(400, 20001, `Unknown parameter: ${name}`);
  }
  const to = text(params.To);
  const from = text(params.From);
  const service = text(params.MessagingServiceSid);
  const body = text(params.Body) ?? '';
  if (!to) throw new Refusal(400, 21604, "A 'To' phone number is required.");
  if (!from && !service) throw new Refusal(400, 21603, "A 'From' phone number is required.");
  if (body === '' && params.MediaUrl === undefined)
    throw new Refusal(400, 21602, 'Message body is required.');
  if (service && !/^MG[0-9a-f]{32}$/i.test(service)) {
    throw new Refusal(400, 21701, 'The Messaging Service does not exist.');
  }
  const ours = settings.twilio.phoneNumber;
  if (from && !service && from !== ours) {
    throw new Refusal(
      400,
      21606,
      `The 'From' phone number provided (${from}) is not a valid message-capable number for this account.`,
    );
  }
  if (!/^\+[1-9]\d{7,14}$/.test(to)) throw new Refusal(400, 21211, `Invalid 'To' Phone Number: ${to}`);
  const refused =
    refusedRecipients[to] ?? phones.find(to)?.refuse ?? (phones.isOptedOut(ours, to) ? 21610 : null);
  if (refused)
    throw new Refusal(400, refused, refusals[refused] ?? `The message was refused with ${refused}.`);
  if (body.length > 1600) {
    throw new Refusal(400, 21617, 'The concatenated message body exceeds the 1600 character limit.');
  }
  const callback = text(params.StatusCallback);
  if (callback !== null && !/^https?:\/\/[^\s/]+/.test(callback)) {
    throw new Refusal(400, 21609, `The 'StatusCallback' URL ${callback} is not a valid URL.`);
  }
  return { to, from: from ?? ours, service, body };
}

/** +150055 followed by five digits of a 3xxxx code fails with that code: +15005530003 is an unreachable handset. */
export function deliveryFailure(to: string, phones: Phones): number | null {
  const magic = /^\+150055(3\d{4})$/.exec(to)?.[1];
  return magic ? Number(magic) : (phones.find(to)?.fail ?? null);
}

/** Twilio reports `failed` for messages that did not reach a carrier, and `undelivered` for those the carrier rejected. */
export function undeliverable(code: number): 'failed' | 'undelivered' {
  return code === 30001 || code === 30002 ? 'failed' : 'undelivered';
}

export function wire(message: Message, settings: Settings) {
  const { accountSid } = settings.twilio;
  const uri = `/${apiVersion}/Accounts/${accountSid}/Messages/${message.sid}`;
  return {
    sid: message.sid,
    account_sid: accountSid,
    messaging_service_sid: message.service,
    from: message.from,
    to: message.to,
    body: message.body,
    status: message.status,
    direction: message.direction,
    num_segments: message.status === 'accepted' ? '0' : String(segments(message.body)),
    num_media: '0',
    date_created: rfc2822(message.createdAt),
    date_updated: rfc2822(message.sentAt ?? message.createdAt),
    date_sent: message.sentAt ? rfc2822(message.sentAt) : null,
    price: null,
    price_unit: 'USD',
    error_code: message.errorCode,
    error_message: message.errorCode === null ? null : `Error ${message.errorCode}`,
    api_version: apiVersion,
    uri: `${uri}.json`,
    subresource_uris: { media: `${uri}/Media.json` },
  };
}

function rfc2822(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

/** Whether a message matches the query. DateSent may be a day or an instant; unsent messages count by creation time. */
export function listed(message: Message, query: URLSearchParams): boolean {
  const at = (message.sentAt ?? message.createdAt).getTime();
  const day = query.get('DateSent');
  const before = query.get('DateSent<');
  const after = query.get('DateSent>');
  return (
    (query.get('To') ?? message.to) === message.to &&
    (query.get('From') ?? message.from) === message.from &&
    (day === null || new Date(at).toISOString().slice(0, 10) === new Date(day).toISOString().slice(0, 10)) &&
    (before === null || at <= Date.parse(before)) &&
    (after === null || at >= Date.parse(after))
  );
}

export function inboundParams(sid: string, from: string, to: string, body: string, settings: Settings) {
  const places = ['City', 'State', 'Zip', 'Country'].flatMap((part) => [`From${part}`, `To${part}`]);
  return {
    ...Object.fromEntries(places.map((name) => [name, name.endsWith('Country') ? 'US' : ''])),
    ToCountry: 'US',
    SmsMessageSid: sid,
    NumMedia: '0',
    SmsSid: sid,
    SmsStatus: 'received',
    Body: body,
    To: to,
    NumSegments: String(segments(body)),
    MessageSid: sid,
    AccountSid: settings.twilio.accountSid,
    From: from,
    ApiVersion: apiVersion,
  };
}

/** base64(HMAC-SHA1(token, URL + sorted key+value)); a connection override in the fragment is neither sent nor signed. */
export function signed(settings: Settings, params: Record<string, string>) {
  const token = hex();
  return (url: string, attempt: number) => {
    const target = url.replace(/#.*$/, '');
    const material = Object.keys(params)
      .sort()
      .reduce((all, key) => all + key + params[key], target);
    const signature = createHmac('sha1', settings.twilio.authToken).update(material, 'utf8').digest('base64');
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      'user-agent': 'TwilioProxy/1.1',
      'x-twilio-signature': signature,
    };
    if (attempt > 1) headers['i-twilio-idempotency-token'] = token;
    return { headers, body: new URLSearchParams(params).toString() };
  };
}

/** Twilio's default: one retry after a connection failure, none after a response. Overridden by `#rc=3&rp=all`. */
export function connectionOverride(attempt: number, answer: HookAnswer | null, url: string): number | null {
  const override = new URLSearchParams(url.split('#')[1] ?? '');
  const retries = Math.min(5, Number(override.get('rc') ?? 1));
  const policy = (override.get('rp') ?? 'ct').split(',');
  const family = answer === null ? 'ct' : `${String(answer.status)[0]}xx`;
  if (attempt > retries || !(policy.includes('all') || policy.includes(family))) return null;
  return attempt * 200;
}

/** Returns each `<Message>` of a TwiML response, or the whole body of a text/plain one. */
export function repliesIn(answer: HookAnswer): string[] {
  if (answer.contentType.includes('text/plain')) return answer.body.trim() === '' ? [] : [answer.body];
  if (!answer.contentType.includes('xml')) return [];
  const found = [...answer.body.matchAll(/<Message\b[^>]*>(?:\s*<Body>)?([^<]*)/g)];
  return found.map((match) => unescapeXml(match[1] ?? '').trim()).filter((body) => body !== '');
}

function unescapeXml(value: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return value.replace(/&(lt|gt|quot|apos|amp);/g, (_all, name: string) => names[name] ?? '');
}

export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function hex(): string {
  return randomBytes(16).toString('hex');
}
