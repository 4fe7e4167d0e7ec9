import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Limiter } from '../http/limits.ts';
import type { Access } from './access.ts';
import { accountRoutes } from './account.ts';
import type { Auth } from './better-auth.ts';
import { entryRoutes } from './entry.ts';
import { googleRoutes } from './google-sign-in.ts';
import { invitationRoutes } from './invitation.ts';
import { nextAuthRoutes } from './next-auth.ts';
import type { Registering } from './register.ts';
import { sessionsApi } from './sessions-api.ts';
import { setPasswordRoutes } from './set-password.ts';
import { signInRoutes } from './sign-in.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'relay' | 'counters' | 'log'>;

/** What programs sign in with and ask about their sessions. */
export function authApi(
  runtime: Pick<Runtime, 'config' | 'db' | 'counters' | 'log'>,
  auth: Auth,
  { access, registering, limiter }: { access: Access; registering: Registering; limiter: Limiter },
): FastifyPluginAsync {
  return async (app) => {
    await app.register(nextAuthRoutes(runtime, auth, { registering, limiter }));
    await app.register(sessionsApi(runtime, access));
  };
}

/** Signing in and out, registering, links by mail, setting a first password, and the page of one's account. */
export function authPages(
  runtime: Deps,
  {
    auth,
    access,
    registering,
    limiter,
  }: { auth: Auth; access: Access; registering: Registering; limiter: Limiter },
): FastifyPluginAsync {
  return async (app) => {
    await app.register(signInRoutes(runtime, auth));
    await app.register(googleRoutes(runtime, { auth, registering, limiter }));
    await app.register(setPasswordRoutes(runtime, auth));
    await app.register(entryRoutes(runtime, { auth, registering, limiter }));
    await app.register(invitationRoutes(runtime, auth));
    await app.register(accountRoutes(runtime, auth, access));
  };
}
