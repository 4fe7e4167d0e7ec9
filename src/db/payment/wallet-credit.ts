import { sql } from 'drizzle-orm';
import type { WalletTransactionType } from '../../domain/payment/wallet.ts';
import { walletAccount } from '../../domain/payment/wallet-accounts.ts';
import { creditOf } from '../../domain/payment/wallet-texts.ts';
import { newId } from '../../events/new-id.ts';
import { subjects } from '../../events/subjects.ts';
import type { Change, Part } from '../commit.ts';
import { wakeCampaignsOf } from '../marketplace/pending.ts';
import { journalOf } from './ledger.ts';
import type { TopUp } from './wallet-top-ups.ts';

export type Captured = { paymentIntent: string; sessionId: string | null; amountMinor: number };

/**
 * Credits a wallet with a captured charge: payment, balance, transaction, journal and event in one statement. Its guard
 * matches no row when the charge is booked already, by whichever of answer, event and reconciliation came first.
 */
export function creditWallet(topUp: TopUp, captured: Captured, changed: boolean): Change {
  const { id: topUpId, organizationId, buyerId, currency, kind } = topUp;
  const { paymentIntent, sessionId, amountMinor } = captured;
  const paymentId = newId();
  const { type, description } = creditOf(kind);
  const draft = { organizationId, subject: subjects.top_up(topUpId) };
  return {
    guard: (
      held,
    ) => sql`INSERT INTO payments (id, organization_id, purpose, subject_id, payment_intent, session_id, amount_minor, currency, kept)
      SELECT ${paymentId}::uuid, ${organizationId}::uuid, 'top_up', ${topUpId}::uuid, ${paymentIntent}::text, ${sessionId}::text,
        ${amountMinor}::integer, ${currency}::text, true WHERE ${held} ON CONFLICT DO NOTHING RETURNING id`,
    writes: [
      ...changeBalance({ organizationId, buyerId, amountMinor, type, description, paymentIntent }),
      {
        name: 'paid',
        statement: (
          when,
        ) => sql`UPDATE top_ups SET state = 'paid', payment_intent = ${paymentIntent}::text, next_attempt_at = NULL,
            ended_at = coalesce(ended_at, now()), updated_at = now()
          WHERE id = ${topUpId}::uuid AND (SELECT count(*) FROM balance) >= 0 AND ${when}`,
      },
      ...journalOf(organizationId, {
        key: `top-up-${paymentId}`,
        currency,
        entries: [
          { account: 'stripe', amountMinor },
          { account: walletAccount(buyerId), amountMinor: -amountMinor },
        ],
      }),
    ],
    events: [
      { type: 'wallet.credited', ...draft, data: { topUpId, buyerId } },
      // A report of a refund or dispute may have come and gone before this booking.
      ...(changed ? [{ type: 'payment.changed' as const, ...draft, data: { paymentIntent } }] : []),
    ],
  };
}

type BalanceChange = {
  organizationId: string;
  buyerId: string;
  /** Negative for what is taken. */
  amountMinor: number;
  /** How much more banks claim of its charges. */
  claimDelta?: number;
  type: WalletTransactionType;
  description: string;
  paymentIntent: string;
};

/**
 * Changes a balance by what came from a charge or went back to it, with its transaction. What is missing of it becomes
 * debt, which the next credits pay first. Part `balance` returns the wallet's row. Leads that wait for the money are woken.
 */
export function changeBalance(change: BalanceChange): Part[] {
  const { amountMinor, claimDelta = 0 } = change;
  if (amountMinor === 0 && claimDelta === 0) return [];
  return [
    {
      name: 'balance',
      statement: (when) => sql`UPDATE wallets SET balance_minor = balance_minor + ${amountMinor}::bigint,
          debt_minor = greatest(-(balance_minor + ${amountMinor}::bigint), 0),
          disputed_minor = greatest(disputed_minor + ${claimDelta}::bigint, 0), updated_at = now()
        WHERE buyer_id = ${change.buyerId}::uuid AND ${when} RETURNING buyer_id, balance_minor`,
    },
    {
      name: 'transaction',
      statement: (
        when,
      ) => sql`INSERT INTO wallet_transactions (id, organization_id, buyer_id, type, amount_minor, balance_before_minor,
          balance_after_minor, description, payment_intent, created_at)
        SELECT ${newId()}::uuid, ${change.organizationId}::uuid, b.buyer_id, ${change.type}::text, ${amountMinor}::bigint,
          b.balance_minor - ${amountMinor}::bigint, b.balance_minor, ${change.description}::text, ${change.paymentIntent}::text, clock_timestamp()
        FROM balance b WHERE ${amountMinor}::bigint <> 0 AND ${when}`,
    },
    ...(amountMinor > 0 || claimDelta < 0 ? wakeCampaignsOf(change.buyerId, { after: 'balance' }) : []),
  ];
}
