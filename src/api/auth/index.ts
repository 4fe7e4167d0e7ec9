import type { FastifyPluginAsync } from 'fastify';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Auth } from './better-auth.ts';
import { setPasswordRoutes } from './set-password.ts';
import { signInRoutes } from './sign-in.ts';

/** Signing in and out, and setting a first password. */
export function authPages(
  runtime: Pick<Runtime, 'config' | 'db' | 'counters'>,
  auth: Auth,
): FastifyPluginAsync {
  return async (app) => {
    await app.register(signInRoutes(runtime, auth));
    await app.register(setPasswordRoutes(runtime, auth));
  };
}
