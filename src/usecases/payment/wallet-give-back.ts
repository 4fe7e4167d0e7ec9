import type { Actor } from '../../db/audit.ts';
import { type CommitResult, commitChange } from '../../db/commit.ts';
import { findGivenBack, lockCharges, noteGivenBack, reserve } from '../../db/payment/wallet-reversals.ts';
import { lockWallet } from '../../db/payment/wallets.ts';
import { RefusedError } from '../../domain/errors.ts';
import { allocate } from '../../domain/payment/wallet-reversals.ts';
import { descriptions } from '../../domain/payment/wallet-texts.ts';
import type { Relay } from '../../engine/relay.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db'> & { relay: Pick<Relay, 'commitOptions' | 'publish'> };

/**
 * Takes unspent balance from a wallet, to be refunded to the charges that it came from, the newest first. Returns what is
 * to go back, in cents: less than asked for where the charges do not cover it. The same amount asked for again within
 * seconds, such as by a double click, is answered as the first time. Throws RefusedError when there is nothing to give back.
 */
export async function giveBack(
  { db, relay }: Deps,
  { organizationId, buyerId }: { organizationId: string; buyerId: string },
  amountMinor: number | null,
  actor: Actor,
): Promise<number> {
  const giveBackId = newId();
  const { parts, publish, repeated } = await db.withTx(async (tx) => {
    const charges = await lockCharges(tx, buyerId);
    const wallet = await lockWallet(tx, buyerId);
    const repeated = amountMinor === null ? null : await findGivenBack(tx, buyerId, amountMinor);
    if (repeated !== null) return { parts: [], publish: [], repeated };
    const most = wallet && wallet.disputedMinor === 0 ? Math.max(wallet.balanceMinor, 0) : 0;
    const parts = allocate(Math.min(amountMinor ?? most, most), charges);
    const publish: CommitResult['publish'] = [];
    for (const { charge, amountMinor: amount } of parts) {
      const change = reserve(charge, { amountMinor: amount, description: descriptions.refund });
      const { topUpId, id: paymentId } = charge;
      const result = await commitChange(
        tx,
        {
          ...change,
          events: [
            {
              type: 'wallet.give_back_opened',
              organizationId,
              subject: subjects.top_up(topUpId),
              data: { topUpId, buyerId, paymentId, giveBackId, amount, asked: amountMinor },
            },
          ],
        },
        relay.commitOptions(),
      );
      publish.push(...result.publish);
    }
    if (parts.length > 0) await noteGivenBack(tx, { organizationId, buyerId }, totalOf(parts), actor);
    return { parts, publish, repeated: null };
  });
  if (repeated !== null) return repeated;
  const total = totalOf(parts);
  if (total === 0)
    throw new RefusedError(
      409,
      'nothing_to_refund',
      'There is no unspent balance that can go back. Nothing was changed.',
    );
  relay.publish(publish);
  return total;
}

const totalOf = (parts: readonly { amountMinor: number }[]) =>
  parts.reduce((sum, part) => sum + part.amountMinor, 0);
