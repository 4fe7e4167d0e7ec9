import type { FastifyPluginAsync } from 'fastify';
import type { HashPassword } from '../../usecases/marketplace/buyers.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { speakContract } from '../http/contract.ts';
import { auditRoutes } from './audit.ts';
import { buyerRoutes } from './buyers.ts';
import { campaignRoutes } from './campaigns.ts';
import { categoryRoutes } from './categories.ts';
import { leadRoutes } from './leads.ts';
import { buyerPages } from './pages/buyers.ts';
import { settingsPages } from './pages/settings.ts';
import { createMarketSite, sellersPages } from './pages/site.ts';
import { supplierPages } from './pages/suppliers.ts';
import { teamPages } from './pages/team.ts';
import { partyFiles } from './party-files.ts';
import { sellerRoutes } from './sellers.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { supplierRoutes } from './suppliers.ts';

/** The marketplace's API (docs/contracts-marketplace.md): a seller's catalog, buyers and suppliers, by session. */
export function marketplaceApi(
  runtime: Runtime,
  access: Access,
  { hashPassword }: { hashPassword: HashPassword },
): FastifyPluginAsync {
  return async (app) => {
    speakContract(app, runtime);
    await app.register(categoryRoutes(runtime, access));
    await app.register(campaignRoutes(runtime, access));
    await app.register(subscriptionRoutes(runtime, access));
    await app.register(auditRoutes(runtime, access));
    await app.register(buyerRoutes({ ...runtime, hashPassword }, access));
    await app.register(supplierRoutes(runtime, access));
    await app.register(sellerRoutes(runtime, access));
    await app.register(leadRoutes(runtime, access));
    await app.register(partyFiles(runtime, access));
  };
}

/** The pages of sellers. */
export function marketPages(
  runtime: Runtime,
  access: Access,
  { hashPassword }: { hashPassword: HashPassword },
): FastifyPluginAsync {
  return async (app) => {
    const site = createMarketSite(runtime);
    sellersPages(app, site, access);
    buyerPages(app, site, hashPassword);
    supplierPages(app, site);
    settingsPages(app, site);
    teamPages(app, site);
  };
}
