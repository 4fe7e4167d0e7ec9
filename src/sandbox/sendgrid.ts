import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import type { Settings } from './options.ts';
import { customArgsOf, type Mail, parseMail } from './sendgrid-mail.ts';
import { createVendorApi, json, type Params, parseJsonObject, Refusal, type VendorApi } from './vendor.ts';
import type { Webhooks } from './webhooks.ts';

export type Email = {
  messageId: string;
  at: string;
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string | null;
  customArgs: Record<string, string>;
  status: 'processed' | 'delivered' | 'not_delivered';
  events: string[];
};

export type Sendgrid = {
  api: VendorApi;
  /** base64 SPKI DER, as SendGrid shows it. */
  publicKey: string;
  mailbox(limit: number): Email[];
  reset(): void;
};

const maxEmails = 20_000;

/** Delivery events by the local part of the address (bounce@, drop@, defer@, spam@ at any domain). */
const eventsByMailbox: Record<string, string[]> = {
  bounce: ['processed', 'bounce'],
  block: ['processed', 'blocked'],
  drop: ['dropped'],
  defer: ['processed', 'deferred', 'delivered'],
  spam: ['processed', 'delivered', 'spamreport'],
};

export function createSendgrid({
  settings,
  webhooks,
  onChange,
}: {
  settings: Settings;
  webhooks: Webhooks;
  onChange: () => void;
}): Sendgrid {
  const privateKey = settings.sendgrid.signingKey
    ? createPrivateKey(settings.sendgrid.signingKey)
    : generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  let emails: Email[] = [];
  let generation = 0;

  const send = (params: Params) => {
    const mail = parseMail(params);
    const messageId = randomBytes(11).toString('base64url');
    const made = mail.sandboxMode ? [] : emailsOf(mail, messageId);
    emails.push(...made);
    if (emails.length > maxEmails) emails = emails.slice(-maxEmails);
    onChange();
    const first = mail.personalizations[0];
    return {
      status: mail.sandboxMode ? 200 : 202,
      headers: { 'x-message-id': messageId },
      body: '',
      record: {
        operation: 'mail.send',
        params,
        vendorId: messageId,
        to: first?.to[0]?.email ?? null,
        from: mail.from.email,
        text: `${first?.subject ?? mail.subject ?? ''}\n${mail.content.map((part) => part.value).join('\n')}`,
        reference: customArgsOf(mail, 0).effect_id ?? null,
      },
      after: () => void postEvents(made),
    };
  };

  /** Posts one batch per step with the events of all recipients, as SendGrid does. */
  const postEvents = async (made: Email[]) => {
    const stepsOf = (email: Email) =>
      eventsByMailbox[email.to.split('@')[0]?.toLowerCase() ?? ''] ?? ['processed', 'delivered'];
    const steps = Math.max(0, ...made.map((email) => stepsOf(email).length));
    const startedIn = generation;
    for (let step = 0; step < steps; step += 1) {
      if (generation !== startedIn) return; // The sandbox was reset.
      const batch = made.flatMap((email) => {
        const event = stepsOf(email)[step];
        return event ? [eventOf(email, event)] : [];
      });
      onChange();
      await post(batch);
    }
  };

  const post = (batch: Record<string, unknown>[]) => {
    // SendGrid ends every line with CRLF, including the last; the signature covers the whole body.
    const body = `[${batch.map((event) => JSON.stringify(event)).join(',\r\n')}]\r\n`;
    return webhooks.post({
      vendor: 'sendgrid',
      event: `mail.${String(batch[0]?.event)}`,
      objectId: String(batch[0]?.sg_message_id).split('.')[0] ?? '',
      target: () => settings.sendgrid.eventsUrl,
      retryAfter: (attempt) => settings.retryDelaysMs[attempt - 1] ?? null,
      build: () => ({ body, headers: signedHeaders(body, privateKey) }),
    });
  };

  const api = createVendorApi({
    parse: ({ rawBody, method }) => (method === 'GET' ? {} : parseJsonObject(rawBody)),
    render: (refusal) =>
      json(refusal.status, { errors: [{ message: refusal.message, field: refusal.param, help: null }] }),
    authenticate: ({ headers }) => {
      if (headers.authorization !== `Bearer ${settings.sendgrid.apiKey}`) {
        throw new Refusal(401, 401, 'The provided authorization grant is invalid, expired, or revoked');
      }
    },
    routes: [
      {
        method: 'POST',
        pattern: /^\/v3\/mail\/send$/,
        operation: 'mail.send',
        run: ({ params }) => send(params),
      },
      {
        method: 'GET',
        pattern: /^\/v3\/messages$/,
        operation: 'mail.list',
        run: ({ request }) => json(200, { messages: activity(emails, request.query) }),
      },
      {
        method: 'GET',
        pattern: /^\/v3\/scopes$/,
        operation: 'scopes.list',
        run: () => json(200, { scopes: ['mail.send', 'messages.read'] }),
      },
    ],
  });

  return {
    api,
    publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64'),
    mailbox: (limit) => emails.slice(-limit).reverse(),
    reset: () => {
      emails = [];
      generation += 1;
    },
  };
}

