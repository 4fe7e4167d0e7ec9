import type { LedgerEntry } from '../../src/sandbox/server.ts';
import type { Machine } from './machine.ts';

/** The vendors' ledger, sorted into messages, captures and refunds. */
export type Ledger = {
  entries: readonly LedgerEntry[];
  /** Texts and mails the vendor accepted. */
  messages: readonly LedgerEntry[];
  captures: readonly { intent: string; unlockId: string | null; amount: number; seq: number }[];
  refunds: readonly { intent: string; amount: number; byUs: boolean }[];
};

/** Throws when the ledger dropped entries, because it would be incomplete. */
export async function readLedger({ vendors }: Machine): Promise<Ledger> {
  const { entries, dropped } = await vendors.ledger('limit=100000');
  if (dropped > 0) throw new Error(`the ledger dropped ${dropped} entries: the run was too large for it`);
  const accepted = entries.filter(({ outcome }) => outcome.startsWith('accepted'));
  const of = (operation: string) => accepted.filter((entry) => entry.operation === operation);
  const unlockOf = new Map(
    of('checkout.session.create').map(({ vendorId, reference }) => [vendorId, reference]),
  );
  return {
    entries,
    messages: accepted.filter(({ operation }) => operation === 'message.create' || operation === 'mail.send'),
    captures: of('payment.capture').map(({ vendorId, params, amount, seq }) => ({
      intent: vendorId ?? '',
      unlockId: unlockOf.get(String(params.session)) ?? null,
      amount: amount ?? 0,
      seq,
    })),
    refunds: [...of('refund.create'), ...of('payment.refund')].map(({ operation, params, amount }) => ({
      intent: String(params.payment_intent),
      amount: amount ?? 0,
      byUs: operation === 'refund.create',
    })),
  };
}
