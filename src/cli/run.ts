import { Command } from 'commander';
import { ConfigError } from '../config.ts';
import { isConnectionError } from '../db/client.ts';
import { RefusedError } from '../domain/errors.ts';
import { CommandError } from './session.ts';

/** By their names. Only the one that is asked for is loaded, because all of them take a second. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  operator: async () => (await import('./operators.ts')).operatorCommands(),
  key: async () => (await import('./keys.ts')).keyCommands(),
  organization: async () => (await import('./organizations.ts')).organizationCommands(),
  seller: async () => (await import('./sellers.ts')).sellerCommands(),
  refund: async () => (await import('./refunds.ts')).refundCommands(),
  import: async () => (await import('./import.ts')).importCommand(),
  imports: async () => (await import('./imports.ts')).importsCommands(),
  company: async () => (await import('./companies.ts')).companyCommands(),
  buyer: async () => (await import('./buyers.ts')).buyerCommands(),
  supplier: async () => (await import('./suppliers.ts')).supplierCommands(),
  category: async () => (await import('./categories.ts')).categoryCommands(),
  campaign: async () => (await import('./campaigns.ts')).campaignCommands(),
  ledger: async () => (await import('./ledger.ts')).ledgerCommands(),
  migrate: async () => (await import('./migrate.ts')).migrateCommand(),
};

/**
 * Runs `leadgate <command>` on DATABASE_URL, or on the database of `npm start` in this folder. Failures are printed, and
 * become the exit code of the process.
 */
export async function runCommand(args: readonly string[]): Promise<void> {
  try {
    const program = new Command('leadgate')
      .description(
        'Works on DATABASE_URL, or on the database of `npm start` in this folder (.leadgate/demo.json).',
      )
      .showHelpAfterError();
    // Options of the program itself, and words that are no command, are answered by the list of all of them.
    const word = args[0] ?? '';
    const asked = Object.hasOwn(commands, word) ? commands[word] : undefined;
    for (const load of asked ? [asked] : Object.values(commands)) program.addCommand(await load());
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.stderr.write(`${textOf(error)}\n`);
    process.exitCode = error instanceof CommandError ? error.exitCode : 1;
  }
}

function textOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof ConfigError) return error.message;
  if (error instanceof RefusedError) return sentence(error.message);
  if (isConnectionError(error))
    return 'The database does not respond. Check DATABASE_URL, or whether `npm start` is running.';
  return (error as Error).stack ?? String(error);
}

/** Wordings of the API end without a full stop. */
const sentence = (text: string) => (/[\w)]$/.test(text) ? `${text}.` : text);
