import type { FastifyPluginAsync } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { formOf } from '../http/forms.ts';
import { addressOf, type Limiter } from '../http/limits.ts';
import { type Auth, webHeaders } from './better-auth.ts';
import { entryPages, hidden, refusalIn } from './entry.ts';
import { readWanted, type Wanted } from './google-registration.ts';
import type { Registering } from './register.ts';
import { BuyerRegistrationPage, SellerRegistrationPage } from './register-page.tsx';

type Deps = Pick<Runtime, 'config' | 'log'>;

/** Where Google's sign-in begins, and the cookie that binds it to this browser. */
export async function beginGoogle(
  auth: Auth,
  headers: Headers,
  { wanted, landing, refused }: { wanted: Wanted | null; landing: string; refused: string },
): Promise<{ url: string; cookies: string[] }> {
  const answer = await auth.api.signInSocial({
    body: {
      provider: 'google',
      callbackURL: landing,
      errorCallbackURL: refused,
      ...(wanted ? { additionalData: { wanted } } : {}),
    },
    headers,
    asResponse: true,
  });
  const { url } = (await answer.json()) as { url: string };
  return { url, cookies: answer.headers.getSetCookie() };
}

/** The button of the pages that sign in and register. A role in the form asks for an account, should there be none. */
export function googleRoutes(
  deps: Deps,
  { auth, registering, limiter }: { auth: Auth; registering: Registering; limiter: Limiter },
): FastifyPluginAsync {
  const { config } = deps;
  return async (app) => {
    const show = entryPages(app, deps);
    app.post('/login/google', hidden, async (request, reply) => {
      if (!config.google) throw new RefusedError(404, 'not_found', 'Signing in with Google is not set up.');
      const given = formOf(request);
      let wanted: Wanted | null;
      try {
        if (given.role) await limiter.take('registration', addressOf(request), reply);
        wanted = await readWanted({ registering, config }, request, given);
      } catch (error) {
        const { status, problem } = refusalIn(error, reply);
        const shown = {
          typed: { ...given, inviteCode: given.code ?? given.inviteCode },
          problem,
          google: true,
        };
        const page =
          given.role === 'SELLER'
            ? SellerRegistrationPage(shown)
            : BuyerRegistrationPage({ ...shown, seller: null });
        return show(reply, page, status);
      }
      const { url, cookies } = await beginGoogle(auth, webHeaders(request), {
        wanted,
        landing: '/',
        refused: formOfWanted(wanted),
      });
      return reply.header('set-cookie', cookies).redirect(url, 303);
    });
  };
}

/** The page that a person comes from, with the invite code that was typed there. */
function formOfWanted(wanted: Wanted | null): string {
  if (!wanted) return '/login';
  return wanted.inviteCode === null ? '/register' : `/register/buyer?code=${wanted.inviteCode}`;
}
