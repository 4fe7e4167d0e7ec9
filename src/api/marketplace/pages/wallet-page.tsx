import type { SavedCard } from '../../../db/payment/wallet-cards.ts';
import type { TopUp } from '../../../db/payment/wallet-top-ups.ts';
import type { Wallet, WalletTransaction } from '../../../db/payment/wallets.ts';
import { minorToDollars } from '../../../domain/marketplace/dollars.ts';
import { Check, Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { ConfirmForm, Empty, When } from '../../web/parts.tsx';
import { listAddress, MarketPage, type MarketVisit, money, Pages } from './frame.tsx';

export const shown = (minor: number) => money(minorToDollars(minor));
const typed = (minor: number | null) => (minor === null ? '' : String(minorToDollars(minor)));

/** What the page says of what was just done. */
export type WalletNotice = { tone: 'good' | 'wait' | 'bad'; text: string };

export type WalletProps = {
  visit: MarketVisit;
  wallet: Wallet;
  cards: SavedCard[];
  /** The recharge that has not ended. */
  recharge: TopUp | null;
  transactions: WalletTransaction[];
  page: number;
  pages: number;
  total: number;
  notice: WalletNotice | null;
  funds: FormState;
  settings: FormState;
};

export function WalletPage(props: WalletProps) {
  const { visit, wallet, cards, recharge, notice } = props;
  const isActive = wallet.active;
  return (
    <MarketPage title="Wallet" at="wallet" visit={visit}>
      {notice ? (
        <p class={`note tone-${notice.tone}`} role="status">
          {notice.text}
        </p>
      ) : null}
      <Standing wallet={wallet} />
      <div class="wallet-top">
        <Balance wallet={wallet} cards={cards} form={props.funds} isActive={isActive} />
        <Cards cards={cards} isActive={isActive} />
        <AutoRecharge wallet={wallet} recharge={recharge} form={props.settings} isActive={isActive} />
      </div>
      <Transactions {...props} address="/market/wallet" />
    </MarketPage>
  );
}

/** What stands in the way of buying, in words. */
export function Standing({ wallet }: { wallet: Wallet }) {
  const { disputedMinor, debtMinor } = wallet;
  return (
    <>
      {disputedMinor > 0 ? (
        <p class="note tone-bad">
          <b>A bank claims {shown(disputedMinor)} of what was added.</b> The wallet buys nothing until the
          bank has decided.
        </p>
      ) : null}
      {debtMinor > 0 ? (
        <p class="note tone-wait">
          <b>{shown(debtMinor)} went back after it was spent.</b> The next money that is added pays it.
        </p>
      ) : null}
    </>
  );
}

export const cardName = ({ brand, last4 }: SavedCard) =>
  `${brand.charAt(0).toUpperCase()}${brand.slice(1)} ending in ${last4}`;

type Part = { cards: SavedCard[]; isActive: boolean };

function Balance({ wallet, cards, form, isActive }: Part & { wallet: Wallet; form: FormState }) {
  const options = [
    ...cards.map((card) => [card.id, cardName(card)] as const),
    ['page', 'Another card, on Stripe’s page'] as const,
  ];
  return (
    <section class="panel" aria-labelledby="balance-title">
      <div class="panel-head">
        <h2 id="balance-title">Balance</h2>
      </div>
      <p class="wallet-balance">{shown(wallet.balanceMinor)}</p>
      <form class="form" method="post" action="/market/wallet/funds">
        <Problem form={form} />
        <Field name="amount" label="Add dollars" form={form} max={12} hint="At least $0.50." />
        <Field name="paymentMethodId" label="Pay with" form={form} options={options} />
        <div class="form-end">
          <button type="submit" class="btn" disabled={!isActive}>
            Add funds
          </button>
        </div>
      </form>
    </section>
  );
}

function Cards({ cards, isActive }: Part) {
  return (
    <section class="panel" aria-labelledby="cards-title">
      <div class="panel-head">
        <h2 id="cards-title">Cards</h2>
        <form method="post" action="/market/wallet/cards">
          <button type="submit" class="btn" data-size="sm" disabled={!isActive}>
            Add a card
          </button>
        </form>
      </div>
      {cards.length === 0 ? (
        <Empty title="No card is saved.">
          <p>Stripe keeps your cards. A saved one can be charged when the balance is low.</p>
        </Empty>
      ) : (
        <ul class="wallet-cards">
          {cards.map((card) => (
            <li>
              <div>
                <b>{cardName(card)}</b>
                <span class="sub">
                  Expires {String(card.expMonth).padStart(2, '0')}/{card.expYear}
                  {card.isPrimary ? '. Charged by auto-recharge.' : '.'}
                </span>
              </div>
              {isActive ? <CardActs card={card} /> : null}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function CardActs({ card }: { card: SavedCard }) {
  const action = `/market/wallet/cards/${card.id}`;
  return (
    <div class="wallet-card-acts">
      {card.isPrimary ? null : (
        <form method="post" action={`${action}/primary`}>
          <button type="submit" class="btn" data-size="sm" data-variant="outline">
            Make primary
            <span class="visually-hidden">: {cardName(card)}</span>
          </button>
        </form>
      )}
      <ConfirmForm
        action={`${action}/remove`}
        label="Remove"
        about={cardName(card)}
        question="It cannot be charged any more."
        confirm="Remove it"
      />
    </div>
  );
}

type RechargeProps = { wallet: Wallet; recharge: TopUp | null; form: FormState; isActive: boolean };

function AutoRecharge({ wallet, recharge, form, isActive }: RechargeProps) {
  return (
    <section class="panel" aria-labelledby="recharge-title">
      <div class="panel-head">
        <h2 id="recharge-title">Auto-recharge</h2>
      </div>
      <RechargeState wallet={wallet} recharge={recharge} />
      <form class="form" method="post" action="/market/wallet/settings">
        <Problem form={form} />
        <Check
          name="autoRechargeEnabled"
          label="Charge the primary card when the balance is low"
          form={form}
          checked={wallet.autoRechargeEnabled}
        />
        <div class="pair">
          <Field
            name="autoRechargeThreshold"
            label="When less than, in dollars"
            form={form}
            optional
            value={typed(wallet.autoRechargeThresholdMinor)}
            hint="Empty: when a lead costs more than is left."
          />
          <Field
            name="autoRechargeAmount"
            label="Add, in dollars"
            form={form}
            optional
            value={typed(wallet.autoRechargeAmountMinor)}
          />
        </div>
        <div class="form-end">
          <button type="submit" class="btn" disabled={!isActive}>
            Save
          </button>
        </div>
      </form>
    </section>
  );
}

export function RechargeState({ wallet, recharge }: { wallet: Wallet; recharge: TopUp | null }) {
  if (wallet.rechargeStoppedAt !== null)
    return (
      <p class="note tone-bad">
        <b>Stopped after a declined charge.</b> Another card starts it again, and so does switching it off and
        on.
      </p>
    );
  if (recharge === null) return null;
  const amount = shown(recharge.amountMinor);
  if (recharge.state === 'needs_action')
    return (
      <p class="note tone-wait">
        <b>Your bank asks you to confirm {amount}.</b>{' '}
        <a href={`/market/wallet/top-ups/${recharge.id}/confirm`}>Confirm it</a>
      </p>
    );
  if (recharge.state === 'retrying' && recharge.nextAttemptAt !== null)
    return (
      <p class="note tone-wait">
        <b>A charge of {amount} was declined.</b> It is repeated <When at={recharge.nextAttemptAt} />.
      </p>
    );
  return <p class="note tone-wait">{amount} is being charged.</p>;
}

type TransactionsProps = Pick<WalletProps, 'transactions' | 'page' | 'pages' | 'total'> & { address: string };

export function Transactions({ transactions, page, pages, total, address }: TransactionsProps) {
  return (
    <section class="panel" aria-labelledby="transactions-title">
      <div class="panel-head">
        <h2 id="transactions-title">
          Transactions <span class="quiet">{total.toLocaleString('en-US')}</span>
        </h2>
      </div>
      {transactions.length === 0 ? (
        <Empty title="No transaction yet.">
          <p>Money that is added, and leads that are bought, are listed here.</p>
        </Empty>
      ) : (
        <table class="rows cards market-list">
          <thead>
            <tr>
              <th>When</th>
              <th>What</th>
              <th class="number">Amount</th>
              <th class="number">Balance</th>
            </tr>
          </thead>
          <tbody>
            {transactions.map((row) => (
              <tr>
                <td>
                  <When at={row.createdAt} />
                </td>
                <td>{row.description}</td>
                <td class="number" data-label="Amount">
                  {row.amountMinor > 0 ? `+${shown(row.amountMinor)}` : shown(row.amountMinor)}
                </td>
                <td class="number" data-label="Balance">
                  {shown(row.balanceAfterMinor)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Pages page={page} pages={pages} href={(number) => listAddress(address, {}, number)} />
    </section>
  );
}

type ConfirmProps = { visit: MarketVisit; topUp: TopUp };

/** Where a mail leads that asks the buyer to confirm a recharge. */
export function ConfirmPage({ visit, topUp }: ConfirmProps) {
  const isOpen = topUp.state === 'needs_action';
  return (
    <MarketPage title="Confirm a payment" at="wallet" visit={visit}>
      <section class="panel form-panel">
        <div class="panel-head">
          <h2>Confirm a payment</h2>
          <a class="quiet" href="/market/wallet" data-up>
            Wallet
          </a>
        </div>
        <form class="form" method="post" action={`/market/wallet/top-ups/${topUp.id}/confirm`}>
          <p>
            {isOpen
              ? `Your bank asks you to confirm that ${shown(topUp.amountMinor)} is added to your wallet. Nothing was charged yet.`
              : 'There is nothing to confirm any more.'}
          </p>
          {isOpen ? (
            <div class="form-end">
              <button type="submit" class="btn">
                Confirm at the bank
              </button>
            </div>
          ) : null}
        </form>
      </section>
    </MarketPage>
  );
}
