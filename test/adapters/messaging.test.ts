import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createGateways, type Gateways } from '../../src/adapters/gateways.ts';
import { createLogger } from '../../src/adapters/logger.ts';
import { parseSendgridEvents, verifySendgridSignature } from '../../src/adapters/sendgrid.ts';
import { parseTwilioStatus, verifyTwilioSignature } from '../../src/adapters/twilio.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { PermanentError, TransientError, UnknownOutcomeError, VendorError } from '../../src/domain/errors.ts';
import { type FaultInput, type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { receiver } from '../harness/sandbox-clients.ts';

const number = '+13055550142';
const mailbox = 'canary.buyer@example.com';
const body = 'Amy, new client inquiry in Miami. \nReply Y to unlock. 👍 canary-text';
const longAgo = new Date('2026-01-01T00:00:00Z');

let sandbox: Sandbox;
let product: Awaited<ReturnType<typeof receiver>>;
let twilio: Gateways;
let textmagic: Gateways;
let impatient: Record<'twilio' | 'textmagic', Gateways>;
const opened: Gateways[] = [];

const configFor = (provider: 'twilio' | 'textmagic', env: NodeJS.ProcessEnv = {}): Config =>
  loadConfig({ SMS_PROVIDER: provider, ...env }, { sandboxUrl: sandbox.url });
const open = (config: Config, options = {}) => {
  const gateways = createGateways(config, options);
  opened.push(gateways);
  return gateways;
};

beforeAll(async () => {
  sandbox = await startSandbox();
  product = await receiver();
  sandbox.configure({
    textmagic: { deliveryUrl: `${product.url}/delivery` },
    sendgrid: { eventsUrl: `${product.url}/events` },
  });
  twilio = open(configFor('twilio'));
  textmagic = open(configFor('textmagic'));
  const shortTimeout = { timeoutMs: 150 };
  impatient = {
    twilio: open(configFor('twilio'), shortTimeout),
    textmagic: open(configFor('textmagic'), shortTimeout),
  };
});
afterEach(() => {
  sandbox.reset();
  product.hits.length = 0;
});
afterAll(async () => {
  for (const gateways of opened) gateways.close();
  await sandbox.close();
  await product.close();
});

async function failureOf(call: Promise<unknown>): Promise<VendorError> {
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VendorError);
  return error as VendorError;
}

