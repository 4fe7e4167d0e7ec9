import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { longestPassword, passwordProblem, passwordWarning } from '../../domain/account/password.ts';
import { accountLinksOf } from '../../usecases/account/links.ts';
import { createPasswords } from '../../usecases/account/passwords.ts';
import {
  askForReset,
  askForVerification,
  type OwnerProof,
  resetPassword,
  verifyAddress,
} from '../../usecases/account/recovery.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { assertGiven, bodyOf, contractProblems, read, refused } from '../http/contract.ts';
import { type Auth, credentialHeaders, findPerson } from './better-auth.ts';
import * as examples from './examples.ts';
import { emailOf } from './register.ts';
import { peerOf } from './sign-in-limits.ts';

type Deps = Pick<Runtime, 'config' | 'db' | 'relay' | 'counters'>;

const token = z.object({ token: z.string().max(200) });
const reset = token.extend({ password: z.string() });
const verification = token.extend({
  password: z.string().max(longestPassword).optional(),
  newPassword: z.string().optional(),
});
const said = z.object({ message: z.string() });
const warned = said.extend({ warnings: z.array(z.string()) });

export const invalidLink = 'Invalid or expired link';
const unproven = () =>
  refused(
    'Password is required',
    'Send the password of this account, or a newPassword. An account that you did not make may be a stranger’s.',
  );

/** What is said of a new password that was accepted; nothing when none was given. */
const warningsOf = (password: string | undefined): string[] => {
  const warning = password === undefined ? null : passwordWarning(password);
  return warning === null ? [] : [warning];
};

/** What a request proves of the account: its new or current password, or else the session that it brings. */
export async function ownerProofOf(
  auth: Auth,
  request: FastifyRequest,
  { password, newPassword }: { password?: string | undefined; newPassword?: string | undefined },
): Promise<OwnerProof | null> {
  if (newPassword !== undefined) {
    const problem = passwordProblem(newPassword);
    if (problem) throw refused('Invalid password', problem);
    return { newPassword };
  }
  if (password !== undefined) return { password };
  const person = await findPerson(auth, credentialHeaders(request));
  return person ? { userId: person.id } : null;
}

/** What people do without their password: reset it, and verify their address. */
export function recoveryRoutes(deps: Deps, auth: Auth): FastifyPluginAsync {
  const { config, db } = deps;
  const links = accountLinksOf(config);
  const passwords = createPasswords(config);
  const spending = { db, links, passwords, counters: deps.counters };
  const schema = (summary: string, body: z.ZodType, answer: z.ZodType) => ({
    schema: {
      summary,
      tags: ['accounts'],
      body,
      response: { 200: answer, ...contractProblems(400, 429, 503) },
    },
  });
  const address = z.object({ email: z.string() }).meta({ examples: [examples.resetAsked] });
  return async (app) => {
    const mailsReset = said.meta({ examples: [examples.resetMailed] });
    const asking = schema('Mail a link that resets the password', address, mailsReset);
    app.post('/api/auth/forgot-password', asking, async (request) => {
      const given = bodyOf(request);
      assertGiven(given, ['email'], 'Email is required');
      await askForReset(deps, { email: emailOf(given.email), ...peerOf(request) });
      return { message: 'If an account with this email exists, a link to reset its password is on its way' };
    });

    const resetting = schema(
      'Set a new password by a link',
      reset.meta({ examples: [examples.newPassword] }),
      warned.meta({ examples: [examples.passwordReset] }),
    );
    app.post('/api/auth/reset-password', resetting, async (request) => {
      const given = bodyOf(request);
      assertGiven(given, ['token', 'password'], 'Token and password are required');
      const { token, password } = read(reset, given);
      const problem = passwordProblem(password);
      if (problem) throw refused('Invalid password', problem);
      if (!(await resetPassword(spending, token, password))) throw refused(invalidLink);
      return { message: 'Password reset successfully', warnings: warningsOf(password) };
    });

    const verifying = schema(
      'Verify an address by a link',
      verification.meta({ examples: [examples.verification] }),
      warned.meta({ examples: [examples.verified] }),
    );
    app.post('/api/auth/verify-email', verifying, async (request) => {
      const given = bodyOf(request);
      assertGiven(given, ['token'], 'Token is required');
      const { token: sent, ...fields } = read(verification, given);
      const proof = await ownerProofOf(auth, request, fields);
      if (!proof) throw unproven();
      const verified = await verifyAddress(spending, sent, proof);
      if (verified === 'unproven') throw unproven();
      if (!verified) throw refused(invalidLink);
      return { message: 'Email verified successfully', warnings: warningsOf(fields.newPassword) };
    });

    const mailsVerification = said.meta({ examples: [examples.verificationMailed] });
    const repeating = schema('Mail the link that verifies an address again', address, mailsVerification);
    app.post('/api/auth/resend-verification', repeating, async (request) => {
      const given = bodyOf(request);
      assertGiven(given, ['email'], 'Email is required');
      await askForVerification(deps, { email: emailOf(given.email), ...peerOf(request) });
      return { message: 'If this email has an account to be verified, a link is on its way' };
    });
  };
}
