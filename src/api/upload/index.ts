import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { importRoutes } from './imports.ts';
import { jobRoutes } from './jobs.ts';
import { leadRoutes } from './leads.ts';
import { leadsCsvRoute } from './leads-csv.ts';

/** Leads that a company uploads for its own CRM: as JSON, as CSV, and as an import in steps. */
export function uploadRoutes(runtime: Runtime, access: Access): FastifyPluginAsync {
  return async (app) => {
    await app.register(leadRoutes(runtime, access));
    await app.register(leadsCsvRoute(runtime, access));
    await app.register(importRoutes(runtime, access));
    await app.register(jobRoutes(runtime, access));
  };
}