/** Neither the error nor a log line made from it may contain the recipient or the text. */
function expectNothingPersonal(error: VendorError): void {
  const lines: string[] = [];
  createLogger({ logLevel: 'info' }, 'test', { write: (line) => void lines.push(line) }).error(
    { error },
    'failed',
  );
  const output = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)} ${lines.join()}`;
  for (const canary of [
    number.slice(1),
    '5550142',
    mailbox,
    'canary',
    'Amy,',
    'sandbox-twilio-token',
    'SG.sandbox',
  ]) {
    expect(output).not.toContain(canary);
  }
}

type Poster = {
  post: (gateways: Gateways, reference: string) => Promise<{ vendorId: string }>;
  find: (gateways: Gateways, reference: string) => Promise<{ vendorId: string } | null>;
  of: () => { normal: Gateways; impatient: Gateways };
  operation: string;
};
const postSms = (gateways: Gateways, reference: string, to = number) =>
  gateways.sms.send({ to, body, reference });
const findSms = (gateways: Gateways, reference: string, since = longAgo) =>
  gateways.sms.find({ to: number, body, reference, since });
const posters: Record<'twilio' | 'textmagic' | 'sendgrid', Poster> = {
  twilio: {
    post: (gateways, reference) => postSms(gateways, reference),
    find: (gateways, reference) => findSms(gateways, reference),
    of: () => ({ normal: twilio, impatient: impatient.twilio }),
    operation: 'message.create',
  },
  textmagic: {
    post: (gateways, reference) => postSms(gateways, reference),
    find: (gateways, reference) => findSms(gateways, reference),
    of: () => ({ normal: textmagic, impatient: impatient.textmagic }),
    operation: 'message.create',
  },
  sendgrid: {
    post: (gateways, reference) =>
      gateways.email.send({ to: mailbox, subject: 'Details', text: body, reference }),
    find: (gateways, reference) => gateways.email.find({ to: mailbox, reference, since: longAgo }),
    of: () => ({ normal: twilio, impatient: impatient.twilio }),
    operation: 'mail.send',
  },
};
const vendors = ['twilio', 'textmagic', 'sendgrid'] as const;

describe.each(vendors)('%s, which has no idempotency key', (vendor) => {
  const { post, find, of, operation } = posters[vendor];
  const accepted = () => sandbox.ledger.list({ vendor, operation, accepted: true });

  it("sends one message with the given text and returns the vendor's id", async () => {
    const { vendorId } = await post(of().normal, 'effect-1');
    expect(accepted()).toMatchObject([{ vendorId, to: vendor === 'sendgrid' ? mailbox : number }]);
    expect(accepted()[0]?.text).toContain(body);
    expect(await find(of().normal, 'effect-1')).toMatchObject({ vendorId });
  });

  it.each<[string, Omit<FaultInput, 'vendor'>, object]>([
    ['500', { kind: 'error' }, { code: 'unavailable' }],
    ['503', { kind: 'error', status: 503 }, { code: 'unavailable' }],
    ['a reset', { kind: 'reset' }, { code: 'connection', vendorCode: 'ECONNRESET' }],
    ['no answer', { kind: 'timeout' }, { code: 'timeout' }],
  ])('[F16] %s leaves the outcome unknown, and one call is made', async (_name, fault, expected) => {
    sandbox.fault({ vendor, ...fault });
    const error = await failureOf(post(of().impatient, 'effect-2'));
    expect(error).toBeInstanceOf(UnknownOutcomeError);
    expect(error).toMatchObject({ vendor, ...expected });
    expectNothingPersonal(error);
    expect(sandbox.ledger.list({ vendor })).toHaveLength(1);
    sandbox.clearFaults();
    expect(await find(of().normal, 'effect-2')).toBeNull();
  });

  it.each<[string, FaultInput['kind']]>([
    ['a timeout', 'timeout_after'],
    ['a reset', 'reset_after'],
    ['a 500', 'error_after'],
  ])('[F14] %s after success is unknown, and the vendor’s listing has the message', async (_name, kind) => {
    sandbox.fault({ vendor, kind });
    expect(await failureOf(post(of().impatient, 'effect-3'))).toBeInstanceOf(UnknownOutcomeError);
    sandbox.clearFaults();
    expect(accepted()).toMatchObject([{ outcome: 'accepted_answer_lost' }]);
    expect(await find(of().normal, 'effect-3')).toMatchObject({ vendorId: accepted()[0]?.vendorId });
  });

  it('[F15] 429: the error says how long to wait and that no attempt counts', async () => {
    sandbox.fault({ vendor, kind: 'rate_limit', retryAfter: 7 });
    const error = await failureOf(post(of().normal, 'effect-4'));
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ code: 'rate_limited', retryAfterMs: 7000, burnsAttempt: false });
    expect(sandbox.ledger.list({ vendor })).toHaveLength(1);
  });

  it('a refused connection is transient and safe to retry', async () => {
    const config = configFor(vendor === 'textmagic' ? 'textmagic' : 'twilio');
    const baseUrl = `http://127.0.0.1:${await closedPort()}`;
    const error = await failureOf(
      post(open({ ...config, [vendor]: { ...config[vendor], baseUrl } }), 'effect-5'),
    );
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ code: 'connection', vendorCode: 'ECONNREFUSED', burnsAttempt: true });
    expectNothingPersonal(error);
  });

  it('a lookup that fails is transient and safe to retry', async () => {
    sandbox.fault({ vendor, kind: 'error' });
    expect(await failureOf(find(of().normal, 'effect-6'))).toBeInstanceOf(TransientError);
  });
});

