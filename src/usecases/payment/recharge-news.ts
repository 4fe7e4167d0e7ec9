import { findTopUp } from '../../db/payment/wallet-top-ups.ts';
import { findWallet } from '../../db/payment/wallets.ts';
import { alert, disputedTopUpAlert, heldPaymentAlert } from '../../domain/messaging/alerts.ts';
import { type RechargeNews, renderRechargeNews } from '../../domain/messaging/templates.ts';
import { formatMoney } from '../../domain/money.ts';
import { walletCurrency } from '../../domain/payment/wallet.ts';
import type { Run } from '../../engine/define.ts';
import { finish, type Outcome, skip } from '../../engine/outcome.ts';
import type { DomainEvent } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { alertOperator } from '../messaging/alert-operator.ts';
import type { Runtime } from '../runtime.ts';

type Deps = Pick<Runtime, 'db' | 'config' | 'effects'>;

/** The state in which each news is still true. */
const stateOf = { declined: 'retrying', confirm: 'needs_action', stopped: 'failed' } as const;

/** Tells the buyer, by mail and once, what became of auto-recharge. */
export async function tellBuyer(
  topUpId: string,
  news: RechargeNews,
  { db, config, effects }: Deps,
  run: Run,
): Promise<Outcome> {
  const topUp = await findTopUp(db, topUpId);
  if (topUp?.state !== stateOf[news]) return skip('it has changed since');
  const { organizationId, buyerId, amountMinor, currency } = topUp;
  const wallet = await findWallet(db, organizationId, buyerId);
  if (!wallet?.email) return skip('the buyer has no e-mail address');
  const page = news === 'confirm' ? `/top-ups/${topUpId}/confirm` : '';
  const mail = renderRechargeNews(wallet.language, {
    news,
    name: wallet.name,
    organization: wallet.sellerName,
    amount: { minor: amountMinor, currency },
    url: `${config.publicUrl}/market/wallet${page}`,
  });
  const sent = await effects.email(run.effect, {
    key: `recharge-${news}-${topUpId}`,
    purpose: 'wallet',
    organizationId,
    subject: subjects.top_up(topUpId),
    recipient: { kind: 'buyer', id: buyerId },
    to: wallet.email,
    title: mail.subject,
    text: mail.text,
  });
  if (sent.state === 'wait') return sent.outcome;
  return finish({}, sent.state === 'accepted' ? 'buyer told' : `the e-mail was refused (${sent.code})`);
}

export function alertHeldTopUp(
  { data, organizationId, subject, occurredAt }: DomainEvent<'wallet.payment_held'>,
  deps: Deps,
  run: Run,
): Promise<Outcome> {
  const key = heldPaymentAlert(data.paymentIntent);
  const raised = alert('top_up_held', data);
  return alertOperator({ key, organizationId, subject, occurredAt, cause: key, ...raised }, deps, run);
}

export function alertDisputedTopUp(
  { data, organizationId, subject, occurredAt }: DomainEvent<'wallet.disputed'>,
  deps: Deps,
  run: Run,
): Promise<Outcome> {
  const key = disputedTopUpAlert(data.disputeId);
  const amount = formatMoney(data.amount, walletCurrency, 'en');
  const raised = alert('top_up_disputed', { amount, disputeId: data.disputeId, reason: data.reason });
  return alertOperator({ key, organizationId, subject, occurredAt, cause: key, ...raised }, deps, run);
}
