import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import underPressure from '@fastify/under-pressure';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { RefusedError } from '../domain/errors.ts';
import { newId } from '../events/new-id.ts';
import type { Runtime } from '../usecases/runtime.ts';
import { createAccess } from './auth/access.ts';
import { accountApi } from './auth/account-api.ts';
import { createAuth } from './auth/better-auth.ts';
import { earlyQuotaOwnerOf, payerOf, turnOwnerOf } from './auth/caller.ts';
import { credentialStrategy } from './auth/credential.ts';
import { receiveFromGoogle } from './auth/google-registration.ts';
import { authApi, authPages } from './auth/index.ts';
import { createRegistering } from './auth/register.ts';
import { companyApi, companyPages } from './company/index.ts';
import { consolePages } from './console/index.ts';
import { bodyLimit, readJsonBodies } from './http/bodies.ts';
import { limitBufferedBodies } from './http/body-budget.ts';
import { compressPages } from './http/compress.ts';
import { limitConnections } from './http/connections.ts';
import { isDecodable } from './http/decodable.ts';
import { describeApi, docsRoutes } from './http/docs.ts';
import { addressOf, createLimiter, defaultLimits, type Limiter, type Limits } from './http/limits.ts';
import { logRequests } from './http/request-log.ts';
import { cutSlowBodies, readBodiesToEnd } from './http/slow-bodies.ts';
import { type TurnLimits, takeTurns } from './http/turns.ts';
import { marketPages, marketplaceApi } from './marketplace/index.ts';
import { healthRoutes } from './ops/health.ts';
import { metricsRoute } from './ops/metrics.ts';
import { queuePages } from './ops/queues.ts';
import { unlockRoutes } from './unlock/index.ts';
import { uploadRoutes } from './upload/index.ts';
import { assetRoutes } from './web/assets-route.ts';
import { pageErrors } from './web/error-page.ts';
import { problemsRoute } from './web/problems-page.tsx';
import { webhookRoutes } from './webhooks/index.ts';

type AppOptions = {
  limits?: Partial<Limits>;
  turns?: Partial<TurnLimits>;
  /** Also register what people use: metrics, sign-in, console, company pages, queues. */
  pages?: boolean;
  /** Mean delay of the event loop above which requests are answered 503. */
  mostLoopDelayMs?: number;
};

const noAddress = 'There is nothing at this address.';

export type RouteEntry = { method: string; url: string };

/** The HTTP ingress. Does not listen; `app.close()` ends it. `app.getDecorator('routeTable')` lists every route. */
export async function buildApp(runtime: Runtime, options: AppOptions = {}): Promise<FastifyInstance> {
  const app = createServer(runtime);
  const limiter = createLimiter(runtime, { ...defaultLimits, ...options.limits });
  const registering = createRegistering(runtime);
  const auth = createAuth(runtime, receiveFromGoogle({ ...runtime, registering }));
  const access = createAccess(runtime, { auth, limiter });
  admitRequests(app, limiter);
  limitConnections(app, runtime.config.http.connections);
  limitBufferedBodies(app, {
    payerOf,
    async take(request, kilobytes) {
      const owner = earlyQuotaOwnerOf(request);
      if (owner) await runtime.quotas.take('body_kilobytes', owner, kilobytes);
    },
  });
  takeTurns(app, { connections: runtime.db.connections, ownerOf: turnOwnerOf, limits: options.turns });
  await app.register(underPressure, {
    maxEventLoopDelay: options.mostLoopDelayMs ?? 3_000,
    retryAfter: 2,
    exposeStatusRoute: false,
    pressureHandler: shedUnlessHealth,
  });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: policyOf(runtime) },
  });
  await app.register(fastifyStatic, {
    root: fileURLToPath(new URL('./web/static/', import.meta.url)),
    prefix: '/static/',
  });
  await describeApi(app, runtime.config.publicUrl);

  await app.register(healthRoutes(runtime, access));
  await app.register(unlockRoutes(runtime, access, limiter));
  await app.register(companyApi(runtime, access));
  await app.register(accountApi(runtime, { auth, access, registering, limiter }));
  await app.register(authApi(runtime, auth, { access, registering, limiter }));
  const hashPassword = async (password: string) => (await auth.$context).password.hash(password);
  await app.register(marketplaceApi(runtime, access, { hashPassword }));
  await app.register(uploadRoutes(runtime, access));
  await app.register(webhookRoutes(runtime, limiter));
  await app.register(docsRoutes(limiter));
  await app.register(problemsRoute(runtime));
  if (options.pages) {
    compressPages(app);
    await app.register(metricsRoute(runtime, access, limiter));
    await app.register(assetRoutes);
    await app.register(authPages(runtime, { auth, access, registering, limiter }));
    await app.register(consolePages(runtime, access));
    await app.register(companyPages(runtime, access));
    await app.register(marketPages(runtime, access, { hashPassword }));
    await app.register(queuePages(runtime, access));
  }
  return app;
}

