#!/usr/bin/env node
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
  category: async () => (await import('./catalog.ts')).categoryCommands(),
  campaign: async () => (await import('./catalog.ts')).campaignCommands(),
  ledger: async () => (await import('./ledger.ts')).ledgerCommands(),
  migrate: async () => (await import('./migrate.ts')).migrateCommand(),
};

/** `leadgate <command>`: works on DATABASE_URL, or on the database of `npm start` in this folder. */
async function main(): Promise<void> {
  const program = new Command('leadgate')
    .description(
      'Works on DATABASE_URL, or on the database of `npm start` in this folder (.leadgate/demo.json).',
    )
    .showHelpAfterError();
  // Options of the program itself, and words that are no command, are answered by the list of all of them.
  const word = process.argv[2] ?? '';
  const asked = Object.hasOwn(commands, word) ? commands[word] : undefined;
  for (const load of asked ? [asked] : Object.values(commands)) program.addCommand(await load());
  await program.parseAsync();
}

main().catch((error: unknown) => {
  const plain =
    error instanceof CommandError || error instanceof ConfigError || error instanceof RefusedError;
  const text = plain
    ? (error as Error).message
    : isConnectionError(error)
      ? 'The database does not respond. Check DATABASE_URL, or whether `npm start` is running.'
      : ((error as Error).stack ?? String(error));
  process.stderr.write(`${text}\n`);
  process.exitCode = error instanceof CommandError ? error.exitCode : 1;
});
