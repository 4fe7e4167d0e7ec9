import { Command } from 'commander';
import { z } from 'zod';
import { ensureOperator, shortestPassword } from '../api/auth/better-auth.ts';
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
      if (password.length < shortestPassword || password.length > 128) {
        throw new CommandError(`A password must have ${shortestPassword} to 128 characters.`);
      }
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
  return operator;
}
