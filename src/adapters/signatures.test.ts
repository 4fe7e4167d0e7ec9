import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import twilio from 'twilio';
import { describe, expect, it } from 'vitest';
import { BadSignatureError } from './payments.ts';
import { sameSecret } from './secret.ts';
import { parseSendgridEvents, verifySendgridSignature } from './sendgrid.ts';
import { createStripeGateway } from './stripe.ts';
import { parseTextmagicDelivery, parseTextmagicInboundId } from './textmagic.ts';
import { parseTwilioStatus, verifyTwilioSignature } from './twilio.ts';

const now = new Date('2026-11-20T22:00:00Z');
const seconds = now.getTime() / 1000;

describe('Stripe-Signature', () => {
  const secrets = ['whsec_new', 'whsec_old'];
  const stripe = createStripeGateway({ secretKey: 'sk_test_x', webhookSecrets: secrets, baseUrl: null });
  const unarmed = createStripeGateway({ secretKey: 'sk_test_x', webhookSecrets: [''], baseUrl: null });
  // Pretty-printed, as Stripe sends it, so that re-serialising changes the bytes.
  const event = {
    id: 'evt_1',
    type: 'charge.refunded',
    created: seconds,
    livemode: true,
    data: { object: { id: 'ch_1 é�' } },
  };
  const raw = Buffer.from(JSON.stringify(event, null, 2));
  const header = (body: Buffer, secret = 'whsec_new', t: number | string = seconds) =>
    `t=${t},v1=${createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')}`;
  const signed = (text: string) => [Buffer.from(text), header(Buffer.from(text))] as const;

  it.each([
    ['the newer secret', header(raw)],
    ['the older secret', header(raw, 'whsec_old')],
    ['one of several signatures', `${header(raw, 'whsec_gone')},${header(raw, 'whsec_old').split(',')[1]}`],
    ['300 s old', header(raw, 'whsec_new', seconds - 300)],
    ['300 s ahead', header(raw, 'whsec_new', seconds + 300)],
  ])('[S01] accepts %s', (_name, signature) => {
    const verified = stripe.verifyWebhook(raw, signature, now);
    expect(verified).toMatchObject({
      id: 'evt_1',
      type: 'charge.refunded',
      livemode: true,
      account: null,
      created: now,
    });
    expect(verified.object).toEqual({ id: 'ch_1 é�' });
  });

  it.each<[string, Buffer, string | undefined]>([
    ['no header', raw, undefined],
    ['an empty header', raw, ''],
    ['nonsense', raw, 'v1=zz'],
    ['an unknown secret', raw, header(raw, 'whsec_gone')],
    ['301 s old', raw, header(raw, 'whsec_new', seconds - 301)],
    ['301 s ahead', raw, header(raw, 'whsec_new', seconds + 301)],
    ['an invalid timestamp', raw, header(raw, 'whsec_new', 'NaN')],
    ['a second, fresh timestamp', raw, `${header(raw, 'whsec_new', seconds - 900)},t=${seconds}`],
    ['a signature cut short', raw, header(raw).slice(0, -1)],
    ['a longer signature', raw, `${header(raw)}00`],
    ['one byte changed', Buffer.from(raw.toString().replace('ch_1', 'ch_2')), header(raw)],
    ['the same JSON re-serialised', Buffer.from(JSON.stringify(event)), header(raw)],
    ['a byte-order mark in front', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), raw]), header(raw)],
    [
      'an invalid byte that decodes to the same text',
      Buffer.from(raw.toString('latin1').replace('\u00ef\u00bf\u00bd', '\u00ff'), 'latin1'),
      header(raw),
    ],
    ['an empty body', Buffer.alloc(0), header(Buffer.alloc(0))],
    ['signed text that is not JSON', ...signed('hello')],
    ['a signed list', ...signed('[]')],
    ['a signed event without an object', ...signed('{"id":"evt_1","type":"x","created":1,"data":{}}')],
  ])('[S01] refuses %s', (_name, body, signature) => {
    expect(() => stripe.verifyWebhook(body, signature, now)).toThrow(BadSignatureError);
  });

  it('[S03] refuses signatures made with an unset secret', () => {
    expect(() => unarmed.verifyWebhook(raw, header(raw, ''), now)).toThrow(BadSignatureError);
  });
});

