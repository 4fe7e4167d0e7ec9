import type { BuyerRecord } from '../../../db/marketplace/buyers.ts';
import { minorToDollars } from '../../../domain/marketplace/dollars.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { MarketPage, type MarketVisit, money, phoneHint, StatusBadge } from './frame.tsx';

const dollarsOf = (minor: number | null) => (minor === null ? null : minorToDollars(minor));

type Props = { visit: MarketVisit; buyer: BuyerRecord; form: FormState };

export function ProfilePage({ visit, buyer, form }: Props) {
  const { weeklySpendingLimitMinor, monthlySpendingLimitMinor } = buyer;
  return (
    <MarketPage title="Profile" at="profile" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2>Profile</h2>
          <StatusBadge status={buyer.status} />
        </div>
        <form class="form" method="post" action="/market/profile">
          <Problem form={form} />
          <div class="pair">
            <Field
              name="companyName"
              label="Company"
              form={form}
              max={200}
              optional
              value={buyer.companyName ?? ''}
            />
            <Field
              name="phoneNumber"
              label="Phone"
              type="tel"
              form={form}
              max={40}
              optional
              value={buyer.phone ?? ''}
              hint={phoneHint}
            />
          </div>
          <p class="sub">
            Limits that {visit.companyName} has set: {money(dollarsOf(weeklySpendingLimitMinor), 'none')} a
            week, {money(dollarsOf(monthlySpendingLimitMinor), 'none')} a month.
          </p>
          <div class="form-end">
            <button type="submit" class="btn" disabled={buyer.status !== 'ACTIVE'}>
              Save
            </button>
          </div>
        </form>
      </section>
    </MarketPage>
  );
}
