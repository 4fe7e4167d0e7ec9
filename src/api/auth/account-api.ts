import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import { speakContract } from '../http/contract.ts';
import type { Limiter } from '../http/limits.ts';
import type { Access } from './access.ts';
import type { Auth } from './better-auth.ts';
import { recoveryRoutes } from './recovery.ts';
import { type Registering, registerRoutes } from './register.ts';
import { teamRoutes } from './team.ts';

/** Accounts by API: registering, resetting a password, verifying an address, the people of an organization. */
export function accountApi(
  runtime: Runtime,
  {
    auth,
    access,
    registering,
    limiter,
  }: { auth: Auth; access: Access; registering: Registering; limiter: Limiter },
): FastifyPluginAsync {
  return async (app) => {
    speakContract(app, runtime);
    await app.register(registerRoutes(runtime, registering, limiter));
    await app.register(recoveryRoutes(runtime, auth));
    await app.register(teamRoutes(runtime, access));
  };
}
