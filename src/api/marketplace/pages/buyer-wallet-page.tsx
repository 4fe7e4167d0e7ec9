import type { TopUp } from '../../../db/payment/wallet-top-ups.ts';
import type { Wallet, WalletTransaction } from '../../../db/payment/wallets.ts';
import { Field, type FormState, Problem } from '../../web/form-parts.tsx';
import { MarketPage, type MarketVisit } from './frame.tsx';
import { Standing, shown, Transactions } from './wallet-page.tsx';

type Props = {
  visit: MarketVisit;
  wallet: Wallet;
  recharge: TopUp | null;
  transactions: WalletTransaction[];
  page: number;
  pages: number;
  total: number;
  form: FormState;
};

export function BuyerWalletPage(props: Props) {
  const { visit, wallet, recharge, form } = props;
  const address = `/market/buyers/${wallet.buyerId}`;
  return (
    <MarketPage title={`Wallet of ${wallet.name}`} at="buyers" visit={visit}>
      <Standing wallet={wallet} />
      <section class="panel form-panel">
        <div class="panel-head">
          <h2 class="clip">Wallet of {wallet.name}</h2>
          <a class="quiet" href={address} data-up>
            Buyer
          </a>
        </div>
        <p class="wallet-balance">{shown(wallet.balanceMinor)}</p>
        <p class="wallet-about sub">{rechargeIn(wallet, recharge)}</p>
        <form class="form" method="post" action={`${address}/wallet/give-back`}>
          <Problem form={form} />
          <Field
            name="amount"
            label="Give back, in dollars"
            form={form}
            optional
            max={12}
            hint="Empty for all of it. It is refunded to the cards it came from, the newest charge first."
          />
          <div class="form-end">
            <button type="submit" class="btn" data-variant="outline" disabled={wallet.balanceMinor <= 0}>
              Give back
            </button>
          </div>
        </form>
      </section>
      <Transactions {...props} address={`${address}/wallet`} />
    </MarketPage>
  );
}

function rechargeIn(wallet: Wallet, recharge: TopUp | null): string {
  const {
    autoRechargeEnabled,
    autoRechargeAmountMinor: amount,
    autoRechargeThresholdMinor: threshold,
  } = wallet;
  if (!autoRechargeEnabled || amount === null) return 'Auto-recharge is off.';
  if (wallet.rechargeStoppedAt !== null) return 'Auto-recharge stopped after a declined charge.';
  if (recharge?.state === 'retrying') return 'A recharge was declined and will be repeated.';
  if (recharge?.state === 'needs_action') return 'A recharge waits for the cardholder’s confirmation.';
  const when = threshold === null ? 'when a lead costs more than is left' : `below ${shown(threshold)}`;
  return `Auto-recharge adds ${shown(amount)} ${when}.`;
}
