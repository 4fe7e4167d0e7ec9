import { Command } from 'commander';
import { commitChange } from '../db/commit.ts';
import { requestRepeat } from '../usecases/payment/refund.ts';
import { say, withSession } from './session.ts';

export function refundCommands(): Command {
  const refund = new Command('refund').description('refunds of payments at Stripe');
  refund
    .command('repeat <refund>')
    .description('make a failed refund again, by its id at Stripe (re_…)')
    .action((id: string) =>
      withSession(async ({ db }) => {
        // The rows wait in the outbox: the workers' sweeper publishes them within a second.
        const relay = {
          commit: (change: Parameters<typeof commitChange>[1]) =>
            commitChange(db, change, { visibilityMs: 0, isFull: () => true }),
        };
        await requestRepeat({ db, relay }, id, null);
        say(`Refund ${id} will be made again. You are alerted if it fails.`);
      }),
    );
  return refund;
}
