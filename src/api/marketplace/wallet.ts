import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findCredit, listTransactions, type Wallet } from '../../db/payment/wallets.ts';
import { ContractError } from '../../domain/errors.ts';
import { shownDecline } from '../../domain/payment/wallet-recharge.ts';
import { changeSettings as changeBuyer } from '../../usecases/payment/buyer-settings.ts';
import { addFunds, type TopUpDeps, type TopUpResult } from '../../usecases/payment/top-up.ts';
import { countStripeCall } from '../../usecases/payment/wallet-calls.ts';
import { walletOf } from '../../usecases/payment/wallet-customer.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { type BuyerParty, buyerOf, quotaOwnerOf } from '../auth/caller.ts';
import {
  bodyOf,
  contractProblems,
  type Given,
  isBlank,
  pageOf,
  pagination,
  queryOf,
  read,
  refused,
} from '../http/contract.ts';
import { failureOf } from '../http/errors.ts';
import { countIdempotencyKey, idempotencyKeyOf } from '../http/idempotency.ts';
import { problemSchema, problemType } from '../http/problem.ts';
import { amountOf, present, rechargeBounds } from './fields.ts';
import {
  examples,
  shownSettings,
  shownTransaction,
  transactionSchema,
  walletSchema,
  walletSettingsSchema,
} from './wallet-json.ts';

const url = '/api/payments/wallet';
const newestShown = 50;

type Deps = TopUpDeps & Pick<Runtime, 'quotas' | 'vault'>;

const settings = z.object({ autoRechargeEnabled: z.boolean(), ...rechargeBounds }).partial();

/** Changes the given settings of auto-recharge, and charges at once where they ask for it. Throws 400. */
export async function changeSettings(deps: TopUpDeps, buyer: BuyerParty, given: Given): Promise<Wallet> {
  const { autoRechargeThreshold, autoRechargeAmount, autoRechargeEnabled } = read(settings, given);
  const values = present({
    autoRechargeEnabled,
    autoRechargeThresholdMinor: autoRechargeThreshold,
    autoRechargeAmountMinor: autoRechargeAmount,
  });
  await changeBuyer(deps, buyer, values, buyer.person.id);
  return walletOf(deps, buyer);
}

/** A buyer's prepaid money: what is in it, adding to it, and what is added by itself. */
export function walletRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const onRequest = access.market('buyer');
  return async (app) => {
    app.get(
      url,
      {
        onRequest,
        schema: {
          tags: ['payments'],
          summary: 'Read the wallet: its balance, its auto-recharge and its transactions, newest first',
          querystring: z
            .object({ page: z.int(), limit: z.int() })
            .partial()
            .meta({ examples: [{ page: 1, limit: 50 }] }),
          response: {
            200: walletSchema.meta({
              examples: [
                {
                  balance: 50,
                  ...examples.settings,
                  transactions: [examples.transaction],
                  pagination: { page: 1, limit: 50, total: 1, pages: 1 },
                },
              ],
            }),
            ...contractProblems(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const buyer = buyerOf(request);
        const given = pageOf(request);
        const page = {
          ...given,
          limit: queryOf(request).limit ? Math.min(given.limit, newestShown) : newestShown,
        };
        const offset = (page.page - 1) * page.limit;
        const [wallet, { rows, total }] = await Promise.all([
          walletOf(deps, buyer),
          listTransactions(deps.db, buyer.buyerId, { limit: page.limit, offset }),
        ]);
        return {
          balance: wallet.balanceMinor / 100,
          ...shownSettings(wallet),
          transactions: rows.map(shownTransaction),
          pagination: pagination(page, total),
        };
      },
    );
    await app.register(adding(deps, access));
    await app.register(settingRoutes(deps, access));
  };
}

const funded = z.object({
  message: z.literal('Funds added successfully'),
  balance: z.number(),
  transaction: transactionSchema,
});
const unconfirmed = z.object({
  message: z.literal('Payment needs confirmation'),
  clientSecret: z.string().nullable(),
  confirmUrl: z.string().nullable(),
});
const pending = z.object({ message: z.literal('Payment is being processed'), balance: z.number() });
const declined = problemSchema.extend({ error: z.string(), details: z.string().optional() });

function adding(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      url,
      {
        onRequest: access.market('buyer'),
        schema: {
          tags: ['payments'],
          summary: 'Charge a saved card and add the amount to the wallet',
          description:
            'Send an Idempotency-Key so that the request can be retried safely. Without one, a repetition is taken for the same request while the charge of this amount and card is undecided, and for 10 seconds.',
          body: z
            .object({
              amount: z.number().describe('Dollars, at least 0.50'),
              paymentMethodId: z.string().optional().describe('Ours or pm_…; the primary one unless given'),
            })
            .meta({ examples: [{ amount: 50 }] }),
          response: {
            200: z.union([funded, unconfirmed, pending]).meta({
              examples: [
                { message: 'Funds added successfully', balance: 50, transaction: examples.transaction },
              ],
            }),
            ...contractProblems(401, 403, 404, 409, 413, 415, 429, 503),
            400: declined,
          },
        },
      },
      async (request, reply) => {
        const buyer = buyerOf(request);
        const given = bodyOf(request);
        const order = {
          amountMinor: amountOf(given),
          cardId: cardIdOf(given),
          key: keyOf(request, deps, buyer),
        };
        await countStripeCall(deps, buyer);
        await countIdempotencyKey(request, deps, quotaOwnerOf(request));
        const wallet = await walletOf(deps, buyer);
        const result = await addFunds(deps, wallet, order);
        return answer(deps, buyer, result, reply);
      },
    );
  };
}

