import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody, serveVendor, write } from './calls.ts';
import { type Control, createControl } from './control.ts';
import { type Fault, type FaultInput, Faults } from './faults.ts';
import { createGhl } from './ghl/ghl.ts';
import { createGoogle } from './google/google.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';
import { applyTargets, type SandboxOptions, settingsFrom, type Targets, targetsSchema } from './options.ts';
import { createPages, type Pages } from './page/pages.ts';
import { Phones } from './phones.ts';
import { createSendgrid } from './sendgrid.ts';
import { createStateFile, type StateFile } from './state-file.ts';
import { createStripeApi, type StripeSnapshot } from './stripe/api.ts';
import { serveStripePages } from './stripe/pages.ts';
import { StripeStore } from './stripe/store.ts';
import { createTextmagic } from './textmagic.ts';
import { createTwilio } from './twilio.ts';
import { json, Refusal, type Vendor, type VendorApi, type VendorRequest } from './vendor.ts';
import { Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

export type { Fault, FaultInput } from './faults.ts';
export type { LedgerEntry, LedgerQuery } from './ledger.ts';
export type { SandboxOptions, Targets } from './options.ts';
export type { WebhookView } from './webhooks.ts';

/** SendGrid accepts 30 MB; requests of the product are far below 5. */
const maxBodyBytes = 5 * 1024 * 1024;

/** Paths of the page on which a CRM user selects a location. */
const consentPaths = new Set(['/v2/oauth/chooselocation', '/oauth/chooselocation']);

export type Sandbox = {
  url: string;
  port: number;
  /** base64 SPKI DER: verifies SendGrid's event webhooks. */
  sendgridPublicKey: string;
  /** base64 SPKI DER: verifies GoHighLevel's webhooks. */
  ghlPublicKey: string;
  /** Sets the URLs that the vendors call, once the product knows its own address. */
  configure(targets: Targets): void;
  ledger: Ledger;
  webhooks: Webhooks;
  /** Resolves with the first ledger entry, past or future, that satisfies the predicate. */
  waitFor(predicate: (entry: LedgerEntry) => boolean, timeoutMs?: number): Promise<LedgerEntry>;
  fault(input: FaultInput): Fault;
  /** Removes one fault, or all without an id. */
  clearFaults(id?: string): void;
  /** Actions of buyers, cardholders and CRM users. */
  act: Control['act'];
  reset(): void;
  close(): Promise<void>;
};

/**
 * Serves all vendors on one port: Stripe under /v1, Twilio under /2010-04-01, TextMagic under /api/v2, SendGrid under
 * /v3, GoHighLevel under /contacts, /locations and /oauth (its legacy API under /v1/contacts and /v1/custom-fields), Google's
 * sign-in under /o/oauth2, /oauth2, /token and /.well-known, the control API under /_sandbox and a web page at /. Throws when `production` is true.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  if (options.production === true) {
    throw new Error(
      'The vendor sandbox does not start with NODE_ENV=production: configure the real vendors.',
    );
  }
  const settings = settingsFrom(options);
  const host = options.host ?? '127.0.0.1';
  let url = '';
  let pages: Pages | null = null;
  let state: StateFile | null = null;
  const onChange = () => {
    pages?.changed();
    state?.changed();
  };
  const faults = new Faults(onChange);
  const ledger = new Ledger(onChange);
  const webhooks = new Webhooks(faults, onChange);
  const phones = new Phones(onChange);
  const store = new StripeStore(settings, webhooks, {
    baseUrl: () => url,
    record: (record) => {
      const outcome = record.error ? 'refused' : 'accepted';
      ledger.append('stripe', record, { outcome, status: null, fault: null });
    },
  });
  const stripe = createStripeApi({ settings, store });
  state = options.stateFile === undefined ? null : createStateFile(options.stateFile, stripe.snapshot);
  const kept = await state?.read();
  if (kept) stripe.restore(kept as StripeSnapshot);
  const twilio = createTwilio({ settings, ledger, phones, webhooks });
  const textmagic = createTextmagic({ settings, ledger, phones, webhooks });
  const sendgrid = createSendgrid({ settings, webhooks, onChange });
  const ghl = createGhl({ settings, webhooks });
  const google = createGoogle({ settings, baseUrl: () => url });
  const world: World = {
    ledger,
    faults,
    webhooks,
    phones,
    store,
    twilio,
    textmagic,
    sendgrid,
    ghl,
    google,
    onChange,
    configure: (targets) => applyTargets(settings, targetsSchema.parse(targets)),
    forgetKeys: () => stripe.forgetKeys(),
    reset: () => {
      for (const part of [ledger, webhooks, phones, store, stripe, twilio, textmagic, sendgrid, ghl, google])
        part.reset();
      faults.clear();
    },
  };
  const control = createControl(world);
  pages = createPages(world);

  const prefixes: [string, Vendor, VendorApi][] = [
    // Listed before Stripe, which has no such objects.
    ['/v1/contacts', 'ghl', ghl.v1],
    ['/v1/custom-fields', 'ghl', ghl.v1],
    ['/contacts', 'ghl', ghl.v2],
    ['/locations/', 'ghl', ghl.v2],
    ['/oauth/token', 'ghl', ghl.v2],
    ['/v1/', 'stripe', stripe],
    ['/2010-04-01/', 'twilio', twilio.api],
    ['/api/v2/', 'textmagic', textmagic.api],
    ['/v3/', 'sendgrid', sendgrid.api],
    ['/token', 'google', google.api],
  ];
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await vendorRequest(incoming);
    const vendor = prefixes.find(([prefix]) => request.path.startsWith(prefix));
    if (vendor) return serveVendor({ ledger, faults }, vendor[1], vendor[2], request, response);
    refuseOtherOrigins(request, host);
    if (request.path.startsWith('/_sandbox/stream')) return pages.stream(response);
    if (request.path.startsWith('/_sandbox/')) return write(response, await control.handle(request));
    if (request.path.startsWith('/stripe/'))
      return write(response, serveStripePages({ store, act: control.act }, request));
    if (consentPaths.has(request.path)) return write(response, ghl.consent(request));
    return write(response, google.serve(request) ?? pages.handle(request));
  };
  const server = createServer({ keepAliveTimeout: 600_000 }, (incoming, response) => {
    serve(incoming, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
      const refusal = error instanceof Refusal ? error : new Refusal(500, null, String(error));
      write(response, json(refusal.status, { error: refusal.message }));
    });
  });
  // Nagle's algorithm would delay small responses until the peer's delayed acknowledgement.
  server.on('connection', (socket) => socket.setNoDelay(true));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

  return {
    url,
    port,
    sendgridPublicKey: sendgrid.publicKey,
    ghlPublicKey: ghl.publicKey,
    configure: world.configure,
    ledger,
    webhooks,
    waitFor: (predicate, timeoutMs) => ledger.waitFor(predicate, timeoutMs),
    fault: (input) => faults.add(input),
    clearFaults: (id) => void faults.clear(id),
    act: control.act,
    reset: world.reset,
    close: async () => {
      pages.close();
      ledger.close();
      webhooks.close();
      await state?.close();
      store.reset();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function vendorRequest(incoming: IncomingMessage): Promise<VendorRequest> {
  const [path = '/', search = ''] = (incoming.url ?? '/').split(/\?(.*)/s);
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(search),
    headers: incoming.headers,
    rawBody: await readBody(incoming, maxBodyBytes),
    latencyMs: 0,
  };
}

/** Refuses requests of other websites to a local sandbox, by their Origin or by DNS rebinding. */
function refuseOtherOrigins(request: VendorRequest, host: string): void {
  const asked = request.headers.host ?? '';
  const { origin } = request.headers;
  const sameOrigin = origin === undefined || origin === `http://${asked}` || origin === `https://${asked}`;
  const loopback = host === '127.0.0.1' || host === '::1' || host === 'localhost';
  const localName = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(asked);
  if (!sameOrigin || (loopback && !localName))
    throw new Refusal(403, 403, 'The sandbox refuses requests from other origins.');
}
