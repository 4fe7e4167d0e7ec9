import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import sendgridClient from '@sendgrid/client';
import sendgridMail from '@sendgrid/mail';
import got from 'got';
import Stripe from 'stripe';
import twilio from 'twilio';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

type Hit = { url: string; headers: IncomingHttpHeaders; body: string };

/** A webhook receiver: records what the vendors post, and responds with the queued answers. */
export async function receiver() {
  const hits: Hit[] = [];
  const answers: { status: number; type?: string; body?: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    hits.push({
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    });
    const answer = answers.shift() ?? { status: 200 };
    response.writeHead(answer.status, { 'content-type': answer.type ?? 'text/xml' }).end(answer.body ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url, hits, answers, close };
}

// The packages export only singletons; their classes are reached through the constructors.
const Client = sendgridClient.constructor as new () => typeof sendgridClient;
const MailService = sendgridMail.constructor as new () => typeof sendgridMail;

export const phone = '+13105550123';
export const ourNumber = '+15005550006';
export const accountSid = `AC${'0'.repeat(31)}1`;

/** A sandbox, a receiver for its webhooks, and the real SDKs pointed at it. */
export async function openSandbox() {
  const product = await receiver();
  const sandbox = await startSandbox({ retryDelaysMs: [5, 5, 5] });
  pointWebhooksAt(sandbox, product.url);
  const reset = () => {
    sandbox.reset();
    pointWebhooksAt(sandbox, product.url);
    product.hits.length = 0;
    product.answers.length = 0;
  };
  const close = async () => {
    await sandbox.close();
    await product.close();
  };
  return { sandbox, product, reset, close, ...clientsOf(sandbox, product.url) };
}

function pointWebhooksAt(sandbox: Sandbox, url: string): void {
  sandbox.configure({
    stripe: { webhookUrl: `${url}/stripe` },
    twilio: { inboundUrl: `${url}/inbound?shop=1` },
    textmagic: { inboundUrl: `${url}/tm`, deliveryUrl: `${url}/tm-status` },
    sendgrid: { eventsUrl: `${url}/mail` },
  });
}

function clientsOf(sandbox: Sandbox, productUrl: string) {
  const stripeClient = (key = 'sk_test_sandbox') =>
    new Stripe(key, {
      host: '127.0.0.1',
      port: sandbox.port,
      protocol: 'http',
      timeout: 5000,
      telemetry: false,
      maxNetworkRetries: 0,
    });
  const twilioClient = (token = 'sandbox-twilio-token', timeout = 5000) => {
    const client = twilio(accountSid, token, { timeout });
    client.api.baseUrl = sandbox.url;
    return client;
  };
  const mailClient = (key = 'SG.sandbox.leadgate') => {
    const client = new Client();
    client.setApiKey(key);
    client.setDefaultRequest('baseUrl', `${sandbox.url}/`);
    const service = new MailService();
    service.setClient(client);
    return service;
  };
  const textmagic = (key = 'sandbox-textmagic-key') =>
    got.extend({
      prefixUrl: `${sandbox.url}/api/v2`,
      headers: { 'x-tm-username': 'sandbox', 'x-tm-key': key },
      retry: { limit: 0 },
      responseType: 'json',
      throwHttpErrors: false,
    });
  const control = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${sandbox.url}/_sandbox/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const order = (
    extra: Partial<Stripe.Checkout.SessionCreateParams> = {},
  ): Stripe.Checkout.SessionCreateParams => ({
    mode: 'payment',
    success_url: `${productUrl}/paid`,
    line_items: [
      { quantity: 1, price_data: { currency: 'usd', unit_amount: 2000, product_data: { name: 'A lead' } } },
    ],
    metadata: { unlock_id: 'unl_1' },
    payment_intent_data: { metadata: { unlock_id: 'unl_1' } },
    ...extra,
  });
  return { stripeClient, twilioClient, mailClient, textmagic, control, order };
}

export const text = (
  extra: Partial<{ to: string; from: string; body: string; statusCallback: string }> = {},
) => ({
  to: phone,
  from: ourNumber,
  body: 'A roof repair near you',
  ...extra,
});
export const mailMessage = (extra: Record<string, unknown> = {}) => ({
  to: 'buyer@leads.example',
  from: 'leads@leadgate.example',
  subject: 'Details',
  text: 'Here they are',
  customArgs: { effect_id: 'eff_1' },
  ...extra,
});
