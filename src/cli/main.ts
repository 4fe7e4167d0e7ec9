#!/usr/bin/env node
import { Command } from 'commander';
import { ConfigError } from '../config.ts';
import { isConnectionError } from '../db/client.ts';
import { RefusedError } from '../domain/errors.ts';
import { buyerCommands } from './buyers.ts';
import { campaignCommands, categoryCommands } from './catalog.ts';
import { companyCommands } from './companies.ts';
import { importCommand } from './import.ts';
import { importsCommands } from './imports.ts';
import { keyCommands } from './keys.ts';
import { ledgerCommands } from './ledger.ts';
import { migrateCommand } from './migrate.ts';
import { operatorCommands } from './operators.ts';
import { organizationCommands } from './organizations.ts';
import { refundCommands } from './refunds.ts';
import { sellerCommands } from './sellers.ts';
import { CommandError } from './session.ts';
import { supplierCommands } from './suppliers.ts';

/** `leadgate <command>`: works on DATABASE_URL, or on the database of `npm start` in this folder. */
async function main(): Promise<void> {
  const program = new Command('leadgate')
    .description(
      'Works on DATABASE_URL, or on the database of `npm start` in this folder (.leadgate/demo.json).',
    )
    .showHelpAfterError()
    .addCommand(operatorCommands())
    .addCommand(keyCommands())
    .addCommand(organizationCommands())
    .addCommand(sellerCommands())
    .addCommand(refundCommands())
    .addCommand(importCommand())
    .addCommand(importsCommands())
    .addCommand(companyCommands())
    .addCommand(buyerCommands())
    .addCommand(supplierCommands())
    .addCommand(categoryCommands())
    .addCommand(campaignCommands())
    .addCommand(ledgerCommands())
    .addCommand(migrateCommand());
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
