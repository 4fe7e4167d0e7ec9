import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listCards } from '../../../db/payment/wallet-cards.ts';
import { findOpenRecharge, findTopUp, type TopUp } from '../../../db/payment/wallet-top-ups.ts';
import { listTransactions } from '../../../db/payment/wallets.ts';
import { ContractError } from '../../../domain/errors.ts';
import { choosePrimary, fetchCards, removeCard, setupPage } from '../../../usecases/payment/cards.ts';
import {
  addFunds,
  confirmRecharge,
  lookUpTopUp,
  openTopUpPage,
  type TopUpResult,
} from '../../../usecases/payment/top-up.ts';
import { countStripeCall } from '../../../usecases/payment/wallet-calls.ts';
import { walletOf } from '../../../usecases/payment/wallet-customer.ts';
import type { Runtime } from '../../../usecases/runtime.ts';
import { buyerOf } from '../../auth/caller.ts';
import { missing, pagination } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { amountOf, idOf } from '../fields.ts';
import { changeSettings } from '../wallet.ts';
import { type MarketSite, refusedForm } from './site.ts';
import { ConfirmPage, type WalletNotice, WalletPage } from './wallet-page.tsx';

const hidden = { schema: { hide: true } };
const home = '/market/wallet';
const pageSize = 50;
const noTopUp = 'Payment not found';

/** What the page says, by the word in its address. */
const notices: Readonly<Record<string, WalletNotice>> = {
  added: { tone: 'good', text: 'The money is in your wallet.' },
  pending: {
    tone: 'wait',
    text: 'The payment is being processed. Your wallet is credited once it succeeded.',
  },
  unpaid: { tone: 'bad', text: 'The payment was not made. Nothing was charged.' },
  card: { tone: 'good', text: 'The card is saved.' },
  saved: { tone: 'good', text: 'Auto-recharge is saved.' },
};

const query = z.object({
  page: z.coerce.number().int().min(1).max(1_000_000).catch(1),
  notice: z.string().catch(''),
});

type Forms = { funds?: FormState; settings?: FormState };

/** Origins of Stripe's pages and of the bank's, to which forms of the wallet lead. */
const formsTo = ({ stripe }: Runtime['config']): string[] =>
  stripe.baseUrl === null
    ? ['https://checkout.stripe.com', 'https://hooks.stripe.com']
    : [new URL(stripe.baseUrl).origin];

/** A buyer's wallet: what is in it, adding to it, its cards, its auto-recharge and its transactions. */
export function walletPages(app: FastifyInstance, site: MarketSite): void {
  app.get(home, hidden, async (request, reply) => {
    const { notice } = query.parse(request.query);
    if (notice === 'card') {
      await countStripeCall(site.runtime, buyerOf(request));
      await fetchCards(site.runtime, await walletOf(site.runtime, buyerOf(request)));
    }
    return show(site, request, reply, {});
  });
  fundRoutes(app, site);
  cardRoutes(app, site);
  topUpRoutes(app, site);
}

async function show(site: MarketSite, request: FastifyRequest, reply: FastifyReply, forms: Forms) {
  const { db, config } = site.runtime;
  const buyer = buyerOf(request);
  const { page, notice } = query.parse(request.query);
  const [visit, wallet, cards, recharge, { rows, total }] = await Promise.all([
    site.visit(request),
    walletOf(site.runtime, buyer),
    listCards(db, buyer.buyerId),
    findOpenRecharge(db, buyer.buyerId),
    listTransactions(db, buyer.buyerId, { limit: pageSize, offset: (page - 1) * pageSize }),
  ]);
  const { funds = untouched, settings = untouched } = forms;
  const props = { visit, wallet, cards, recharge, transactions: rows, funds, settings };
  const said = Object.hasOwn(notices, notice) ? (notices[notice] ?? null) : null;
  const counted = pagination({ page, limit: pageSize }, total);
  return site.send(reply, WalletPage({ ...props, ...counted, notice: said }), formsTo(config));
}

