import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { findPasswordToken, spendPasswordToken } from '../../db/account/members.ts';
import { formOf, type SiteRuntime } from '../company/site.ts';
import { readForms, sendPage } from '../http/forms.ts';
import { render } from '../web/layout.tsx';
import { type Auth, createAuth, shortestPassword } from './better-auth.ts';
import { MessagePage } from './login-page.tsx';
import { webHeaders } from './operator.ts';
import { assertSameOrigin, trustedOrigins } from './origin.ts';
import { PasswordPage } from './password-page.tsx';

const tokenShape = /^[A-Za-z0-9_-]{43}$/;
const longestPassword = 128;

/** Where a link leads that an operator handed on. Looking spends nothing; the form works once. */
export function setPasswordRoutes(runtime: SiteRuntime): FastifyPluginAsync {
  const { db, config } = runtime;
  return async (app) => {
    const auth = createAuth(runtime);
    const trusted = trustedOrigins(config.publicUrl);
    readForms(app);
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store');
      assertSameOrigin(request, trusted);
    });
    const personBehind = async (request: FastifyRequest) => {
      const { token } = request.params as { token: string };
      const person = tokenShape.test(token) ? await findPasswordToken(db, token) : null;
      return person ? { token, ...person } : null;
    };
    const gone = async (reply: FastifyReply) =>
      sendPage(
        reply.status(404),
        config,
        await render(
          MessagePage({
            status: 404,
            title: 'This link does not work any more',
            text: 'It was used already, or is too old. Ask whoever sent it for a new one.',
          }),
        ),
      );

    app.get('/set-password/:token', { schema: { hide: true } }, async (request, reply) => {
      const person = await personBehind(request);
      if (!person) return gone(reply);
      return sendPage(reply, config, await render(PasswordPage({ ...person, shortest: shortestPassword })));
    });

    app.post('/set-password/:token', { schema: { hide: true } }, async (request, reply) => {
      const person = await personBehind(request);
      if (!person) return gone(reply);
      const { password = '', again = '' } = formOf(request);
      const problem = problemWith(password, again);
      if (problem)
        return sendPage(
          reply.status(400),
          config,
          await render(PasswordPage({ ...person, shortest: shortestPassword, problem })),
        );
      const hash = await (await auth.$context).password.hash(password);
      const spent = await spendPasswordToken(db, person.token, hash);
      if (!spent) return gone(reply);
      const cookies = await session(auth, request, { email: spent.email, password });
      return reply.header('set-cookie', cookies).redirect('/', 303);
    });
  };
}

function problemWith(password: string, again: string): string | undefined {
  if (password.length < shortestPassword)
    return `The password needs at least ${shortestPassword} characters.`;
  if (password.length > longestPassword) return `The password may have ${longestPassword} characters.`;
  return password === again ? undefined : 'The two are not the same.';
}

async function session(auth: Auth, request: FastifyRequest, body: { email: string; password: string }) {
  const answer = await auth.api.signInEmail({ body, headers: webHeaders(request), asResponse: true });
  return answer.headers.getSetCookie();
}
