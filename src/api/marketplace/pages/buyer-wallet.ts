import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findOpenRecharge } from '../../../db/payment/wallet-top-ups.ts';
import { listTransactions } from '../../../db/payment/wallets.ts';
import { walletOf } from '../../../usecases/payment/wallet-customer.ts';
import { giveBack } from '../../../usecases/payment/wallet-give-back.ts';
import { sellerOf } from '../../auth/caller.ts';
import { isBlank, pagination } from '../../http/contract.ts';
import { formOf } from '../../http/forms.ts';
import { type FormState, untouched } from '../../web/form-parts.tsx';
import { amountOf, idOf } from '../fields.ts';
import { BuyerWalletPage } from './buyer-wallet-page.tsx';
import { type MarketSite, refusedForm } from './site.ts';

const hidden = { schema: { hide: true } };
const pageSize = 50;
const query = z.object({ page: z.coerce.number().int().min(1).max(1_000_000).catch(1) });

/** What a seller sees of a buyer's wallet, and what goes back from it. */
export function buyerWalletPages(app: FastifyInstance, site: MarketSite): void {
  const deps = site.runtime;
  const url = '/market/buyers/:id/wallet';
  const walletIn = (request: FastifyRequest) => {
    const { organizationId } = sellerOf(request);
    return walletOf(deps, { organizationId, buyerId: idOf(request.params, 'Buyer not found') });
  };
  const show = async (request: FastifyRequest, reply: FastifyReply, form: FormState) => {
    const wallet = await walletIn(request);
    const { page } = query.parse(request.query);
    const [visit, recharge, { rows, total }] = await Promise.all([
      site.visit(request),
      findOpenRecharge(deps.db, wallet.buyerId),
      listTransactions(deps.db, wallet.buyerId, { limit: pageSize, offset: (page - 1) * pageSize }),
    ]);
    const counted = pagination({ page, limit: pageSize }, total);
    return site.send(
      reply,
      BuyerWalletPage({ visit, wallet, recharge, transactions: rows, ...counted, form }),
    );
  };
  app.get(url, hidden, async (request, reply) => show(request, reply, untouched));
  app.post(`${url}/give-back`, hidden, async (request, reply) => {
    const { organizationId, buyerId } = await walletIn(request);
    const { person } = sellerOf(request);
    const values = formOf(request);
    try {
      const amount = isBlank(values.amount) ? null : amountOf(values);
      await giveBack(deps, { organizationId, buyerId }, amount, person.id);
      return reply.redirect(`/market/buyers/${buyerId}/wallet`, 303);
    } catch (error) {
      return show(request, reply.status(400), refusedForm(error, values));
    }
  });
}
