import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { findPasswordToken, spendPasswordToken } from '../../db/account/members.ts';
import { passwordProblem, shortestPassword } from '../../domain/account/password.ts';
import { countLinkUse } from '../../usecases/account/links.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { formOf, readForms, sendPage } from '../http/forms.ts';
import { render } from '../web/layout.tsx';
import { MessagePage } from '../web/message-page.tsx';
import { type Auth, webHeaders } from './better-auth.ts';
import { assertSameOrigin, trustedOrigins } from './origin.ts';
import { PasswordPage } from './password-page.tsx';

const tokenShape = /^[A-Za-z0-9_-]{43}$/;

/** The page that an invitation link opens. Viewing it does not use the link up; submitting the form does. */
export function setPasswordRoutes(
  { db, config, counters }: Pick<Runtime, 'db' | 'config' | 'counters'>,
  auth: Auth,
): FastifyPluginAsync {
  return async (app) => {
    const trusted = trustedOrigins(config.publicUrl);
    readForms(app);
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store');
      assertSameOrigin(request, trusted);
    });
    const invited = async (request: FastifyRequest) => {
      const { token } = request.params as { token: string };
      const person = tokenShape.test(token) ? await findPasswordToken(db, token) : null;
      return person ? { token, ...person } : null;
    };
    const expired = async (reply: FastifyReply) =>
      sendPage(
        reply.status(404),
        config,
        await render(
          MessagePage({
            title: 'This link no longer works',
            text: 'It was already used or has expired. Ask the person who sent it for a new one.',
          }),
        ),
      );

    app.get('/set-password/:token', { schema: { hide: true } }, async (request, reply) => {
      const person = await invited(request);
      if (!person) return expired(reply);
      return sendPage(reply, config, await render(PasswordPage({ ...person, shortest: shortestPassword })));
    });

    app.post('/set-password/:token', { schema: { hide: true } }, async (request, reply) => {
      const person = await invited(request);
      if (!person) return expired(reply);
      const { password = '', again = '' } = formOf(request);
      const problem = problemWith(password, again);
      if (problem)
        return sendPage(
          reply.status(400),
          config,
          await render(PasswordPage({ ...person, shortest: shortestPassword, problem })),
        );
      await countLinkUse({ counters }, person.token);
      const hash = await (await auth.$context).password.hash(password);
      const spent = await spendPasswordToken(db, person.token, hash);
      if (!spent) return expired(reply);
      const answer = await openSession(auth, request, { email: spent.email, password });
      const { twoFactorRedirect } = (await answer.json()) as { twoFactorRedirect?: boolean };
      reply.header('set-cookie', answer.headers.getSetCookie());
      return reply.redirect(twoFactorRedirect ? '/login/second-factor' : '/', 303);
    });
  };
}

const problemWith = (password: string, again: string): string | undefined =>
  passwordProblem(password) ?? (password === again ? undefined : 'The two passwords do not match.');

const openSession = (auth: Auth, request: FastifyRequest, body: { email: string; password: string }) =>
  auth.api.signInEmail({ body, headers: webHeaders(request), asResponse: true });
