import { type Balances, balancesOf, type Dispute, disputeKind, type Sums } from './reversals.ts';

/** The money of one charge of a wallet. Amounts in cents. */
export type ChargeMoney = Sums & {
  amountMinor: number;
  /** Taken from the wallet to be refunded, and not refunded yet. */
  reservedMinor: number;
};

const back = ({ refundedMinor, refundingMinor }: Sums) => refundedMinor + refundingMinor;

/**
 * The charge after its refunds and disputes have become `sums`. A refund uses up what was reserved for one first: that has
 * left the wallet already.
 */
export function afterReversals(before: ChargeMoney, sums: Sums): ChargeMoney {
  const used = Math.min(Math.max(back(sums) - back(before), 0), before.reservedMinor);
  return { ...sums, amountMinor: before.amountMinor, reservedMinor: before.reservedMinor - used };
}

/** What a charge has in each account; `sales` stands for the wallet, whose money it is. */
export function chargeBalances(charge: ChargeMoney): Balances {
  const balances = balancesOf({ ...charge, kept: true });
  const { reservedMinor } = charge;
  return {
    ...balances,
    sales: balances.sales + reservedMinor,
    refunds_due: reservedMinor === 0 ? 0 : -reservedMinor,
  };
}

/** How the balance of the wallet changes from one state of a charge to another. */
export const walletDelta = (from: ChargeMoney, to: ChargeMoney): number =>
  chargeBalances(from).sales - chargeBalances(to).sales;

/** What banks claim at present: spending waits until it is decided. */
export function openClaim(amountMinor: number, disputes: readonly Dispute[]): number {
  const claims = disputes.filter((dispute) => disputeKind(dispute) === 'open');
  return Math.min(
    amountMinor,
    claims.reduce((sum, dispute) => sum + dispute.amountMinor, 0),
  );
}

/** What of a charge can go back to its card. */
export const givable = ({
  amountMinor,
  refundedMinor,
  refundingMinor,
  disputedMinor,
  reservedMinor,
}: ChargeMoney): number =>
  Math.max(amountMinor - refundedMinor - refundingMinor - disputedMinor - reservedMinor, 0);

/** Divides an amount among charges, given the newest first. What exceeds them is left out. */
export function allocate<C extends ChargeMoney>(
  amountMinor: number,
  charges: readonly C[],
): { charge: C; amountMinor: number }[] {
  let left = amountMinor;
  const parts: { charge: C; amountMinor: number }[] = [];
  for (const charge of charges) {
    const part = Math.min(left, givable(charge));
    if (part <= 0) continue;
    parts.push({ charge, amountMinor: part });
    left -= part;
  }
  return parts;
}
