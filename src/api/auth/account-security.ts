import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { forgetSecondFactor } from '../../db/account/sessions.ts';
import { RefusedError } from '../../domain/errors.ts';
import { formOf } from '../http/forms.ts';
import type { AccountView } from './account-page.tsx';
import { webHeaders } from './better-auth.ts';
import { personOf } from './caller.ts';
import type { SignIn } from './password-sign-in.ts';
import { giveCode } from './second-factor.ts';
import { peerOf } from './sign-in-limits.ts';

const hidden = { schema: { hide: true } };

export type Show = (
  request: FastifyRequest,
  reply: FastifyReply,
  over?: Omit<Partial<AccountView>, 'secondFactor'> & {
    secondFactor?: Partial<AccountView['secondFactor']>;
  },
) => Promise<FastifyReply>;

/** The forms of the second factor. What they show once is in the answer to the form, which no browser keeps. */
export function secondFactorForms(app: FastifyInstance, signing: SignIn, show: Show): void {
  const { auth } = signing;
  // Where a browser is after a form: reloading it leads to the page.
  for (const path of ['', '/confirm', '/codes', '/off'])
    app.get(`/account/second-factor${path}`, hidden, async (_request, reply) =>
      reply.redirect('/account#second-factor', 303),
    );

  app.post('/account/second-factor', hidden, async (request, reply) => {
    const answer = await proved(signing, request, (password) =>
      auth.api.enableTwoFactor({
        body: { method: 'totp', password },
        headers: webHeaders(request),
        asResponse: true,
      }),
    );
    if (answer.problem !== null)
      return show(request, reply.status(answer.status), refusedAt('enable', answer));
    const { totpURI, backupCodes } = answer.body as { totpURI: string; backupCodes: string[] };
    return show(request, reply, { secondFactor: { state: 'confirming', uri: totpURI, codes: backupCodes } });
  });

  app.post('/account/second-factor/confirm', hidden, async (request, reply) => {
    const { code = '' } = formOf(request);
    const wrong = (status: number, problem: string) =>
      show(request, reply.status(status), {
        errors: { code: problem },
        secondFactor: { state: 'confirming' },
      });
    try {
      const { ok, answer } = await giveCode(signing, request, {
        headers: webHeaders(request),
        code,
        kind: 'totp',
      });
      if (!ok) return wrong(400, 'This code is wrong. Enter the one that your app shows now.');
      reply.header('set-cookie', answer.headers.getSetCookie());
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return wrong(error.status, error.message);
    }
    return reply.redirect('/account?done=second-factor', 303);
  });

  app.post('/account/second-factor/codes', hidden, async (request, reply) => {
    const answer = await proved(signing, request, (password) =>
      auth.api.generateBackupCodes({ body: { password }, headers: webHeaders(request), asResponse: true }),
    );
    if (answer.problem !== null)
      return show(request, reply.status(answer.status), refusedAt('codes', answer));
    return show(request, reply, {
      secondFactor: { codes: (answer.body as { backupCodes: string[] }).backupCodes },
    });
  });

  app.post('/account/second-factor/off', hidden, async (request, reply) => {
    const answer = await proved(signing, request, (password) =>
      auth.api.disableTwoFactor({ body: { password }, headers: webHeaders(request), asResponse: true }),
    );
    if (answer.problem !== null) return show(request, reply.status(answer.status), refusedAt('off', answer));
    await forgetSecondFactor(signing.db, personOf(request).id);
    return reply.header('set-cookie', answer.cookies).redirect('/account?done=second-factor-off', 303);
  });
}

type Proved =
  | { problem: null; body: unknown; cookies: string[] }
  | { problem: string; status: number; isPassword: boolean };

/** Guesses of the password count as attempts to sign in. */
async function proved(
  { limits }: SignIn,
  request: FastifyRequest,
  ask: (password: string) => Promise<Response>,
): Promise<Proved> {
  const attempt = { email: personOf(request).email, ...peerOf(request), browser: null };
  try {
    await limits.begin(attempt);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { problem: error.message, status: error.status, isPassword: false };
  }
  const answer = await ask((formOf(request).password ?? '').slice(0, 128));
  if (answer.ok) {
    await limits.succeeded(attempt);
    return { problem: null, body: await answer.json(), cookies: answer.headers.getSetCookie() };
  }
  const { code } = (await answer.json()) as { code?: string };
  const isPassword = code === 'INVALID_PASSWORD';
  const problem = isPassword
    ? 'This is not your password. Nothing was changed.'
    : 'This is not possible now. Reload the page and try again.';
  return { problem, status: 400, isPassword };
}

/** The error of a form, at its password or above it. */
const refusedAt = (form: string, { problem, isPassword }: Extract<Proved, { problem: string }>) => ({
  errors: { [isPassword ? `${form}-password` : form]: problem },
});
