import type { z } from 'zod';
import { type PartyStatus, priorities } from '../../../domain/marketplace/party.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { Empty, When } from '../../web/parts.tsx';
import type { listedBuyerSchema } from '../buyer-json.ts';
import {
  Choices,
  listAddress,
  MarketPage,
  type MarketVisit,
  money,
  Pages,
  phoneHint,
  StatusBadge,
} from './frame.tsx';

/** A number that the seller saves is texted offers, also one that the buyer typed. */
const confirmingPhoneHint = `${phoneHint} By saving it you confirm that it is the buyer’s: offers are texted to it.`;

type Buyer = z.infer<typeof listedBuyerSchema>;
type ListProps = {
  visit: MarketVisit;
  buyers: Buyer[];
  status: PartyStatus | null;
  page: number;
  pages: number;
  total: number;
};

const nameOf = (buyer: Buyer) => buyer.companyName ?? buyer.user?.name ?? 'Unnamed';

export function BuyersPage({ visit, buyers, status, page, pages, total }: ListProps) {
  const filters = [
    [null, 'All'],
    ['ACTIVE', 'Active'],
    ['INACTIVE', 'Inactive'],
  ] as const;
  const address = (wanted: PartyStatus | null, number = 1) =>
    listAddress('/market/buyers', { status: wanted }, number);
  return (
    <MarketPage title="Buyers" at="buyers" visit={visit}>
      <section class="panel">
        <div class="panel-head">
          <h2>
            Buyers <span class="quiet">{total.toLocaleString('en-US')}</span>
          </h2>
          <div class="head-tools">
            <Choices label="Status" options={filters} chosen={status} href={(value) => address(value)} />
            <a class="btn" data-size="sm" data-variant="outline" href="/api/buyers/export.csv">
              Download CSV
            </a>
            <a class="btn" data-size="sm" href="/market/buyers/new">
              New buyer
            </a>
          </div>
        </div>
        {buyers.length === 0 ? (
          <Empty title="No buyer here.">
            <p>
              Create a buyer, or send your invite code from <a href="/market/settings">Settings</a>: buyers
              register with it.
            </p>
          </Empty>
        ) : (
          <Rows buyers={buyers} />
        )}
        <Pages page={page} pages={pages} href={(number) => address(status, number)} />
      </section>
    </MarketPage>
  );
}

