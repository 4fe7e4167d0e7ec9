import type { UnlockRow } from '../../../db/unlock/list.ts';
import { type MoneyState, moneyState } from '../../../domain/payment/sale-money.ts';
import { reasonLabel, StateBadge, type Tone } from '../../web/parts.tsx';

const faces: Record<MoneyState, { label: string; tone: Tone }> = {
  refund_failed: { label: 'Refund failed', tone: 'bad' },
  disputed: { label: 'Disputed', tone: 'bad' },
  dispute_lost: { label: 'Dispute lost', tone: 'bad' },
  refunded: { label: 'Refunded', tone: 'bad' },
  refunding: { label: 'Refund on its way', tone: 'wait' },
  refund_due: { label: 'Refund due', tone: 'wait' },
  inquiry: { label: 'Bank inquiry', tone: 'wait' },
  partly_refunded: { label: 'Partly refunded', tone: 'bad' },
};

type Shown = Pick<UnlockRow, 'status' | 'reason' | 'money'>;

/** The state of an offer. What became of its money, when it was not just paid, is shown instead. */
export function UnlockBadge({ row }: { row: Shown }) {
  const state = row.money && moneyState(row.money);
  if (!state) return <StateBadge state={row.status} reason={row.reason} />;
  const { label, tone } = faces[state];
  return (
    <span class={`state tone-${tone}`} data-state={row.status} data-money={state}>
      {label}
    </span>
  );
}

/** How the road of an offer ended, when it did not end well. Returns null when it is open, or sold and the money is kept. */
export function endOf({ status, reason, money }: Shown): string | null {
  const state = money && moneyState(money);
  // A question of the bank, a refund that failed, or a second charge that goes back takes nothing from a sale.
  const isKept = money !== null && money.net > 0 && money.disputed === 0 && !money.keptRefunded;
  if (state && !isKept) return faces[state].label;
  if (status !== 'EXPIRED' && status !== 'OPTED_OUT') return null;
  return reason ? reasonLabel(reason) : 'Closed';
}
