import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { speakContract } from '../http/contract.ts';
import { auditRoutes } from './audit.ts';
import { campaignRoutes } from './campaigns.ts';
import { categoryRoutes } from './categories.ts';
import { subscriptionRoutes } from './subscriptions.ts';

/** The marketplace's API (docs/contracts-marketplace.md): a seller's catalog, buyers and suppliers, by session. */
export function marketplaceApi(runtime: Runtime, access: Access): FastifyPluginAsync {
  return async (app) => {
    speakContract(app, runtime);
    await app.register(categoryRoutes(runtime, access));
    await app.register(campaignRoutes(runtime, access));
    await app.register(subscriptionRoutes(runtime, access));
    await app.register(auditRoutes(runtime, access));
  };
}