describe('refusals', () => {
  it.each([
    ['+15005550001', '21211', 'bad_number'],
    ['+15005550002', '21612', 'bad_number'],
    ['+15005550003', '21408', 'misconfigured'],
    ['+15005550004', '21610', 'opted_out'],
    ['+15005550009', '21614', 'bad_number'],
    ['+1305', '21211', 'bad_number'],
  ])('[F17] twilio: %s is %s, %s', async (to, vendorCode, code) => {
    const error = await failureOf(postSms(twilio, 'effect-7', to));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ vendor: 'twilio', vendorCode, code });
    expect(error.message).not.toContain(to);
  });

  it('[F17] textmagic reports an invalid number and an unsubscribed one with different codes', async () => {
    sandbox.act.phone('+13055550199', { refuse: 21211 });
    expect(await failureOf(postSms(textmagic, 'e', '+13055550199'))).toMatchObject({ code: 'bad_number' });
    sandbox.act.reply(number, { text: 'STOP', provider: 'textmagic' });
    const error = await failureOf(postSms(textmagic, 'effect-8'));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ vendor: 'textmagic', code: 'opted_out' });
    expectNothingPersonal(error);
  });

  it.each([
    ['twilio', '21617'],
    ['textmagic', '400_text'],
  ] as const)('%s: a body that is too long is a bad request', async (provider, vendorCode) => {
    const gateways = provider === 'twilio' ? twilio : textmagic;
    const call = gateways.sms.send({ to: number, body: 'x'.repeat(1700), reference: 'effect-9' });
    expect(await failureOf(call)).toMatchObject({ code: 'bad_request', vendorCode });
  });

  it('sendgrid: an invalid recipient is a bad number, an invalid sender a bad request', async () => {
    const email = { subject: 'Details', text: body, reference: 'effect-10' };
    const badRecipient = await failureOf(twilio.email.send({ ...email, to: 'canary@' }));
    expect(badRecipient).toMatchObject({ code: 'bad_address' });
    expect(badRecipient).toBeInstanceOf(PermanentError);
    expectNothingPersonal(badRecipient);
    const badSender = open(configFor('twilio', { SENDGRID_FROM_EMAIL: 'not-an-address' }));
    expect(await failureOf(badSender.email.send({ ...email, to: mailbox }))).toMatchObject({
      code: 'misconfigured',
    });
  });

  it.each(vendors)('%s: a wrong key is permanent', async (vendor) => {
    const config = configFor(vendor === 'textmagic' ? 'textmagic' : 'twilio');
    const wrong = open({
      ...config,
      twilio: { ...config.twilio, authToken: 'wrong' },
      textmagic: { ...config.textmagic, apiKey: 'wrong' },
      sendgrid: { ...config.sendgrid, apiKey: 'SG.wrong' },
    });
    const error = await failureOf(posters[vendor].post(wrong, 'effect-11'));
    expect(error).toBeInstanceOf(PermanentError);
    expect(error).toMatchObject({ code: 'unauthorized', vendorCode: vendor === 'twilio' ? '20003' : '401' });
    expect(await wrong.sms.healthy()).toBe(false);
  });
});

