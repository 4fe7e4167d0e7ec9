import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { buildApp, closeApp } from './api/app.ts';
import { ensureOperator } from './api/auth/better-auth.ts';
import { backlog } from './api/http/connections.ts';
import { type Config, loadConfig, type Timings } from './config.ts';
import { findKey } from './db/account/api-keys.ts';
import { migrate } from './db/migrate.ts';
import { ensureDemo, type MarketAccess } from './demo/seed.ts';
import { startWorkers } from './engine/process.ts';
import type { WorkerName } from './events/routes.ts';
import { createRuntime } from './runtime.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox/server.ts';
import type { Runtime } from './usecases/runtime.ts';
import type { SelfCheckOptions } from './usecases/transport/self-check.ts';
import { workers } from './workers/index.ts';
import { retention } from './workers/retention.ts';
import { rounds } from './workers/rounds.ts';

/** The whole system in one process, on a given database: used by `npm start`, the demo and the tests. */
export type System = {
  config: Config;
  runtime: Runtime;
  publicUrl: string;
  /** Null when every vendor is real. */
  sandbox: Sandbox | null;
  /** Stops HTTP and its streams first, then workers, queues and the database. */
  stop(): Promise<void>;
};

export type SystemOptions = {
  env: NodeJS.ProcessEnv;
  databaseUrl: string;
  redisUrl?: string | null;
  /** 0 selects a free port. */
  port?: number;
  sandboxPort?: number;
  sandbox?: SandboxOptions;
  timings?: Partial<Timings>;
  /** Workers to run; defaults to all. */
  workers?: readonly WorkerName[];
  namespace?: string;
  logLevel?: Config['logLevel'];
  /** Replaces GoHighLevel's limits per location. */
  crmLimits?: Config['crm']['ghl']['limits'];
  selfCheck?: SelfCheckOptions;
};

export async function startSystem(options: SystemOptions): Promise<System> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closers.reverse().splice(0)) await close();
  };
  try {
    return await assemble(options, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(
  options: SystemOptions,
  closers: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<System> {
  const planned = loadConfig(options.env);
  // SANDBOX_URL names a sandbox that is already running.
  const own = planned.sandboxed.length > 0 && planned.sandboxUrl === null;
  const sandbox = own ? await startOwnSandbox(planned, options) : null;
  if (sandbox) closers.push(() => sandbox.close());
  const port = options.port === 0 ? await freePort() : (options.port ?? planned.http.port);
  const local = `http://127.0.0.1:${port}`;
  const given = options.env.PUBLIC_URL ?? options.env.DOMAIN;
  const loaded = loadConfig(options.env, {
    databaseUrl: options.databaseUrl,
    ...(options.redisUrl === undefined ? {} : { redisUrl: options.redisUrl }),
    publicUrl: given ?? local,
    http: { ...planned.http, port },
    ...(sandbox
      ? {
          sandboxUrl: sandbox.url,
          sandboxSendgridKey: sandbox.sendgridPublicKey,
          sandboxGhlKey: sandbox.ghlPublicKey,
        }
      : {}),
    timings: { ...planned.timings, ...options.timings },
    logLevel: options.logLevel ?? planned.logLevel,
  });
  const config =
    options.crmLimits === undefined
      ? loaded
      : Object.freeze({
          ...loaded,
          crm: { ...loaded.crm, ghl: { ...loaded.crm.ghl, limits: options.crmLimits } },
        });
  sandbox?.configure(callbackTargets(config, local));

  await migrate(config.databaseDirectUrl ?? options.databaseUrl);
  const runtime = await createRuntime(config, {
    name: 'all',
    namespace: options.namespace,
    selfCheck: options.selfCheck,
  });
  closers.push(() => runtime.close());
  const running = startWorkers(runtime, { workers, names: options.workers, retention, rounds });
  closers.push(() => running.stop());
  const app = await buildApp(runtime, { pages: true });
  closers.push(() => closeApp(app));
  await app.listen({ port, host: config.http.host, backlog });
  return { config, runtime, publicUrl: config.publicUrl, sandbox, stop };
}

async function startOwnSandbox(config: Config, options: SystemOptions): Promise<Sandbox> {
  const { stripe, twilio, textmagic, sendgrid } = config;
  return startSandbox({
    port: options.sandboxPort ?? config.sandboxPort,
    production: config.production,
    ...options.sandbox,
    stripe: {
      secretKey: stripe.secretKey,
      webhookSecret: stripe.webhookSecrets[0],
      ...options.sandbox?.stripe,
    },
    twilio: {
      accountSid: twilio.accountSid,
      authToken: twilio.authToken,
      phoneNumber: twilio.phoneNumber,
      ...options.sandbox?.twilio,
    },
    textmagic: {
      username: textmagic.username,
      apiKey: textmagic.apiKey,
      fromNumber: textmagic.fromNumber,
      ...options.sandbox?.textmagic,
    },
    sendgrid: { apiKey: sendgrid.apiKey, ...options.sandbox?.sendgrid },
  });
}

/** Twilio signs the URL it calls, which must be the public one; the other vendors call the local address. */
function callbackTargets(config: Config, local: string) {
  const textmagic = `${local}/webhook/textmagic/${config.textmagic.webhookToken}`;
  return {
    stripe: { webhookUrl: `${local}/webhook/stripe` },
    twilio: { inboundUrl: `${config.publicUrl}/webhook/twilio/sms` },
    textmagic: { inboundUrl: textmagic, deliveryUrl: textmagic },
    sendgrid: { eventsUrl: `${local}/webhook/sendgrid/events` },
    ghl: { webhookUrl: `${local}/webhook/ghl` },
  };
}

/** Returns a port that is free now. It is not reserved. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

export type DemoAccess = {
  apiKey: string;
  operator: { email: string; password: string };
  /** Absent where there is no sample marketplace. */
  market?: MarketAccess;
};

/**
 * Creates the demo organization with its buyers, a key and an operator unless they exist. A key and operator stored by
 * an earlier start are kept; otherwise new ones are created, because neither key nor password can be read back.
 */
export async function seedDemo({ runtime }: System, stored: Partial<DemoAccess>): Promise<DemoAccess> {
  const known = stored.apiKey ? await findKey(runtime.db, stored.apiKey) : null;
  const { apiKey } = await ensureDemo(runtime.db, { freshKey: !known });
  const operator = stored.operator ?? {
    email: 'operator@leadgate.example',
    password: randomBytes(9).toString('base64url'),
  };
  await ensureOperator(runtime, { ...operator, name: 'Demo operator' });
  return { apiKey: apiKey ?? stored.apiKey!, operator };
}
