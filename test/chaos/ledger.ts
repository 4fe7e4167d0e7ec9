import type { LedgerEntry } from '../../src/sandbox/server.ts';
import type { Machine } from './machine.ts';

/** The vendors' ledger, sorted into messages and movements of money. */
export type Ledger = {
  entries: readonly LedgerEntry[];
  /** Texts and mails the vendor accepted. */
  messages: readonly LedgerEntry[];
  captures: readonly {
    intent: string;
    unlockId: string | null;
    /** Whose saved card or page was charged; null for the pay page of an unlock. */
    customer: string | null;
    amount: number;
    seq: number;
  }[];
  refunds: readonly { intent: string; amount: number; byUs: boolean }[];
  /** Refunds that failed or were canceled, at once or later: their amounts came back. */
  returned: readonly Movement[];
  withdrawn: readonly Movement[];
  reinstated: readonly Movement[];
};

type Movement = { intent: string; amount: number };

/** Throws when the ledger dropped entries, because it would be incomplete. */
export async function readLedger({ vendors }: Machine): Promise<Ledger> {
  const { entries, dropped } = await vendors.ledger('limit=100000');
  if (dropped > 0) throw new Error(`the ledger dropped ${dropped} entries: the run was too large for it`);
  const accepted = entries.filter(({ outcome }) => outcome.startsWith('accepted'));
  const of = (operation: string) => accepted.filter((entry) => entry.operation === operation);
  const movements = (operation: string): Movement[] =>
    of(operation).map(({ reference, amount }) => ({ intent: reference ?? '', amount: amount ?? 0 }));
  const unlockOf = new Map(
    of('checkout.session.create').map(({ vendorId, reference }) => [vendorId, reference]),
  );
  return {
    entries,
    messages: accepted.filter(({ operation }) => operation === 'message.create' || operation === 'mail.send'),
    captures: of('payment.capture').map(({ vendorId, reference, params, amount, seq }) => ({
      intent: vendorId ?? '',
      unlockId: unlockOf.get(String(params.session)) ?? null,
      customer: reference,
      amount: amount ?? 0,
      seq,
    })),
    refunds: [...of('refund.create'), ...of('payment.refund')].map(({ operation, params, amount }) => ({
      intent: String(params.payment_intent),
      amount: amount ?? 0,
      byUs: operation === 'refund.create',
    })),
    returned: movements('refund.returned'),
    withdrawn: movements('dispute.withdrawn'),
    reinstated: movements('dispute.reinstated'),
  };
}
