import type { UnlockRow } from '../../../db/unlock/list.ts';
import { type Standing, standingOf } from '../../../domain/payment/standing.ts';
import { reasonLabel, StateBadge } from '../../web/parts.tsx';

export const standingLabels: Record<Standing, string> = {
  disputed: 'Disputed',
  refunded: 'Refunded',
  partly_refunded: 'Partly refunded',
};

/** The state of an offer. Money that went back, or is asked back, is shown instead of the state it was sold in. */
export function UnlockBadge({ row }: { row: Pick<UnlockRow, 'status' | 'reason' | 'money'> }) {
  const standing = standingOf(row.money);
  if (!standing) return <StateBadge state={row.status} reason={row.reason} />;
  return (
    <span class="state tone-bad" data-state={row.status} data-money={standing}>
      {standingLabels[standing]}
    </span>
  );
}

/** How the road of an offer ended, when it did not end well. Returns null when it is open, or sold and the money is kept. */
export function endOf(row: Pick<UnlockRow, 'status' | 'reason' | 'money'>): string | null {
  const standing = standingOf(row.money);
  if (standing) return standingLabels[standing];
  if (row.status !== 'EXPIRED' && row.status !== 'OPTED_OUT') return null;
  return row.reason ? reasonLabel(row.reason) : 'Closed';
}
