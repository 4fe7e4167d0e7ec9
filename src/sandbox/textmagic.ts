import { randomBytes } from 'node:crypto';
import type { Ledger } from './ledger.ts';
import type { Settings } from './options.ts';
import { keyword, type Phones, segments } from './phones.ts';
import {
  basicCredentials,
  createVendorApi,
  json,
  type Params,
  parseFlatForm,
  parseJsonObject,
  Refusal,
  type VendorApi,
} from './vendor.ts';
import type { Webhooks } from './webhooks.ts';

type Message = {
  id: number;
  sessionId: number;
  /** Numbers without plus, as TextMagic formats them. */
  sender: string;
  receiver: string;
  text: string;
  status: string;
  messageTime: string;
  referenceId: string | null;
};

type Reply = { id: number; sender: string; receiver: string; messageTime: string; text: string };

type Parts = { settings: Settings; ledger: Ledger; phones: Phones; webhooks: Webhooks };

export type Textmagic = {
  api: VendorApi;
  inbound(from: string, text: string, replyId?: string): string;
  reset(): void;
};

const maxMessages = 100_000;
const knownParams = new Set(
  'text phones from sendingTime partsCount cutExtra referenceId dummy templateId contacts lists'.split(' '),
);

/** Simulates the calls of TextMagic's REST v2 API that the product uses, its replies and delivery notifications. */
export function createTextmagic({ settings, ledger, phones, webhooks }: Parts): Textmagic {
  const messages = new Map<number, Message>();
  const replies = new Map<number, Reply>();
  let next = 100_000;
  const nextId = () => {
    next += 1;
    return next;
  };

  const send = (params: Params) => {
    const { receivers, text, sender } = validated(params, settings, phones);
    const sessionId = nextId();
    const sent = receivers.map((receiver) => keep(receiver, text, sender, sessionId, params));
    const single = sent.length === 1 ? sent[0] : undefined;
    const id = single?.id ?? sessionId;
    return {
      ...json(201, {
        id,
        href: `/api/v2/${single ? 'messages' : 'sessions'}/${id}`,
        type: single ? 'message' : 'session',
        sessionId,
        bulkId: 0,
        messageId: single?.id ?? 0,
        scheduleId: 0,
        chatId: single?.id ?? 0,
      }),
      record: {
        operation: 'message.create',
        params,
        vendorId: String(id),
        to: `+${receivers[0]}`,
        from: `+${sender}`,
        text,
        reference: typeof params.referenceId === 'string' ? params.referenceId : null,
      },
      after: () => {
        for (const message of sent) void progress(message);
      },
    };
  };

  const keep = (
    receiver: string,
    text: string,
    sender: string,
    sessionId: number,
    params: Params,
  ): Message => {
    const message: Message = {
      id: nextId(),
      sessionId,
      sender,
      receiver,
      text,
      status: 'q',
      messageTime: timeNow(),
      referenceId: params.referenceId === undefined ? null : String(params.referenceId),
    };
    messages.set(message.id, message);
    if (messages.size > maxMessages) {
      const oldest = messages.keys().next().value;
      if (oldest !== undefined) messages.delete(oldest);
    }
    phones.add(`+${receiver}`, {
      id: String(message.id),
      at: new Date().toISOString(),
      by: 'app',
      provider: 'textmagic',
      text,
      status: 'queued',
      errorCode: null,
    });
    return message;
  };

  /** q → r → d, or f for a phone that is configured to fail. */
  const progress = async (message: Message) => {
    const number = `+${message.receiver}`;
    const fails = /^\+1500553\d{4}$/.test(number) || phones.find(number)?.fail != null;
    for (const [letter, status] of [
      ['r', 'sent'],
      [fails ? 'f' : 'd', fails ? 'failed' : 'delivered'],
    ] as const) {
      if (!messages.has(message.id)) return; // The sandbox was reset.
      message.status = letter;
      phones.setStatus(number, String(message.id), status, null);
      await webhooks.post({
        vendor: 'textmagic',
        event: `message.${status}`,
        objectId: String(message.id),
        target: () => settings.textmagic.deliveryUrl,
        retryAfter: () => null,
        build: () =>
          encoded(settings.textmagic.format, {
            id: message.id,
            status: letter,
            sender: message.sender,
            receiver: message.receiver,
            messageTime: message.messageTime,
            referenceId: message.referenceId ?? '',
          }),
      });
    }
  };

  const inbound = (from: string, text: string, replyId?: string): string => {
    const ours = settings.textmagic.fromNumber;
    const id = replyId === undefined ? nextId() : Number(replyId);
    const reply: Reply = { id, sender: bare(from), receiver: bare(ours), messageTime: timeNow(), text };
    replies.set(id, reply);
    const at = new Date().toISOString();
    const fixed = { by: 'phone', provider: 'textmagic', status: 'received', errorCode: null } as const;
    phones.add(from, { id: String(id), at, text, ...fixed });
    ledger.append(
      'textmagic',
      { operation: 'message.inbound', params: { ...reply }, vendorId: String(id), to: ours, from, text },
      { outcome: 'accepted', status: null, fault: null },
    );
    // No confirmation message: TextMagic documents that STOP unsubscribes, but not that it is confirmed.
    const word = keyword(text);
    if (word === 'stop' || word === 'start') phones.setOptedOut(ours, from, word === 'stop');
    void webhooks.post({
      vendor: 'textmagic',
      event: 'message.inbound',
      objectId: String(id),
      target: () => settings.textmagic.inboundUrl,
      retryAfter: () => null,
      build: () => encoded(settings.textmagic.format, { ...reply }),
    });
    return String(id);
  };

  const search = (query: URLSearchParams) => {
    const text = query.get('query');
    const ids = query.get('ids')?.split(',');
    const found = [...messages.values()]
      .reverse()
      .filter(
        (message) =>
          (ids === undefined || ids.includes(String(message.id))) &&
          (text === null ||
            [message.text, message.receiver, message.referenceId].some((part) => part?.includes(text))),
      );
    return listed(found.map(wire), query);
  };

  const api = createVendorApi({
    parse: ({ headers, rawBody }) =>
      (headers['content-type'] ?? '').includes('json') ? parseJsonObject(rawBody) : parseFlatForm(rawBody),
    render: (refusal) => {
      const errors = refusal.param === null ? null : { fields: { [refusal.param]: [refusal.message] } };
      return json(refusal.status, {
        code: refusal.status,
        message: errors ? 'Validation Failed' : refusal.message,
        errors,
      });
    },
    authenticate: ({ headers }) => {
      const basic = basicCredentials(headers.authorization);
      const user = headers['x-tm-username'] ?? basic?.user;
      const key = headers['x-tm-key'] ?? basic?.password;
      if (user !== settings.textmagic.username || key !== settings.textmagic.apiKey) {
        throw new Refusal(401, 401, 'Invalid API credentials');
      }
    },
    routes: [
      {
        method: 'POST',
        pattern: /^\/api\/v2\/messages$/,
        operation: 'message.create',
        run: ({ params }) => send(params),
      },
      {
        method: 'GET',
        pattern: /^\/api\/v2\/messages(?:\/search)?$/,
        operation: 'message.list',
        run: ({ request }) => search(request.query),
      },
      {
        method: 'GET',
        pattern: /^\/api\/v2\/messages\/(\d+)$/,
        operation: 'message.fetch',
        run: ({ id }) => json(200, wire(existing(messages.get(Number(id))))),
      },
      {
        method: 'GET',
        pattern: /^\/api\/v2\/replies(?:\/search)?$/,
        operation: 'reply.list',
        run: ({ request }) => listed([...replies.values()].reverse(), request.query),
      },
      {
        method: 'GET',
        pattern: /^\/api\/v2\/replies\/(\d+)$/,
        operation: 'reply.fetch',
        run: ({ id }) => json(200, existing(replies.get(Number(id)))),
      },
      {
        method: 'GET',
        pattern: /^\/api\/v2\/unsubscribers$/,
        operation: 'unsubscriber.list',
        run: ({ request }) => {
          const numbers = phones.optOutsOf(settings.textmagic.fromNumber);
          return listed(
            numbers.map((phone, index) => ({ id: index + 1, phone: bare(phone) })),
            request.query,
          );
        },
      },
      {
        method: 'GET',
        pattern: /^\/api\/v2\/ping$/,
        operation: 'ping',
        run: () => json(200, { ping: 'pong' }),
      },
      {
        method: 'GET',
        pattern: /^\/api\/v2\/user$/,
        operation: 'user.fetch',
        run: () => json(200, { id: 1, username: settings.textmagic.username, balance: 100, status: 'A' }),
      },
    ],
  });

  const reset = () => {
    messages.clear();
    replies.clear();
  };
  return { api, inbound, reset };
}

