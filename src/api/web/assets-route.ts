import type { FastifyPluginAsync } from 'fastify';
import { notFound } from '../http/problem.ts';
import { assets, assetUrl } from './assets.ts';

/** /assets/<name>: what pages load. Public; cached by browsers for as long as the address stays the same. */
export const assetRoutes: FastifyPluginAsync = async (app) => {
  // Browsers request it for pages that name no icon.
  app.get('/favicon.ico', { schema: { hide: true } }, async (_request, reply) =>
    reply.redirect(assetUrl('favicon.svg'), 302),
  );
  app.get<{ Params: { name: string }; Querystring: { v?: string } }>(
    '/assets/:name',
    { schema: { hide: true } },
    async (request, reply) => {
      const asset = assets.get(request.params.name);
      if (!asset) throw notFound('file');
      const named = request.query.v === asset.hash;
      reply.headers({
        'content-type': asset.type,
        'cache-control': named ? 'public, max-age=31536000, immutable' : 'public, max-age=60',
        'x-content-type-options': 'nosniff',
        vary: 'accept-encoding',
      });
      const brotli = asset.brotli && /\bbr\b/.test(request.headers['accept-encoding'] ?? '');
      if (brotli) reply.header('content-encoding', 'br');
      return reply.send(brotli ? asset.brotli : asset.body);
    },
  );
};