function fundRoutes(app: FastifyInstance, site: MarketSite): void {
  const deps = site.runtime;
  app.post(`${home}/funds`, hidden, async (request, reply) => {
    const buyer = buyerOf(request);
    const values = formOf(request);
    try {
      const amountMinor = amountOf(values);
      await countStripeCall(deps, buyer);
      const wallet = await walletOf(deps, buyer);
      const { paymentMethodId: cardId = null } = values;
      if (cardId === 'page') {
        const back = `${deps.config.publicUrl}${home}`;
        return reply.redirect(await openTopUpPage(deps, wallet, { amountMinor, back }), 303);
      }
      const result = await addFunds(deps, wallet, { amountMinor, cardId, key: null });
      return reply.redirect(after(result), 303);
    } catch (error) {
      return show(site, request, reply.status(400), { funds: refusedForm(error, values) });
    }
  });
  app.post(`${home}/settings`, hidden, async (request, reply) => {
    const values = formOf(request);
    const autoRechargeEnabled = values.autoRechargeEnabled !== undefined;
    try {
      await changeSettings(deps, buyerOf(request), { ...values, autoRechargeEnabled });
      return reply.redirect(`${home}?notice=saved`, 303);
    } catch (error) {
      return show(site, request, reply.status(400), { settings: refusedForm(error, values) });
    }
  });
}

/** Where a charge leads. Throws the refusal of a declined one. */
function after(result: TopUpResult): string {
  switch (result.kind) {
    case 'credited':
      return `${home}?notice=added`;
    case 'needs_action':
      return result.confirmUrl ?? `${home}?notice=pending`;
    case 'declined':
      throw new ContractError(400, 'payment_declined', 'Your card was declined. Nothing was charged.');
    case 'pending':
      return `${home}?notice=pending`;
  }
}

function cardRoutes(app: FastifyInstance, site: MarketSite): void {
  const deps = site.runtime;
  app.post(`${home}/cards`, hidden, async (request, reply) => {
    await countStripeCall(deps, buyerOf(request));
    const wallet = await walletOf(deps, buyerOf(request));
    const back = `${deps.config.publicUrl}${home}`;
    return reply.redirect(await setupPage(deps, wallet, back), 303);
  });
  const unknown = 'Payment method not found';
  app.post(`${home}/cards/:id/primary`, hidden, async (request, reply) => {
    const id = idOf(request.params, unknown);
    await choosePrimary(deps, await walletOf(deps, buyerOf(request)), id);
    return reply.redirect(home, 303);
  });
  app.post(`${home}/cards/:id/remove`, hidden, async (request, reply) => {
    const id = idOf(request.params, unknown);
    await countStripeCall(deps, buyerOf(request));
    await removeCard(deps, await walletOf(deps, buyerOf(request)), id);
    return reply.redirect(home, 303);
  });
}

/** Pages that Stripe, a bank or a mail leads to. */
function topUpRoutes(app: FastifyInstance, site: MarketSite): void {
  const deps = site.runtime;
  const own = async (request: FastifyRequest): Promise<TopUp> => {
    const topUp = await findTopUp(deps.db, idOf(request.params, noTopUp));
    if (topUp?.buyerId !== buyerOf(request).buyerId) throw missing(noTopUp);
    await countStripeCall(deps, buyerOf(request));
    return topUp;
  };
  app.get(`${home}/top-ups/:id`, hidden, async (request, reply) => {
    const { state } = await lookUpTopUp(deps, await own(request));
    const isUnpaid = state === 'failed' || state === 'canceled';
    const notice = state === 'paid' ? 'added' : isUnpaid ? 'unpaid' : 'pending';
    return reply.redirect(`${home}?notice=${notice}`, 303);
  });
  const url = `${home}/top-ups/:id/confirm`;
  app.get(url, hidden, async (request, reply) => {
    const topUp = await own(request);
    return site.send(reply, ConfirmPage({ visit: await site.visit(request), topUp }), formsTo(deps.config));
  });
  app.post(url, hidden, async (request, reply) => {
    const topUp = await own(request);
    const bank = await confirmRecharge(deps, topUp);
    return reply.redirect(bank ?? `${home}/top-ups/${topUp.id}`, 303);
  });
}