function cardIdOf({ paymentMethodId }: Given): string | null {
  if (isBlank(paymentMethodId)) return null;
  if (typeof paymentMethodId !== 'string') throw refused('Invalid paymentMethodId');
  return paymentMethodId;
}

/** Keys of one buyer are not those of another buyer of its seller. */
function keyOf(request: FastifyRequest, deps: Deps, { organizationId, buyerId }: BuyerParty) {
  return idempotencyKeyOf(request, { organizationId, supplierId: buyerId, vault: deps.vault }, request.body);
}

async function answer(deps: Deps, buyer: BuyerParty, result: TopUpResult, reply: FastifyReply) {
  switch (result.kind) {
    case 'needs_action': {
      const { clientSecret, confirmUrl } = result;
      return { message: 'Payment needs confirmation' as const, clientSecret, confirmUrl };
    }
    case 'declined':
      return refuseDeclined(reply, shownDecline(result.code));
    default: {
      const { balanceMinor } = await walletOf(deps, buyer);
      const credit = result.kind === 'credited' ? await findCredit(deps.db, result.paymentIntent) : null;
      if (!credit) return { message: 'Payment is being processed' as const, balance: balanceMinor / 100 };
      return {
        message: 'Funds added successfully' as const,
        balance: balanceMinor / 100,
        transaction: shownTransaction(credit),
      };
    }
  }
}

/** The decline's code is a member of its own. */
function refuseDeclined(reply: FastifyReply, details: string): FastifyReply {
  const refusal = new ContractError(
    400,
    'payment_declined',
    'Payment failed',
    'The card was declined. Nothing was charged.',
  );
  const { retryAfterSeconds: _none, ...body } = failureOf(refusal);
  return reply
    .status(400)
    .header('content-type', problemType)
    .send({ ...body, error: refusal.wording, details });
}

const changed = walletSettingsSchema
  .extend({ message: z.literal('Auto-recharge settings updated successfully') })
  .meta({ examples: [{ message: 'Auto-recharge settings updated successfully', ...examples.settings }] });

function settingRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    for (const method of ['PUT', 'PATCH'] as const)
      app.route({
        method,
        url,
        onRequest: access.market('buyer'),
        schema: {
          tags: ['payments'],
          summary: 'Change the given settings of auto-recharge',
          body: z
            .object({
              autoRechargeEnabled: z.boolean(),
              autoRechargeThreshold: z.number().nullable().describe('null, 0 and "" clear it'),
              autoRechargeAmount: z.number().nullable(),
            })
            .partial()
            .meta({ examples: [examples.settings] }),
          response: { 200: changed, ...contractProblems(400, 401, 403, 413, 415, 429, 503) },
        },
        handler: async (request: FastifyRequest) => {
          const wallet = await changeSettings(deps, buyerOf(request), bodyOf(request));
          return {
            message: 'Auto-recharge settings updated successfully' as const,
            ...shownSettings(wallet),
          };
        },
      });
  };
}