describe('X-Twilio-Signature', () => {
  const publicUrl = 'https://leads.example';
  const path = '/webhook/twilio/sms?shop=1';
  const params = { From: '+13055550142', Body: 'Y', NewFieldOfTomorrow: '1', MediaUrl: ['b', 'a'] };
  const by = (token: string, url = publicUrl + path, fields: object = params) =>
    twilio.getExpectedTwilioSignature(token, url, { ...fields });
  const verify = (change: Partial<Parameters<typeof verifyTwilioSignature>[0]>) =>
    verifyTwilioSignature({
      authTokens: ['new', 'old'],
      publicUrl,
      path,
      params,
      signature: by('new'),
      ...change,
    });

  it.each<[string, Parameters<typeof verify>[0]]>([
    ['the newer token', {}],
    ['the older token', { signature: by('old') }],
    ['a port in the signed URL', { signature: by('new', `https://leads.example:443${path}`) }],
    ['a slash at the end of the configured URL', { publicUrl: `${publicUrl}/` }],
  ])('[S02] accepts %s', (_name, change) => expect(verify(change)).toBe(true));

  it.each<[string, Parameters<typeof verify>[0]]>([
    ['no signature', { signature: undefined }],
    ['an unknown token', { signature: by('gone') }],
    ['a shorter signature', { signature: by('new').slice(0, 10) }],
    ['another host', { signature: by('new', `https://evil.example${path}`) }],
    ['another path', { path: '/webhook/twilio/status' }],
    ['a query left out', { path: '/webhook/twilio/sms' }],
    ['a parameter changed', { params: { ...params, Body: 'N' } }],
    ['a parameter added', { params: { ...params, Extra: '1' } }],
    ['a parameter left out', { params: { From: params.From, Body: params.Body } }],
    ['an empty URL', { publicUrl: '', path: '' }],
  ])('[S02] refuses %s', (_name, change) => expect(verify(change)).toBe(false));

  it('[S03] refuses signatures made with an unset token', () => {
    expect(verify({ authTokens: [''], signature: by('') })).toBe(false);
    expect(verify({ authTokens: [] })).toBe(false);
  });
});

describe('the SendGrid event signature', () => {
  const keys = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const ours = keys();
  const rawBody = Buffer.from('[{"event":"delivered"}]\r\n');
  const spki = ({ publicKey }: ReturnType<typeof keys>) =>
    publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const at = (time: number, pair = ours) => ({
    timestamp: String(time),
    signature: sign('sha256', Buffer.concat([Buffer.from(String(time)), rawBody]), pair.privateKey).toString(
      'base64',
    ),
  });
  const verify = (change: Partial<Parameters<typeof verifySendgridSignature>[0]>) =>
    verifySendgridSignature({ publicKey: spki(ours), rawBody, now, ...at(seconds), ...change });

  it.each<[string, Parameters<typeof verify>[0], boolean]>([
    ['a fresh one', {}, true],
    ['300 s old', at(seconds - 300), true],
    ['301 s old', at(seconds - 301), false],
    ['301 s ahead', at(seconds + 301), false],
    ['another timestamp', { timestamp: String(seconds + 1) }, false],
    ['a timestamp with a sign', { timestamp: `+${seconds}` }, false],
    ['no timestamp', { timestamp: undefined }, false],
    ['no signature', { signature: undefined }, false],
    ['an invalid signature', { signature: 'AAAA' }, false],
    ['another key', at(seconds, keys()), false],
    ['no key configured', { publicKey: '' }, false],
    ['an invalid key', { publicKey: 'AAAA' }, false],
    ['the last CRLF dropped', { rawBody: rawBody.subarray(0, -2) }, false],
    ['one byte changed', { rawBody: Buffer.from('[{"event":"Delivered"}]\r\n') }, false],
  ])('[S02] %s', (_name, change, expected) => expect(verify(change)).toBe(expected));
});

it('[S03] secrets of any length are compared exactly', () => {
  expect(sameSecret('token-0000', 'token-0000')).toBe(true);
  for (const given of ['token-0001', 'token-000', 'token-00000', '', undefined]) {
    expect(sameSecret(given, 'token-0000')).toBe(false);
  }
  expect(sameSecret('', '')).toBe(false);
});