function emailsOf(mail: Mail, messageId: string): Email[] {
  const text = mail.content.find((part) => part.type === 'text/plain')?.value ?? '';
  const html = mail.content.find((part) => part.type === 'text/html')?.value ?? null;
  return mail.personalizations.flatMap((personalization, index) =>
    [...personalization.to, ...(personalization.cc ?? []), ...(personalization.bcc ?? [])].map(
      (recipient) => ({
        messageId,
        at: new Date().toISOString(),
        from: mail.from.email,
        to: recipient.email,
        subject: personalization.subject ?? mail.subject ?? '',
        text,
        html,
        customArgs: customArgsOf(mail, index),
        status: 'processed' as const,
        events: [],
      }),
    ),
  );
}

function eventOf(email: Email, event: string): Record<string, unknown> {
  email.events.push(event);
  if (event === 'delivered') email.status = 'delivered';
  if (['bounce', 'blocked', 'dropped'].includes(event)) email.status = 'not_delivered';
  const details: Record<string, Record<string, unknown>> = {
    delivered: { response: '250 OK', ip: '127.0.0.1', tls: 1 },
    deferred: { response: '451 try again later', attempt: '1' },
    bounce: { reason: '550 5.1.1 The email account does not exist', status: '5.1.1', type: 'bounce' },
    blocked: { event: 'bounce', reason: '554 5.7.1 blocked', status: '5.7.1', type: 'blocked' },
    dropped: { reason: 'Bounced Address' },
  };
  return {
    ...email.customArgs,
    email: email.to,
    timestamp: Math.floor(Date.now() / 1000),
    event,
    sg_event_id: randomBytes(16).toString('base64url'),
    sg_message_id: `${email.messageId}.recvd-sandbox-1.0`,
    'smtp-id': `<${email.messageId}@sandbox>`,
    ...details[event],
  };
}

/** ECDSA P-256 over timestamp + body, DER in base64. */
function signedHeaders(body: string, key: KeyObject): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  return {
    'content-type': 'application/json',
    'user-agent': 'SendGrid Event API',
    'x-twilio-email-event-webhook-timestamp': timestamp,
    'x-twilio-email-event-webhook-signature': sign('sha256', Buffer.from(timestamp + body), key).toString(
      'base64',
    ),
  };
}

/** `query=to_email="a@b.c" AND unique_args['effect_id']="x"`, newest first. */
function activity(emails: Email[], query: URLSearchParams) {
  const limit = Math.min(1000, Math.max(1, Number(query.get('limit') ?? 10) || 10));
  const conditions = (query.get('query') ?? '').split(/\s+AND\s+/i).filter((part) => part.trim() !== '');
  const tests = conditions.map(conditionOf);
  const found = emails.filter((email) => tests.every((test) => test(email)));
  return found
    .slice(-limit)
    .reverse()
    .map((email) => ({
      from_email: email.from,
      msg_id: `${email.messageId}.recvd-sandbox-1.0`,
      subject: email.subject,
      to_email: email.to,
      status: email.status,
      opens_count: 0,
      clicks_count: 0,
      last_event_time: email.at,
    }));
}

function conditionOf(condition: string): (email: Email) => boolean {
  const match =
    /^\(*\s*(to_email|from_email|subject|status|msg_id|unique_args\['([^']+)'\])\s*=\s*"([^"]*)"\s*\)*$/.exec(
      condition.trim(),
    );
  if (!match) throw new Refusal(400, 400, `Unsupported query: ${condition}`, 'query');
  const [, field = '', argument, value = ''] = match;
  if (argument !== undefined) return (email) => email.customArgs[argument] === value;
  const read: Record<string, (email: Email) => string> = {
    to_email: (email) => email.to,
    from_email: (email) => email.from,
    subject: (email) => email.subject,
    status: (email) => email.status,
    msg_id: (email) => `${email.messageId}.recvd-sandbox-1.0`,
  };
  return (email) => read[field]?.(email) === value;
}