function Rows({ buyers }: { buyers: Buyer[] }) {
  return (
    <table class="rows cards">
      <thead>
        <tr>
          <th>Buyer</th>
          <th>Status</th>
          <th class="number">Priority</th>
          <th class="number">Bought</th>
          <th class="number">Spent</th>
          <th>Last purchase</th>
        </tr>
      </thead>
      <tbody>
        {buyers.map((buyer) => (
          <tr>
            <td>
              <a class="row-link" href={`/market/buyers/${buyer.id}`}>
                {nameOf(buyer)}
              </a>
              <span class="sub clip">{buyer.user?.email ?? buyer.phoneNumber ?? 'Does not sign in'}</span>
            </td>
            <td>
              <StatusBadge status={buyer.status} />
            </td>
            <td class="number" data-label="Priority">
              {buyer.priority}
            </td>
            <td class="number" data-label="Bought">
              {buyer.totalPurchases}
            </td>
            <td class="number" data-label="Spent">
              {money(buyer.totalSpent)}
            </td>
            <td data-label="Last purchase">
              {buyer.lastPurchase ? <When at={new Date(buyer.lastPurchase)} /> : '–'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const priorityHint = `${priorities.least} to ${priorities.most}: the weight in campaigns by weighted round robin.`;

export function NewBuyerPage({ visit, form }: { visit: MarketVisit; form: FormState }) {
  return (
    <MarketPage title="New buyer" at="buyers" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2>New buyer</h2>
          <a class="quiet" href="/market/buyers" data-up>
            Buyers
          </a>
        </div>
        <form class="form" method="post" action="/market/buyers">
          <Problem form={form} />
          <div class="pair">
            <Field name="name" label="Name" form={form} max={200} autofocus />
            <Field name="companyName" label="Company" form={form} max={200} optional />
          </div>
          <div class="pair">
            <Field name="email" label="Email" type="email" form={form} max={320} hint="Used to sign in." />
            <Field
              name="password"
              label="Password"
              type="password"
              form={form}
              max={128}
              autocomplete="new-password"
              hint="At least 8 characters."
            />
          </div>
          <div class="pair">
            <Field
              name="priority"
              label="Priority"
              type="number"
              form={form}
              min={priorities.least}
              max={priorities.most}
              value={String(priorities.usual)}
              hint={priorityHint}
            />
            <Field
              name="phoneNumber"
              label="Phone"
              type="tel"
              form={form}
              max={40}
              optional
              hint={confirmingPhoneHint}
            />
          </div>
          <div class="form-end">
            <button type="submit" class="btn">
              Create buyer
            </button>
            <a class="btn" data-variant="ghost" href="/market/buyers">
              Cancel
            </a>
          </div>
        </form>
      </section>
    </MarketPage>
  );
}

const textOf = (value: number | string | null) => (value === null ? '' : String(value));

type BuyerProps = { visit: MarketVisit; buyer: Buyer; flaggedAt: Date | null; form: FormState };

export function BuyerPage({ visit, buyer, flaggedAt, form }: BuyerProps) {
  return (
    <MarketPage title={nameOf(buyer)} at="buyers" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2 class="clip">{nameOf(buyer)}</h2>
          <a class="quiet" href="/market/buyers" data-up>
            Buyers
          </a>
        </div>
        <div class="market-facts">
          <StatusBadge status={buyer.status} />
          <span class="sub">
            {buyer.user ? `${buyer.user.name}, ${buyer.user.email}. ` : 'No person signs in for this buyer. '}
            {buyer.totalPurchases} bought for {money(buyer.totalSpent)}.{' '}
            <a href={`/market/buyers/${buyer.id}/wallet`}>Wallet</a>{' '}
            <a href={listAddress('/market/audit', { subject: `buyer:${buyer.id}` })}>Changes</a>
          </span>
        </div>
        {flaggedAt ? (
          <form class="market-facts" method="post" action={`/market/buyers/${buyer.id}/unflag`}>
            <span class="state tone-bad">Flagged</span>
            <span class="sub">
              <When at={flaggedAt} /> A payment was disputed, or refunded after the details were shown. The
              buyer gets no lead until you clear this, or the dispute is won.
            </span>
            <button type="submit" class="btn" data-size="sm" data-variant="outline">
              Clear flag
            </button>
          </form>
        ) : null}
        <form class="form" method="post" action={`/market/buyers/${buyer.id}`}>
          <Problem form={form} />
          <div class="pair">
            <Field
              name="companyName"
              label="Company"
              form={form}
              max={200}
              optional
              value={textOf(buyer.companyName)}
            />
            <Field
              name="phoneNumber"
              label="Phone"
              type="tel"
              form={form}
              max={40}
              optional
              value={textOf(buyer.phoneNumber)}
              hint={confirmingPhoneHint}
            />
          </div>
          <div class="pair">
            <Field
              name="status"
              label="Status"
              form={form}
              value={buyer.status}
              options={[
                ['ACTIVE', 'Active'],
                ['INACTIVE', 'Inactive: may read, and nothing else'],
              ]}
            />
            <Field
              name="priority"
              label="Priority"
              type="number"
              form={form}
              min={priorities.least}
              max={priorities.most}
              value={String(buyer.priority)}
              hint={priorityHint}
            />
          </div>
          <div class="pair">
            <Field
              name="weeklySpendingLimit"
              label="Weekly limit in dollars"
              form={form}
              optional
              value={textOf(buyer.weeklySpendingLimit)}
              hint="Empty for no limit."
            />
            <Field
              name="monthlySpendingLimit"
              label="Monthly limit in dollars"
              form={form}
              optional
              value={textOf(buyer.monthlySpendingLimit)}
              hint="Empty for no limit."
            />
          </div>
          <div class="form-end">
            <button type="submit" class="btn">
              Save
            </button>
          </div>
        </form>
      </section>
    </MarketPage>
  );
}
