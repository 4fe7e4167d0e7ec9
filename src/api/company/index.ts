import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { readForms } from '../http/forms.ts';
import { pageErrors } from '../web/error-page.ts';
import { companyRoutes } from './companies-api.ts';
import { dashboardRoutes } from './dashboard.ts';
import { homePages } from './home.ts';
import { importPages } from './imports.ts';
import { companyKeyRoutes } from './keys-api.ts';
import { companyLead } from './lead.ts';
import { live } from './live.ts';
import { retries } from './retries.ts';
import { companySettings } from './settings.ts';
import { createSite, withinCompany } from './site.ts';

/** A column mapping of some hundred columns is a large form. */
const largestForm = 512 * 1024;

/** The API of companies and their keys. */
export function companyApi(runtime: Runtime, access: Access): FastifyPluginAsync {
  return async (app) => {
    await app.register(companyRoutes(runtime, access));
    await app.register(companyKeyRoutes(runtime, access));
  };
}

/** The pages of companies that upload leads for their CRM: operators see every company, members their own. */
export function companyPages(runtime: Runtime, access: Access): FastifyPluginAsync {
  return async (root) => {
    const site = createSite(runtime);
    await root.register(dashboardRoutes(site, access));
    await root.register(async (app) => {
      readForms(app, largestForm);
      app.addHook('onRequest', access.signedIn);
      app.setErrorHandler(pageErrors(runtime));
      homePages(app, site);
      await app.register(async (inner) => {
        withinCompany(inner, site);
        retries(inner, site);
        await inner.register(companyLead(site));
        await inner.register(importPages(site));
        await inner.register(companySettings(site));
        await live(inner, site);
      });
    });
  };
}
