import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import underPressure from '@fastify/under-pressure';
import { type FastifyInstance, type FastifyPluginAsync, fastify } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { v7 as uuidv7 } from 'uuid';
import { RefusedError } from '../domain/errors.ts';
import type { Runtime } from '../engine/runtime.ts';
import { createAccess, principalDecorator } from './auth/api-key.ts';
import { createCompanyAccess } from './auth/company-caller.ts';
import { companyRoutes } from './company/companies-api.ts';
import { companyKeyRoutes } from './company/keys-api.ts';
import { bodyLimit, readJsonBodies } from './http/bodies.ts';
import { describeApi, docsRoutes } from './http/docs.ts';
import { brokenAddressHandler, errorHandler } from './http/errors.ts';
import { addressOf, createLimiter, defaultLimits, type Limits } from './http/limits.ts';
import { logRequests } from './http/request-log.ts';
import { cutSlowBodies } from './http/slow-bodies.ts';
import { healthRoutes } from './ops/health.ts';
import { leadRoutes } from './unlock/leads.ts';
import { payRoutes } from './unlock/pay.tsx';
import { providerImport } from './unlock/provider-import.ts';
import { providerRoutes } from './unlock/providers.ts';
import { replyRoutes } from './unlock/replies.ts';
import { importRoutes } from './upload/imports.ts';
import { jobRoutes } from './upload/jobs.ts';
import { uploadRoutes } from './upload/leads.ts';
import { leadsCsvRoute } from './upload/leads-csv.ts';
import { ghlRoutes } from './webhooks/ghl.ts';
import { signedWebhooks } from './webhooks/signed.ts';
import { textmagicWebhook } from './webhooks/textmagic.ts';

export type AppOptions = {
  limits?: Partial<Limits>;
  /** Registered after our own, each encapsulated: the console, sign-in, the queue dashboard. */
  plugins?: FastifyPluginAsync[];
};

export type RouteEntry = { method: string; url: string };

/** The HTTP ingress. Does not listen; `app.close()` ends it. `app.getDecorator('routeTable')` lists every route. */
export async function buildApp(runtime: Runtime, options: AppOptions = {}): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    genReqId: () => uuidv7(),
    bodyLimit,
    // Addresses come from the socket, never from a header.
    trustProxy: false,
    // Per route instead: slow-bodies.ts.
    requestTimeout: 0,
    frameworkErrors: brokenAddressHandler(runtime.log),
    routerOptions: { maxParamLength: 200 },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(errorHandler(runtime.log));
  app.setNotFoundHandler(() => {
    throw new RefusedError(404, 'not_found', 'There is nothing at this address.');
  });
  app.decorateRequest(principalDecorator, null);
  app.decorate('routeTable', listRoutes(app));
  readJsonBodies(app);
  logRequests(app, runtime.log);
  cutSlowBodies(app);

  const limiter = createLimiter({ ...defaultLimits, ...options.limits });
  const access = createAccess(runtime, limiter);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // Keys in a header of their own tell no cache that an answer is somebody's alone. Static files say otherwise.
    reply.header('cache-control', 'no-store');
    await limiter.take('address', addressOf(request), reply);
    const encoding = request.headers['content-encoding'];
    // A compressed body could be a bomb: none is inflated.
    if (encoding !== undefined && encoding !== 'identity') {
      throw new RefusedError(415, 'unsupported_content_encoding', 'Send the body uncompressed.');
    }
  });
  await app.register(underPressure, { maxEventLoopDelay: 3_000, retryAfter: 2, exposeStatusRoute: false });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: policyOf(runtime) },
  });
  await app.register(fastifyStatic, {
    root: fileURLToPath(new URL('./web/static/', import.meta.url)),
    prefix: '/static/',
  });
  await describeApi(app, runtime.config.publicUrl);

  await app.register(healthRoutes(runtime, access));
  await app.register(leadRoutes(runtime, access));
  await app.register(replyRoutes(runtime, access, limiter));
  await app.register(providerRoutes(runtime, access));
  await app.register(providerImport(runtime, access));
  const companies = createCompanyAccess(runtime, access);
  await app.register(companyRoutes(runtime, companies));
  await app.register(companyKeyRoutes(runtime, companies));
  await app.register(uploadRoutes(runtime, companies));
  await app.register(jobRoutes(runtime, companies));
  await app.register(importRoutes(runtime, companies));
  await app.register(leadsCsvRoute(runtime, companies));
  await app.register(signedWebhooks(runtime, limiter));
  await app.register(textmagicWebhook(runtime));
  await app.register(ghlRoutes(runtime, limiter));
  await app.register(payRoutes(runtime, limiter));
  await app.register(docsRoutes);
  for (const plugin of options.plugins ?? []) await app.register(plugin);
  return app;
}

/**
 * The pay button posts to us and is sent on to Stripe, the button that connects a CRM to its consent page: browsers
 * judge such a redirect by form-action too.
 */
function policyOf({ config }: Runtime): Record<string, string[]> {
  const checkout = config.stripe.baseUrl
    ? new URL(config.stripe.baseUrl).origin
    : 'https://checkout.stripe.com';
  const consent = new URL(config.ghl.authorizeUrl ?? 'https://marketplace.gohighlevel.com').origin;
  return {
    'default-src': ["'self'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"],
    'form-action': ["'self'", checkout, consent],
  };
}

function listRoutes(app: FastifyInstance): RouteEntry[] {
  const table: RouteEntry[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) table.push({ method: each, url });
  });
  return table;
}

/** Requests under way get this long; a connection that only stays open is cut then. */
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
