import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import type { Limiter } from '../http/limits.ts';
import { leadRoutes } from './leads.ts';
import { payRoutes } from './pay.tsx';
import { providerImport } from './provider-import.ts';
import { providerRoutes } from './providers.ts';
import { replyRoutes } from './replies.ts';

/** Pay per unlock: leads, the providers they are offered to, their replies, and the page they pay on. */
export function unlockRoutes(runtime: Runtime, access: Access, limiter: Limiter): FastifyPluginAsync {
  return async (app) => {
    await app.register(leadRoutes(runtime, access));
    await app.register(replyRoutes(runtime, access, limiter));
    await app.register(providerRoutes(runtime, access));
    await app.register(providerImport(runtime, access));
    await app.register(payRoutes(runtime, limiter));
  };
}