describe('looking a message up', () => {
  it.each(['twilio', 'textmagic'] as const)(
    '%s: only the same text, phone and time match a message in the listing',
    async (provider) => {
      const gateways = provider === 'twilio' ? twilio : textmagic;
      await postSms(gateways, 'effect-12');
      const query = { to: number, body, reference: 'unknown', since: longAgo };
      expect(await gateways.sms.find(query)).not.toBeNull();
      expect(await gateways.sms.find({ ...query, body: `${body} ` })).toBeNull();
      expect(await gateways.sms.find({ ...query, to: '+13055550100' })).toBeNull();
      expect(await gateways.sms.find({ ...query, since: new Date(Date.now() + 60_000) })).toBeNull();
    },
  );

  it.each([
    ['twilio', 'message.undelivered', { failure: 'bad_number', vendorCode: '30006' }],
    ['textmagic', 'message.failed', { failure: 'unavailable', vendorCode: 'f' }],
  ] as const)(
    '%s: the state of a message is what its delivery made of it',
    async (provider, event, failure) => {
      const { sms } = provider === 'twilio' ? twilio : textmagic;
      const statusCallbackUrl = `${product.url}/status`;
      const { vendorId } = await sms.send({
        to: '+15005530006',
        body,
        reference: 'effect-13',
        statusCallbackUrl,
      });
      await sandbox.webhooks.wait({ event, objectId: vendorId });
      expect(await sms.status(vendorId)).toMatchObject({ vendorId, status: 'failed', ...failure });
      expect(await failureOf(sms.status('404404'))).toMatchObject({ code: 'not_found' });
    },
  );

  it('textmagic: an inbound message is fetched by its id; an unknown id returns null', async () => {
    const { messageSid } = sandbox.act.reply(number, { text: 'Y lead_abc12345', provider: 'textmagic' });
    const { ourNumber } = textmagic.sms;
    const found = await textmagic.sms.fetchInbound?.(messageSid);
    expect(found).toMatchObject({
      vendorId: messageSid,
      from: number,
      to: ourNumber,
      body: 'Y lead_abc12345',
    });
    expect(found?.receivedAt?.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(await textmagic.sms.fetchInbound?.('999999999')).toBeNull();
    expect(await textmagic.sms.fetchInbound?.('../messages/1')).toBeNull();
  });
});

describe('vendor signatures', () => {
  const last = (path: string) => {
    const hit = product.hits.findLast(({ url }) => url.startsWith(path));
    if (!hit) throw new Error(`nothing was posted to ${path}`);
    return hit;
  };
  const header = (name: string, hit: ReturnType<typeof last>) => String(hit.headers[name]);

  it('[S02] a Twilio status callback verifies for the public URL only', async () => {
    const statusCallbackUrl = `${product.url}/status/effect-14?a=1`;
    const { vendorId } = await twilio.sms.send({
      to: number,
      body,
      reference: 'effect-14',
      statusCallbackUrl,
    });
    await sandbox.webhooks.wait({ event: 'message.delivered', objectId: vendorId });
    const hit = last('/status/effect-14');
    const params = Object.fromEntries(new URLSearchParams(hit.body));
    const signed = {
      authTokens: ['older', configFor('twilio').twilio.authToken],
      publicUrl: product.url,
      path: hit.url,
      params,
      signature: header('x-twilio-signature', hit),
    };
    expect(verifyTwilioSignature(signed)).toBe(true);
    expect(verifyTwilioSignature({ ...signed, publicUrl: 'https://elsewhere.example' })).toBe(false);
    expect(verifyTwilioSignature({ ...signed, params: { ...params, MessageStatus: 'failed' } })).toBe(false);
    expect(parseTwilioStatus(params)).toEqual({ status: 'delivered' });
  });

  it('[S02] a SendGrid batch verifies over its raw bytes and carries our effect id', async () => {
    const email = { to: 'bounce@example.com', subject: 's', text: 't', reference: 'effect-15' };
    const { vendorId } = await twilio.email.send(email);
    await sandbox.webhooks.wait({ event: 'mail.bounce', objectId: vendorId });
    const hit = last('/events');
    const signed = {
      publicKey: sandbox.sendgridPublicKey,
      timestamp: header('x-twilio-email-event-webhook-timestamp', hit),
      signature: header('x-twilio-email-event-webhook-signature', hit),
      rawBody: Buffer.from(hit.body),
      now: new Date(),
    };
    expect(verifySendgridSignature(signed)).toBe(true);
    expect(verifySendgridSignature({ ...signed, rawBody: Buffer.from(hit.body.trimEnd()) })).toBe(false);
    expect(parseSendgridEvents(JSON.parse(hit.body))).toMatchObject([
      {
        effectId: 'effect-15',
        vendorId,
        type: 'bounce',
        reason: '550 5.1.1 The email account does not exist',
      },
    ]);
  });
});

function closedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address && typeof address === 'object' ? address.port : 1));
    });
  });
}
