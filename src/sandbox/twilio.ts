import type { Ledger } from './ledger.ts';
import type { Settings } from './options.ts';
import { type Keyword, keyword, type Phones } from './phones.ts';
import {
  apiVersion,
  connectionOverride,
  deliveryFailure,
  hex,
  inboundParams,
  listed,
  type Message,
  repliesIn,
  signed,
  text,
  undeliverable,
  validated,
  wire,
} from './twilio-wire.ts';
import {
  basicCredentials,
  createVendorApi,
  json,
  type Params,
  parseFlatForm,
  Refusal,
  type VendorApi,
} from './vendor.ts';
import type { HookAnswer, Webhooks } from './webhooks.ts';

type Parts = { settings: Settings; ledger: Ledger; phones: Phones; webhooks: Webhooks };

export type Twilio = {
  api: VendorApi;
  /** Sends a text from a phone to our number. `messageSid` may reuse an earlier one, to simulate a redelivery. */
  inbound(from: string, text: string, messageSid?: string): string;
  reset(): void;
};

const maxMessages = 100_000;
export function createTwilio(parts: Parts): Twilio {
  const { settings, ledger, phones, webhooks } = parts;
  const messages = new Map<string, Message>();
  const root = `/${apiVersion}/Accounts/([^/]+)`;

  const remember = (message: Message) => {
    messages.set(message.sid, message);
    if (messages.size > maxMessages) {
      const oldest = messages.keys().next().value;
      if (oldest !== undefined) messages.delete(oldest);
    }
    const outbound = message.direction !== 'inbound';
    phones.add(outbound ? message.to : (message.from ?? ''), {
      id: message.sid,
      at: message.createdAt.toISOString(),
      by: message.direction === 'outbound-reply' ? 'carrier' : outbound ? 'app' : 'phone',
      provider: 'twilio',
      text: message.body,
      status: message.status,
      errorCode: null,
    });
  };

  const create = (params: Params) => {
    const sid = `SM${hex()}`;
    const { to, from, service, body } = validated(params, settings, phones);
    const message: Message = {
      sid,
      from: service ? null : from,
      service,
      to,
      body,
      status: service ? 'accepted' : 'queued',
      direction: 'outbound-api',
      createdAt: new Date(),
      sentAt: null,
      errorCode: null,
      statusCallback: text(params.StatusCallback),
    };
    remember(message);
    return {
      ...json(201, wire(message, settings)),
      record: {
        operation: 'message.create',
        params,
        vendorId: sid,
        to,
        from,
        text: body,
        reference: message.statusCallback,
      },
      after: () => void progress(message),
    };
  };

  /** queued → sent → delivered (or undelivered). Each callback is sent after the response to the previous one. */
  const progress = async (message: Message) => {
    message.from ??= settings.twilio.phoneNumber;
    const failure = deliveryFailure(message.to, phones);
    const last = failure === null ? 'delivered' : undeliverable(failure);
    for (const status of ['queued', 'sent', last]) {
      if (!messages.has(message.sid)) return; // The sandbox was reset.
      if (status === 'sent' && last === 'failed') continue;
      message.status = status;
      if (status === 'sent') message.sentAt = new Date();
      if (status === last) message.errorCode = failure;
      phones.setStatus(message.to, message.sid, status, message.errorCode);
      const wanted = status === last || settings.twilio.callbackStatuses.some((chosen) => chosen === status);
      if (message.statusCallback !== null && wanted) await statusCallback(message, status);
    }
  };

  const statusCallback = (message: Message, status: string) =>
    webhooks.post({
      vendor: 'twilio',
      event: `message.${status}`,
      objectId: message.sid,
      target: () => message.statusCallback,
      retryAfter: connectionOverride,
      build: signed(settings, {
        MessageSid: message.sid,
        SmsSid: message.sid,
        AccountSid: settings.twilio.accountSid,
        From: message.from ?? '',
        To: message.to,
        MessageStatus: status,
        SmsStatus: status,
        ApiVersion: apiVersion,
        ...(message.service ? { MessagingServiceSid: message.service } : {}),
        ...(message.errorCode !== null && status !== 'sent' ? { ErrorCode: String(message.errorCode) } : {}),
      }),
    });

  /** A text that Twilio sends by itself. In the ledger it is `message.confirm`, with the keyword that it confirms. */
  const carrierReply = (to: string, confirmed: Keyword) => {
    const sid = `SM${hex()}`;
    const body = ownAnswers[confirmed];
    const from = settings.twilio.phoneNumber;
    remember({
      sid,
      from,
      service: null,
      to,
      body,
      status: 'delivered',
      direction: 'outbound-reply',
      createdAt: new Date(),
      sentAt: new Date(),
      errorCode: null,
      statusCallback: null,
    });
    const record = { operation: 'message.confirm', params: { keyword: confirmed }, vendorId: sid, to, from };
    ledger.append('twilio', { ...record, text: body }, { outcome: 'accepted', status: null, fault: null });
  };

  /** Sends the messages in the response to an inbound webhook, given as TwiML or plain text. */
  const actOnAnswer = (to: string, answer: HookAnswer) => {
    for (const body of repliesIn(answer)) {
      const from = settings.twilio.phoneNumber;
      if (phones.isOptedOut(from, to)) continue;
      const sid = `SM${hex()}`;
      const createdAt = new Date();
      const fixed = {
        service: null,
        status: 'delivered',
        sentAt: createdAt,
        errorCode: null,
        statusCallback: null,
      };
      remember({ sid, from, to, body, direction: 'outbound-api', createdAt, ...fixed });
      ledger.append(
        'twilio',
        {
          operation: 'message.create',
          params: { via: answer.contentType },
          vendorId: sid,
          to,
          from,
          text: body,
        },
        { outcome: 'accepted', status: null, fault: null },
      );
    }
  };

  const inbound = (from: string, body: string, messageSid?: string): string => {
    const ours = settings.twilio.phoneNumber;
    const sid = messageSid ?? `SM${hex()}`;
    const advanced = settings.twilio.advancedOptOut;
    const word = keyword(body, advanced ?? {});
    const blocked = phones.isOptedOut(ours, from);
    const fixed = {
      service: null,
      status: 'received',
      sentAt: new Date(),
      errorCode: null,
      statusCallback: null,
    };
    remember({ sid, from, to: ours, body, direction: 'inbound', createdAt: new Date(), ...fixed });
    ledger.append(
      'twilio',
      { operation: 'message.inbound', params: { Body: body }, vendorId: sid, to: ours, from, text: body },
      { outcome: 'accepted', status: null, fault: null },
    );
    if (word === 'stop') {
      phones.setOptedOut(ours, from, true);
      if (!blocked) carrierReply(from, 'stop');
    } else if (word === 'start') {
      phones.setOptedOut(ours, from, false);
      if (blocked) carrierReply(from, 'start');
    } else if (word === 'help') carrierReply(from, 'help');
    void webhooks.post({
      vendor: 'twilio',
      event: 'message.inbound',
      objectId: sid,
      target: () => settings.twilio.inboundUrl,
      retryAfter: connectionOverride,
      onAnswer: (answer) => actOnAnswer(from, answer),
      build: signed(settings, {
        ...inboundParams(sid, from, ours, body, settings),
        ...(advanced && word ? { OptOutType: word.toUpperCase() } : {}),
      }),
    });
    return sid;
  };

  const list = (query: URLSearchParams, path: string) => {
    const found = [...messages.values()].reverse().filter((message) => listed(message, query));
    const size = Math.min(1000, Math.max(1, Number(query.get('PageSize') ?? 50) || 50));
    const page = Math.max(0, Number(query.get('Page') ?? 0) || 0);
    const uri = (number: number) => {
      const next = new URLSearchParams(query);
      next.set('Page', String(number));
      next.set('PageSize', String(size));
      return `${path}?${next}`;
    };
    const part = found.slice(page * size, (page + 1) * size);
    return json(200, {
      messages: part.map((message) => wire(message, settings)),
      page,
      page_size: size,
      start: page * size,
      end: page * size + Math.max(0, part.length - 1),
      uri: uri(page),
      first_page_uri: uri(0),
      next_page_uri: (page + 1) * size < found.length ? uri(page + 1) : null,
      previous_page_uri: page > 0 ? uri(page - 1) : null,
    });
  };

  const api = createVendorApi({
    parse: (request) => parseFlatForm(request.rawBody),
    render: (refusal) =>
      json(refusal.status, {
        code: refusal.code ?? (refusal.status === 404 ? 20404 : 20500),
        message: refusal.message,
        more_info: `https://www.twilio.com/docs/errors/${refusal.code ?? 20404}`,
        status: refusal.status,
      }),
    authenticate: ({ headers, path }) => {
      const given = basicCredentials(headers.authorization);
      const { accountSid, authToken } = settings.twilio;
      const own = path.startsWith(`/${apiVersion}/Accounts/${accountSid}`);
      if (given?.user !== accountSid || given.password !== authToken || !own) {
        throw new Refusal(401, 20003, 'Authenticate');
      }
    },
    routes: [
      {
        method: 'POST',
        pattern: new RegExp(`^${root}/Messages\\.json$`),
        operation: 'message.create',
        run: ({ params }) => create(params),
      },
      {
        method: 'GET',
        pattern: new RegExp(`^${root}/Messages\\.json$`),
        operation: 'message.list',
        run: ({ request }) => list(request.query, request.path),
      },
      {
        method: 'GET',
        pattern: new RegExp(`^/${apiVersion}/Accounts/[^/]+/Messages/([^/]+)\\.json$`),
        operation: 'message.fetch',
        run: ({ id, request }) => {
          const message = messages.get(id);
          if (!message) throw new Refusal(404, 20404, `The requested resource ${request.path} was not found`);
          return json(200, wire(message, settings));
        },
      },
      {
        method: 'GET',
        pattern: new RegExp(`^${root}\\.json$`),
        operation: 'account.fetch',
        run: ({ id }) =>
          json(200, {
            sid: id.replace(/\.json$/, ''),
            friendly_name: 'Sandbox',
            status: 'active',
            type: 'Trial',
          }),
      },
    ],
  });

  return { api, inbound, reset: () => messages.clear() };
}

const ownAnswers: Readonly<Record<Keyword, string>> = {
  stop: 'You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.',
  start:
    'You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
  help: 'Reply STOP to unsubscribe. Msg&Data Rates May Apply.',
};