function validated(params: Params, settings: Settings, phones: Phones) {
  for (const name of Object.keys(params)) {
    if (!knownParams.has(name))
      throw new Refusal(400, 400, 'This form should not contain extra fields.', name);
  }
  const text = typeof params.text === 'string' ? params.text : '';
  if (text === '') throw new Refusal(400, 400, 'Text cannot be blank.', 'text');
  const receivers = String(params.phones ?? '')
    .split(',')
    .map((phone) => phone.trim())
    .filter((phone) => phone !== '');
  if (receivers.length === 0) throw new Refusal(400, 400, 'Please specify at least one recipient.', 'phones');
  const ours = settings.textmagic.fromNumber;
  for (const receiver of receivers) {
    const number = `+${receiver}`;
    if (!/^[1-9]\d{7,14}$/.test(receiver) || phones.find(number)?.refuse) {
      throw new Refusal(400, 400, `Invalid phone number: ${receiver}`, 'phones');
    }
    if (phones.isOptedOut(ours, number)) throw new Refusal(400, 400, `${receiver} is unsubscribed`, 'phones');
  }
  const sender = params.from === undefined ? bare(ours) : bare(String(params.from));
  if (sender !== bare(ours)) throw new Refusal(400, 400, 'This sender is not allowed.', 'from');
  const most = Number(params.partsCount ?? 6);
  if (!Number.isInteger(most) || most < 1 || most > 6) {
    throw new Refusal(400, 400, 'partsCount must be between 1 and 6.', 'partsCount');
  }
  if (segments(text) > most && String(params.cutExtra ?? '0') !== '1') {
    throw new Refusal(400, 400, `Your message is too long: more than ${most} parts.`, 'text');
  }
  return { receivers, text, sender };
}