describe('callback parsing', () => {
  it.each<[Parameters<typeof parseTwilioStatus>[0], object]>([
    [{ MessageStatus: 'accepted' }, { status: 'queued' }],
    [{ MessageStatus: 'sending' }, { status: 'queued' }],
    [{ SmsStatus: 'sent' }, { status: 'sent' }],
    [{ MessageStatus: 'delivered', ErrorCode: '30003' }, { status: 'delivered' }],
    [{ MessageStatus: 'read' }, { status: 'delivered' }],
    [
      { MessageStatus: 'undelivered', ErrorCode: '30003' },
      { status: 'failed', failure: 'unavailable', vendorCode: '30003' },
    ],
    [
      { MessageStatus: 'undelivered', ErrorCode: '30005' },
      { status: 'failed', failure: 'bad_number', vendorCode: '30005' },
    ],
    [
      { MessageStatus: 'undelivered', ErrorCode: '30006' },
      { status: 'failed', failure: 'bad_number', vendorCode: '30006' },
    ],
    [
      { MessageStatus: 'undelivered', ErrorCode: '30007' },
      { status: 'failed', failure: 'bad_request', vendorCode: '30007' },
    ],
    [
      { MessageStatus: 'undelivered', ErrorCode: '30034' },
      { status: 'failed', failure: 'misconfigured', vendorCode: '30034' },
    ],
    [
      { MessageStatus: 'failed', ErrorCode: '21610' },
      { status: 'failed', failure: 'opted_out', vendorCode: '21610' },
    ],
    [
      { MessageStatus: 'failed', ErrorCode: '39999' },
      { status: 'failed', failure: 'unavailable', vendorCode: '39999' },
    ],
    [{ MessageStatus: 'canceled' }, { status: 'failed', failure: 'unavailable', vendorCode: 'canceled' }],
    [{ MessageStatus: 'constructor' }, { status: 'queued' }],
    [{}, { status: 'queued' }],
  ])('[F17] twilio %j', (fields, expected) => expect(parseTwilioStatus(fields)).toEqual(expected));

  it.each<[Record<string, unknown>, object | null]>([
    [
      { id: 7, status: 'd', referenceId: 'eff-1' },
      { vendorId: '7', reference: 'eff-1', status: 'delivered' },
    ],
    [
      { message_id: '7', status: 'f' },
      { vendorId: '7', reference: null, status: 'failed', failure: 'unavailable', vendorCode: 'f' },
    ],
    [
      { id: '7', status: 'u' },
      { vendorId: '7', reference: null, status: 'sent' },
    ],
    [
      { id: '7', status: 'toString' },
      { vendorId: '7', reference: null, status: 'queued' },
    ],
    [{ status: 'd' }, null],
    [{ id: { $ne: 1 } }, null],
  ])('textmagic %j', (fields, expected) => expect(parseTextmagicDelivery(fields)).toEqual(expected));

  it.each<[Record<string, unknown>, string | null]>([
    [{ id: 12, text: 'Y' }, '12'],
    [{ message_id: '12' }, '12'],
    [{ id: '../user' }, null],
    [{ id: '0' }, null],
    [{}, null],
  ])('textmagic inbound id of %j', (fields, id) => expect(parseTextmagicInboundId(fields)).toBe(id));

  it('skips invalid items in a sendgrid batch', () => {
    const one = {
      sg_event_id: 'e1',
      sg_message_id: 'mid.recvd-1.0',
      effect_id: 'eff-1',
      event: 'bounce',
      timestamp: seconds,
    };
    expect(
      parseSendgridEvents([
        { ...one, reason: '550 <sarah@example.com> unknown', category: ['a'] },
        null,
        { event: 'delivered' },
        { ...one, sg_event_id: 'e2', event: 'brand_new', effect_id: undefined },
      ]),
    ).toEqual([
      {
        eventId: 'e1',
        effectId: 'eff-1',
        vendorId: 'mid',
        type: 'bounce',
        reason: '550 <[address]> unknown',
        timestamp: now,
      },
      { eventId: 'e2', effectId: null, vendorId: 'mid', type: 'other', reason: null, timestamp: now },
    ]);
    expect(parseSendgridEvents({ events: [] })).toBeNull();
  });
});
