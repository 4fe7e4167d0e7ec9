import type { FastifyPluginAsync } from 'fastify';
import type { HashPassword } from '../../usecases/marketplace/buyers.ts';
import { createIngest } from '../../usecases/marketplace/ingest.ts';
import { decisionWatchOf } from '../../usecases/marketplace/ingest-wait.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { speakContract } from '../http/contract.ts';
import { auditRoutes } from './audit.ts';
import { buyerRoutes } from './buyers.ts';
import { campaignRoutes } from './campaigns.ts';
import { cardRoutes } from './cards.ts';
import { categoryRoutes } from './categories.ts';
import { decisionRoutes } from './decisions.ts';
import { ingestRoutes } from './ingest.ts';
import { bulkRoute } from './ingest-bulk.ts';
import { sentLeadsRoute } from './ingest-list.ts';
import { leadFileRoute } from './lead-file.ts';
import { leadRoutes } from './leads.ts';
import { auditPages } from './pages/audit.ts';
import { buyerWalletPages } from './pages/buyer-wallet.ts';
import { buyerPages } from './pages/buyers.ts';
import { campaignStream } from './pages/campaign-standing.ts';
import { campaignPages } from './pages/campaigns.ts';
import { categoryPages } from './pages/categories.ts';
import { leadFilePages } from './pages/lead-file.ts';
import { leadPages } from './pages/leads.ts';
import { profilePages } from './pages/profile.ts';
import { settingsPages } from './pages/settings.ts';
import { createMarketSite, preparePages } from './pages/site.ts';
import { marketHome, subscriptionPages } from './pages/subscriptions.ts';
import { supplierPages } from './pages/suppliers.ts';
import { teamPages } from './pages/team.ts';
import { testLeadPages } from './pages/test-lead.ts';
import { walletPages } from './pages/wallet.ts';
import { partyFiles } from './party-files.ts';
import { sellerRoutes } from './sellers.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { supplierRoutes } from './suppliers.ts';
import { walletRoutes } from './wallet.ts';

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
    const ingest = createIngest(runtime);
    const decisions = decisionWatchOf(runtime.db);
    await app.register(ingestRoutes({ ...runtime, ingest, decisions }, access));
    await app.register(bulkRoute({ ...runtime, ingest }, access));
    await app.register(sentLeadsRoute(runtime, access));
    await app.register(leadFileRoute({ ...runtime, ingest }, access));
    await app.register(leadRoutes(runtime, access));
    await app.register(decisionRoutes(runtime, access));
    await app.register(partyFiles(runtime, access));
    await app.register(walletRoutes(runtime, access));
    await app.register(cardRoutes(runtime, access));
  };
}

/** The pages of sellers and of their buyers. */
export function marketPages(
  runtime: Runtime,
  access: Access,
  { hashPassword }: { hashPassword: HashPassword },
): FastifyPluginAsync {
  return async (app) => {
    const site = createMarketSite(runtime);
    await app.register(async (sellers) => {
      preparePages(sellers, site, access, 'seller');
      categoryPages(sellers, site);
      campaignPages(sellers, site);
      leadPages(sellers, site);
      buyerPages(sellers, site, hashPassword);
      buyerWalletPages(sellers, site);
      supplierPages(sellers, site);
      testLeadPages(sellers, site);
      await leadFilePages(sellers, site);
      await campaignStream(sellers, site);
      auditPages(sellers, site);
      settingsPages(sellers, site);
      teamPages(sellers, site);
    });
    await app.register(async (both) => {
      preparePages(both, site, access, 'seller', 'buyer');
      marketHome(both, site);
    });
    await app.register(async (buyers) => {
      preparePages(buyers, site, access, 'buyer');
      subscriptionPages(buyers, site);
      profilePages(buyers, site);
      walletPages(buyers, site);
    });
  };
}
