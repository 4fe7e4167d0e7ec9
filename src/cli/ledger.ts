import { Command } from 'commander';
import { checkLedger } from '../usecases/payment/wallet-check.ts';
import { CommandError, say, withSession } from './session.ts';

export function ledgerCommands(): Command {
  const ledger = new Command('ledger').description('the double-entry books');
  ledger
    .command('check')
    .description('compare wallets with their entries, sales with their debits and charges with their credits')
    .option('--stripe', 'compare the charges of the last day with Stripe’s list, too')
    .action(({ stripe = false }: { stripe?: boolean }) =>
      withSession(async ({ config, db }) => {
        const payments = stripe
          ? (await import('../adapters/stripe.ts')).createStripeGateway(config.stripe)
          : null;
        try {
          const found = await checkLedger(db.reader, payments && { payments, now: new Date() });
          for (const { rule, subject, detail } of found) say(`${rule}\t${subject}\t${detail}`);
          if (found.length > 0)
            throw new CommandError(`The ledger does not agree in ${found.length} places.`, 2);
          say('The ledger agrees.');
        } finally {
          payments?.close();
        }
      }),
    );
  return ledger;
}
