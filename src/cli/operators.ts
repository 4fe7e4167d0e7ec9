import { Command } from 'commander';
import { z } from 'zod';
import { listOperators, removeOperator } from '../db/account/members.ts';
import type { Database } from '../db/client.ts';
import { passwordProblem } from '../domain/account/password.ts';
import { RefusedError } from '../domain/errors.ts';
import { readPassword } from './password.ts';
import { CommandError, say, withSession } from './session.ts';

export function operatorCommands(): Command {
  const operator = new Command('operator').description('people who sign in to the console');
  operator
    .command('create')
    .description('create an operator, or give an existing account the role and a new password')
    .requiredOption('--email <email>')
    .option('--name <name>', 'as shown in the console')
    .addHelpText(
      'after',
      '\nThe password is prompted for or read from standard input; it is never an argument or a variable.',
    )
    .action(async (options: { email: string; name?: string }) => {
      const email = z.email().safeParse(options.email.trim().toLowerCase());
      if (!email.success) throw new CommandError(`${options.email} is not an e-mail address.`);
      const password = await readPassword();
      const problem = passwordProblem(password);
      if (problem) throw new CommandError(problem);
      const { ensureOperator } = await import('../api/auth/better-auth.ts');
      await withSession(async (session) => {
        const name = options.name ?? email.data.split('@')[0] ?? 'Operator';
        const { created } = await ensureOperator(session, { email: email.data, password, name });
        say(
          created
            ? `${email.data} can sign in now.`
            : `${email.data} is an operator and can sign in with this password.`,
        );
      });
    });
  operator
    .command('remove <email>')
    .description('end an operator’s access: role, sessions, password, memberships, invitations and keys')
    .action((email: string) => withSession(({ db }) => remove(db, email)));
  operator
    .command('list')
    .description('list the operators')
    .action(() =>
      withSession(async ({ db }) => {
        for (const { email, name, lastSignIn } of await listOperators(db))
          say(
            [email, name, lastSignIn ? `signed in ${lastSignIn.toISOString()}` : 'not signed in'].join('  '),
          );
      }),
    );
  return operator;
}

async function remove(db: Database, email: string): Promise<void> {
  const removed = await removeOperator(db, email).catch((error: unknown) => {
    throw error instanceof RefusedError ? new CommandError(error.message) : error;
  });
  if (!removed) throw new CommandError(`There is no operator ${email}. See: leadgate operator list`);
  say(`${email} is no operator any more. Sessions ended: ${removed.sessions}.`);
  for (const { name, prefix } of removed.keys) say(`The key ${prefix}… (${name}) is revoked.`);
  say('Keys made on the command line belong to no person. Revoke those this person knows: leadgate key list');
}
