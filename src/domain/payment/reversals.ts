/** What Stripe says of the money of one payment that went back, or may: its refunds and disputes, each with its own id. */
export type Reversals = { refunds: readonly Refund[]; disputes: readonly Dispute[] };

/**
 * States of a refund at Stripe. The money leaves our balance when the refund is made and comes back when it ends as
 * `failed` or `canceled`, which may be weeks after `succeeded` (docs.stripe.com/refunds#failed-refunds).
 */
export const refundStatuses = ['pending', 'requires_action', 'succeeded', 'failed', 'canceled'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

export type Refund = {
  id: string;
  amountMinor: number;
  status: RefundStatus;
  /** Stripe's word for why it failed. Null unless it did. */
  failure: string | null;
};

/**
 * `inquiry`: the bank asks, and no money has moved. `open`: the bank claims the money. `won` and `lost`: it has decided.
 * A dispute that was won may be opened again.
 */
export const disputeKinds = ['inquiry', 'open', 'won', 'lost'] as const;
export type DisputeKind = (typeof disputeKinds)[number];

export type Dispute = {
  id: string;
  amountMinor: number;
  /** What Stripe took from our balance for it and has not given back. Stripe's fee is not part of it. */
  withdrawnMinor: number;
  /** Stripe's own word. */
  status: string;
  reason: string;
};

/** A refund that ended without returning the money. */
export const hasFailed = (status: RefundStatus): boolean => status === 'failed' || status === 'canceled';

/** A refund whose money has left our balance, and which the bank may still refuse. */
export const isUnderWay = (status: RefundStatus): boolean =>
  status === 'pending' || status === 'requires_action';

const kinds: Readonly<Record<string, DisputeKind>> = {
  needs_response: 'open',
  under_review: 'open',
  appeal_needs_response: 'open',
  appeal_under_review: 'open',
  won: 'won',
  lost: 'lost',
};

/** Any other status, `warning_…` and `prevented` among them, is judged by whether money was withdrawn. */
export function disputeKind({
  status,
  withdrawnMinor,
}: Pick<Dispute, 'status' | 'withdrawnMinor'>): DisputeKind {
  return kinds[status] ?? (withdrawnMinor > 0 ? 'open' : 'inquiry');
}

/** An inquiry that ended without becoming a dispute. */
export const isClosedInquiry = (dispute: Dispute): boolean =>
  disputeKind(dispute) === 'inquiry' && ['warning_closed', 'prevented'].includes(dispute.status);

/** The sums of a payment's reversals, in minor units. */
export type Sums = {
  /** Of refunds that succeeded. */
  refundedMinor: number;
  /** Of refunds that are on their way: the bank may still refuse them. */
  refundingMinor: number;
  /** What the bank claims, or has got for good. */
  disputedMinor: number;
  /** What Stripe took from our balance for disputes. */
  withdrawnMinor: number;
};

export const noSums: Sums = { refundedMinor: 0, refundingMinor: 0, disputedMinor: 0, withdrawnMinor: 0 };

/** Never more than the payment's amount each: exchange rates can make a dispute larger than its charge. */
export function sumsOf(amountMinor: number, { refunds, disputes }: Reversals): Sums {
  const total = (amounts: readonly number[], most: number) =>
    Math.min(
      most,
      amounts.reduce((sum, amount) => sum + amount, 0),
    );
  const refundsIn = (statuses: readonly RefundStatus[]) =>
    refunds.filter(({ status }) => statuses.includes(status)).map((refund) => refund.amountMinor);
  const refundedMinor = total(refundsIn(['succeeded']), amountMinor);
  const claimed = disputes.filter((dispute) => ['open', 'lost'].includes(disputeKind(dispute)));
  return {
    refundedMinor,
    refundingMinor: total(refundsIn(['pending', 'requires_action']), amountMinor - refundedMinor),
    disputedMinor: total(
      claimed.map((dispute) => dispute.amountMinor),
      amountMinor,
    ),
    withdrawnMinor: total(
      disputes.map((dispute) => dispute.withdrawnMinor),
      amountMinor,
    ),
  };
}

/**
 * What of a payment a refund can return: neither what went back or is on its way, nor what a bank claims or has got. Stripe
 * refunds nothing of a payment that is claimed.
 */
export const returnable = ({
  amountMinor,
  refundedMinor,
  refundingMinor,
  disputedMinor,
}: Sums & { amountMinor: number }): number =>
  Math.max(amountMinor - refundedMinor - refundingMinor - disputedMinor, 0);

/** What banks returned to the buyer: the amounts of disputes that were lost. */
export const lostMinor = (disputes: readonly Dispute[]): number =>
  disputes.reduce((sum, dispute) => (disputeKind(dispute) === 'lost' ? sum + dispute.amountMinor : sum), 0);

/** `stripe` is the balance at Stripe; the others, one of each per organization, classify that balance. */
export const accounts = ['stripe', 'sales', 'refunds_due', 'disputed'] as const;
export type Account = (typeof accounts)[number];
export type Balances = Record<Account, number>;

/**
 * What a payment has in each account, which sums to zero: the balance at Stripe belongs to the sale, or to the buyer of a
 * payment that is not kept, except for what a bank claims and Stripe has not withdrawn yet.
 */
export function balancesOf(payment: Sums & { amountMinor: number; kept: boolean }): Balances {
  const { amountMinor, kept, refundedMinor, refundingMinor, disputedMinor, withdrawnMinor } = payment;
  const stripe = amountMinor - refundedMinor - refundingMinor - withdrawnMinor;
  const claimed = Math.min(Math.max(disputedMinor - withdrawnMinor, 0), Math.max(stripe, 0));
  const rest = claimed - stripe;
  // Without a negative zero, which no entry may be.
  return {
    stripe,
    sales: kept ? rest : 0,
    refunds_due: kept ? 0 : rest,
    disputed: claimed === 0 ? 0 : -claimed,
  };
}
