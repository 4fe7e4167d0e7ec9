import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { speakContract } from '../http/contract.ts';

/** The marketplace's API (docs/contracts-marketplace.md): a seller's catalog, buyers and suppliers, by session. */
export function marketplaceApi(runtime: Runtime, _access: Access): FastifyPluginAsync {
  return async (app) => {
    speakContract(app, runtime);
  };
}