function wire(message: Message) {
  return {
    ...message,
    price: 0.04,
    partsCount: segments(message.text),
    charset: 'ISO-8859-1',
    country: 'US',
    contactId: 0,
    deleted: false,
  };
}

function listed(resources: unknown[], query: URLSearchParams) {
  const limit = Math.min(100, Math.max(1, Number(query.get('limit') ?? 10) || 10));
  const page = Math.max(1, Number(query.get('page') ?? 1) || 1);
  const pageCount = Math.max(1, Math.ceil(resources.length / limit));
  return json(200, { page, limit, pageCount, resources: resources.slice((page - 1) * limit, page * limit) });
}

function existing<T>(found: T | undefined): T {
  if (!found) throw new Refusal(404, 404, 'Not Found');
  return found;
}

/** An account setting selects the body format of callbacks. */
function encoded(format: 'multipart' | 'urlencoded' | 'json', fields: Record<string, string | number>) {
  if (format === 'json')
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(fields) };
  const pairs = Object.entries(fields).map(([name, value]) => [name, String(value)] as [string, string]);
  if (format === 'urlencoded') {
    const body = new URLSearchParams(pairs).toString();
    return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body };
  }
  const boundary = `----TextMagic${randomBytes(8).toString('hex')}`;
  const parts = pairs.map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${parts.join('')}--${boundary}--\r\n`,
  };
}

function bare(number: string): string {
  return number.replace(/^\+/, '');
}

function timeNow(): string {
  return `${new Date().toISOString().slice(0, 19)}+0000`;
}