/** Longest time the headers of a request may take to arrive. */
const headersPatienceMs = 10_000;

function createServer(runtime: Runtime): FastifyInstance {
  // Whatever the route: a person who meets an error in a browser gets a page, a program gets a problem document.
  const answerErrors = pageErrors(runtime);
  const app = fastify({
    logger: false,
    genReqId: newId,
    bodyLimit,
    // Addresses come from the socket, never from a header.
    trustProxy: false,
    // Per route instead: slow-bodies.ts.
    requestTimeout: 0,
    http: { headersTimeout: headersPatienceMs, connectionsCheckingInterval: headersPatienceMs / 2 },
    frameworkErrors: (error, request, reply) => void answerErrors(error, request, reply),
    // A provider's id has up to 128 characters, each of which may be encoded as three.
    routerOptions: { maxParamLength: 384, constraints: { credential: credentialStrategy } },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerErrors);
  app.setNotFoundHandler(() => {
    throw notHere();
  });
  app.decorate('routeTable', listRoutes(app));
  readJsonBodies(app);
  app.addHook('preParsing', async ({ is404 }) => {
    // Before its body is read.
    if (is404) throw notHere();
  });
  logRequests(app, runtime.log);
  cutSlowBodies(app);
  readBodiesToEnd(app);
  return app;
}

const notHere = () => new RefusedError(404, 'not_found', noAddress);

/** What holds for every request, before its route is asked. */
function admitRequests(app: FastifyInstance, limiter: Limiter): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // An X-API-Key header does not tell caches that an answer is private. Static files override this.
    reply.header('cache-control', 'no-store');
    const address = addressOf(request);
    // Counted apart, so that a flood from its address does not make a monitor take the process for dead.
    await limiter.take('address', isHealth(request) ? `health ${address}` : address, reply);
    refuseBroken(request.url);
    const encoding = request.headers['content-encoding'];
    // A compressed body could be a decompression bomb, so none is accepted.
    if (encoding !== undefined && encoding !== 'identity') {
      throw new RefusedError(415, 'unsupported_content_encoding', 'Send the body uncompressed.');
    }
  });
}

const isHealth = ({ routeOptions: { url } }: FastifyRequest): boolean => url?.startsWith('/health') === true;

/** Health is answered however busy the process is: a monitor must not take a flood for an outage. */
async function shedUnlessHealth(
  request: FastifyRequest,
  _reply: FastifyReply,
  _type: string,
  delayMs: number | undefined,
): Promise<void> {
  // Infinity: the delay was not sampled yet.
  if (isHealth(request) || delayMs === Number.POSITIVE_INFINITY) return;
  throw new RefusedError(503, 'overloaded', 'Too many requests at once. Please try again in a moment.', {
    retryAfterSeconds: 2,
  });
}

/**
 * No name here contains a NUL character, and neither PostgreSQL nor Redis scripts accept one: a page with it does not exist,
 * an id of the API with it is not valid. A query that is not UTF-8 would be passed on undecoded.
 */
function refuseBroken(url: string): void {
  if (!url.includes('%')) return;
  const [path = '', ...query] = url.split('?');
  if (path.includes('%00') && !path.startsWith('/api/')) throw new RefusedError(404, 'not_found', noAddress);
  if (!url.includes('%00') && isDecodable(query.join('?'))) return;
  throw new RefusedError(
    400,
    'invalid_input',
    'The address contains a NUL character or is not encoded as UTF-8. Correct it and send it again.',
  );
}

/**
 * The pay button posts to us and is redirected to Stripe, the button that connects a CRM to the vendor's consent page:
 * browsers apply form-action to such redirects too.
 */
function policyOf({ config, crms }: Runtime): Record<string, string[]> {
  const checkout = config.stripe.baseUrl
    ? new URL(config.stripe.baseUrl).origin
    : 'https://checkout.stripe.com';
  const consents = Object.values(crms).flatMap(({ oauth }) => (oauth ? [oauth.origin] : []));
  return {
    'default-src': ["'self'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"],
    'form-action': ["'self'", checkout, ...consents],
  };
}

function listRoutes(app: FastifyInstance): RouteEntry[] {
  const table: RouteEntry[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) table.push({ method: each, url });
  });
  return table;
}

/** Running requests get this long to finish; then idle and unfinished connections are closed. */
const closePatienceMs = 2_000;

/** Ends the ingress: no new requests, running ones finish. */
export async function closeApp(app: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), closePatienceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}
