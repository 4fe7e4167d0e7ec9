import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import twilio from 'twilio';
import { v7 as uuidv7 } from 'uuid';
import type { Logger } from '../../src/adapters/logger.ts';
import { buildApp } from '../../src/api/app.ts';
import type { Limits } from '../../src/api/http/limits.ts';
import type { TurnLimits } from '../../src/api/http/turns.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { createKey, type KeyOwner } from '../../src/db/account/api-keys.ts';
import { createOrganization } from '../../src/db/account/organizations.ts';
import { ensureDemo } from '../../src/demo/seed.ts';
import type { Scope } from '../../src/domain/account/scopes.ts';
import { createRuntime } from '../../src/runtime.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import type { Runtime } from '../../src/usecases/runtime.ts';
import type { SelfCheckOptions } from '../../src/usecases/transport/self-check.ts';
import { createTestDatabase, directUrlOf, type TestDatabase } from './database.ts';
import { sampleLead } from './sample-lead.ts';

export const publicUrl = 'http://127.0.0.1:3000';
export const amy = '+13055550160';

export type ApiTest = {
  app: FastifyInstance;
  runtime: Runtime;
  config: Config;
  sandbox: Sandbox;
  organizationId: string;
  /** Admin key of the demo organization. */
  key: string;
  rows<R>(text: string, values?: unknown[]): Promise<R[]>;
  count(table: string): Promise<number>;
  makeKey(scopes: Scope[], options?: KeyOptions): Promise<string>;
  otherOrganization(): Promise<{ id: string; key: string }>;
  json(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
  twilioPost(
    path: string,
    params: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
  text(from: string, body: string, sid?: string): Promise<LightMyRequestResponse>;
  stripePost(event: unknown, options?: StripePost): Promise<LightMyRequestResponse>;
  sendgridPost(
    events: unknown,
    options?: { timestamp?: number; tamper?: boolean },
  ): Promise<LightMyRequestResponse>;
  /** Creates a lead for provider60 unless the body says otherwise; returns its public id. */
  lead(body?: Record<string, unknown>): Promise<string>;
  unlocksOf(publicId: string): Promise<{ id: string; status: string }[]>;
  toAwaitingPayment(unlockId: string): Promise<string>;
  stop(): Promise<void>;
};

type KeyOptions = { owner?: KeyOwner; organizationId?: string | null; supplierId?: string };
type StripePost = { path?: string; secret?: string; at?: number; signature?: string; contentType?: string };

export type ApiOptions = {
  env?: NodeJS.ProcessEnv;
  limits?: Partial<Limits>;
  turns?: Partial<TurnLimits>;
  /** Also registers what people use: the console, the companies' pages and /metrics. */
  pages?: boolean;
  /** Starts a proxy before the database, once for each of its URLs; returns the proxied URL. */
  through?: (url: string) => Promise<string>;
  /** The same for the queue. */
  queueThrough?: (url: string) => Promise<string>;
  log?: Logger;
  selfCheck?: SelfCheckOptions;
  redisUrl?: string;
};

/** The API on its own database, without workers, so that what a request commits stays in the tables. */
export async function startApi(options: ApiOptions = {}): Promise<ApiTest> {
  const database = await createTestDatabase();
  const sandbox = await startSandbox({});
  const sendgridKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const config = loadConfig(options.env ?? {}, {
    ...(await databaseUrls(database, options.through)),
    ...(await queueUrls(database, options.queueThrough)),
    ...(options.redisUrl ? { redisUrl: options.redisUrl } : {}),
    publicUrl,
    sandboxUrl: sandbox.url,
    sandboxSendgridKey: sendgridKey.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    logLevel: 'silent',
  });
  const runtime = await createRuntime(config, {
    name: 'api-test',
    namespace: `api-${uuidv7()}`,
    selfCheck: options.selfCheck,
  });
  const demo = await ensureDemo(runtime.db, { freshKey: true });
  const app = await buildApp(
    { ...runtime, log: options.log ?? runtime.log },
    { limits: options.limits, turns: options.turns, pages: options.pages },
  );
  await app.ready();
  // Queues connect in the background. A test that breaks the connections needs them established.
  await Promise.all(runtime.queues.boards().map((queue) => queue.waitUntilReady()));
  return assemble(
    { app, runtime, config, sandbox, organizationId: demo.organizationId, key: demo.apiKey! },
    sendgridKey.privateKey,
    async () => {
      await app.close();
      await runtime.close();
      await sandbox.close();
      await database.drop();
    },
  );
}

async function databaseUrls(database: TestDatabase, through: ApiOptions['through'] = async (url) => url) {
  const direct = directUrlOf(database);
  return {
    databaseUrl: await through(database.url),
    databaseDirectUrl: direct && (await through(direct)),
  };
}

async function queueUrls({ directUrl }: TestDatabase, through: ApiOptions['queueThrough']) {
  const redisUrl = process.env.REDIS_URL ?? null;
  if (!through) return { redisUrl };
  return redisUrl
    ? { redisUrl: await through(redisUrl) }
    : { redisUrl, databaseDirectUrl: await through(directUrl) };
}

type Parts = Pick<ApiTest, 'app' | 'config' | 'sandbox' | 'organizationId' | 'key'> & {
  runtime: Awaited<ReturnType<typeof createRuntime>>;
};

function assemble(parts: Parts, sendgridKey: KeyObject, stop: () => Promise<void>): ApiTest {
  const { app, runtime, config, key } = parts;
  const { db } = runtime;
  const rows = <R>(text: string, values: unknown[] = []) => db.query<R>(text, values);
  const json: ApiTest['json'] = (method, url, body, headers = {}) =>
    app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${key}`, ...headers },
      payload: body as InjectOptions['payload'],
    });
  const twilioPost: ApiTest['twilioPost'] = (path, params, headers = {}) =>
    app.inject({
      method: 'POST',
      url: path,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': twilio.getExpectedTwilioSignature(
          config.twilio.authToken,
          publicUrl + path,
          params,
        ),
        ...headers,
      },
      payload: new URLSearchParams(params).toString(),
    });
  const makeKey: ApiTest['makeKey'] = async (
    scopes,
    { owner = 'organization', organizationId = parts.organizationId, supplierId } = {},
  ) => (await createKey(db, { organizationId, owner, supplierId, name: 'test', scopes })).key;
  let sid = 0;
  return {
    ...parts,
    rows,
    json,
    twilioPost,
    makeKey,
    stop,
    count: async (table) => (await rows<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]!.n,
    async otherOrganization() {
      const id = uuidv7();
      await createOrganization(db, {
        id,
        name: 'Other',
        slug: `other-${id}`,
        footer: '',
        supportContact: 'x@other.example',
      });
      return { id, key: await makeKey(['admin'], { organizationId: id }) };
    },
    text: (from, body, messageSid) => {
      sid += 1;
      const params = {
        MessageSid: messageSid ?? `SM${String(sid).padStart(32, '0')}`,
        From: from,
        To: config.twilio.phoneNumber,
        Body: body,
      };
      return twilioPost('/webhook/twilio/sms', params);
    },
    stripePost: (
      event,
      {
        path = '/webhook/stripe',
        secret = config.stripe.webhookSecrets[0]!,
        at = Date.now(),
        signature,
        contentType = 'application/json',
      } = {},
    ) => {
      const raw = JSON.stringify(event, null, 2);
      const t = Math.floor(at / 1000);
      const v1 = createHmac('sha256', secret).update(`${t}.${raw}`).digest('hex');
      const headers = { 'content-type': contentType, 'stripe-signature': signature ?? `t=${t},v1=${v1}` };
      return app.inject({ method: 'POST', url: path, headers, payload: raw });
    },
    sendgridPost: (events, { timestamp = Math.floor(Date.now() / 1000), tamper = false } = {}) => {
      const raw = `${JSON.stringify(events)}\r\n`;
      const signature = sign('sha256', Buffer.from(`${timestamp}${raw}`), sendgridKey).toString('base64');
      const headers = {
        'content-type': 'application/json',
        'x-twilio-email-event-webhook-timestamp': String(timestamp),
        'x-twilio-email-event-webhook-signature': signature,
      };
      return app.inject({
        method: 'POST',
        url: '/webhook/sendgrid/events',
        headers,
        payload: tamper ? raw.replace('[', '[ ') : raw,
      });
    },
    async lead(body = {}) {
      const response = await json('POST', '/api/leads', { ...sampleLead, ...body });
      if (response.statusCode !== 201) throw new Error(response.body);
      return response.json<{ lead_id: string }>().lead_id;
    },
    unlocksOf: (publicId) =>
      rows(
        'SELECT u.id, u.status FROM lead_unlocks u JOIN leads l ON l.id = u.lead_id WHERE l.public_id = $1 ORDER BY u.id',
        [publicId],
      ),
    async toAwaitingPayment(unlockId) {
      const token = runtime.links.token(unlockId, 1);
      await rows(
        `UPDATE lead_unlocks SET status = 'AWAITING_PAYMENT', teased_at = now(), link_sent_at = now(), token_hash = $2 WHERE id = $1`,
        [unlockId, runtime.links.hash(token)],
      );
      return token;
    },
  };
}
