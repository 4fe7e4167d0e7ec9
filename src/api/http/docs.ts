import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { familyUrl, joinFamilies } from './families.ts';
import { addressOf, type Limiter } from './limits.ts';

const description = `Receives leads, offers each lead to its buyers, and reveals the contact only after payment.

Authenticate with \`Authorization: Bearer <key>\` or \`X-API-Key: <key>\`. Errors are RFC 9457 problem documents with a
stable \`code\`, [each explained](/docs/problems). Every POST that creates something accepts an \`Idempotency-Key\`. Times are ISO 8601 UTC, money is integer minor units.`;

/** Collects the schemas of every route registered after it. */
export async function describeApi(app: FastifyInstance, publicUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'leadgate', version: '1', description },
      servers: [{ url: publicUrl }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      },
      security: [{ bearer: [] }, { apiKey: [] }],
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      return { schema, url: familyUrl(url, route.route.constraints) };
    },
    transformObject: (document) =>
      'openapiObject' in document ? joinFamilies(document.openapiObject) : document.swaggerObject,
  });
}

/** The reference page creates its styles by script, so this page alone allows inline styles. It shows no data. */
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>leadgate API</title>
<style>
.way-back { display: flex; gap: 1.5rem; padding: 0.6rem 1.5rem; font: 0.875rem system-ui, sans-serif; background: #fff; }
.way-back a { color: #4338ca; padding: 0.25rem 0; }
@media (prefers-color-scheme: dark) { .way-back { background: #0f0f0f; } .way-back a { color: #a5b4fc; } }
</style>
</head>
<body>
<nav class="way-back" aria-label="leadgate"><a href="/">← Go to dashboard</a><a href="/docs/problems">Problem codes</a></nav>
<div id="app"></div>
<script src="/docs/reference.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>`;

/** Everything is loaded from this server; telemetry is off. */
const start = `Scalar.createApiReference('#app', {
  url: '/openapi.json', withDefaultFonts: false, telemetry: false, hideClientButton: true,
  showDeveloperTools: 'never', agent: { disabled: true }, mcp: { disabled: true },
});`;

/** Each part is made once, and its bytes are shared by all who receive it. */
export function docsRoutes(limiter: Limiter): FastifyPluginAsync {
  const onRequest = (request: FastifyRequest, reply: FastifyReply) =>
    limiter.take('document', addressOf(request), reply);
  return async (app) => {
    const reference = join(
      dirname(fileURLToPath(import.meta.resolve('@scalar/fastify-api-reference'))),
      'js',
      'standalone.js',
    );
    const options = { schema: { hide: true }, onRequest };
    let document: Buffer | undefined;
    app.get('/openapi.json', options, async (_request, reply) => {
      document ??= Buffer.from(JSON.stringify(app.swagger()));
      return reply.header('content-type', 'application/json; charset=utf-8').send(document);
    });
    app.get('/docs', options, async (_request, reply) =>
      reply
        .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
        .send(page),
    );
    app.get('/docs/start.js', options, async (_request, reply) =>
      reply.header('content-type', 'text/javascript; charset=utf-8').send(start),
    );
    let script: Promise<Buffer> | undefined;
    app.get('/docs/reference.js', options, async (_request, reply) => {
      script ??= readFile(reference);
      return reply
        .headers({
          'content-type': 'text/javascript; charset=utf-8',
          'cache-control': 'public, max-age=86400',
        })
        .send(await script);
    });
  };
}
