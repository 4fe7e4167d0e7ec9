import { Command } from 'commander';
import { requestRepeat } from '../usecases/payment/refund.ts';
import { createOutboxRelay } from './outbox-relay.ts';
import { say, withSession } from './session.ts';

export function refundCommands(): Command {
  const refund = new Command('refund').description('refunds of payments at Stripe');
  refund
    .command('repeat <refund>')
    .description('make a failed refund again, by its id at Stripe (re_…)')
    .action((id: string) =>
      withSession(async ({ db }) => {
        await requestRepeat({ db, relay: createOutboxRelay({ db }) }, id, null);
        say(`Refund ${id} will be made again. You are alerted if it fails.`);
      }),
    );
  return refund;
}
