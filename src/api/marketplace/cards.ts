import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { listCards } from '../../db/payment/wallet-cards.ts';
import { addCard, beginSetup, choosePrimary, noSuchCard, removeCard } from '../../usecases/payment/cards.ts';
import type { TopUpDeps } from '../../usecases/payment/top-up.ts';
import { countStripeCall } from '../../usecases/payment/wallet-calls.ts';
import { walletOf } from '../../usecases/payment/wallet-customer.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { buyerOf } from '../auth/caller.ts';
import { bodyOf, contractProblems, type Given, isBlank, queryOf, read, refused } from '../http/contract.ts';
import { cardSchema, examples, shownCard } from './wallet-json.ts';

type Deps = TopUpDeps & Pick<Runtime, 'quotas'>;

const url = '/api/payments/methods';
const noId = 'Payment method ID is required';

/** Stripe's id of a card. Throws 400 without one, and 404 for anything else. */
function stripeIdOf({ paymentMethodId }: Given): string {
  if (isBlank(paymentMethodId)) throw refused(noId);
  if (typeof paymentMethodId !== 'string' || !/^pm_\w{1,250}$/.test(paymentMethodId)) throw noSuchCard();
  return paymentMethodId;
}

/** Our id of a card. */
function ownIdOf(given: unknown): string {
  if (isBlank(given)) throw refused(noId);
  if (typeof given !== 'string' || given.length > 255) throw noSuchCard();
  return given;
}

const newCard = z.object({ setAsPrimary: z.boolean().default(false) });

/** The cards that fill a buyer's wallet. They are kept by Stripe; a buyer reaches its own alone. */
export function cardRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const onRequest = access.market('buyer');
  return async (app) => {
    app.get(
      url,
      {
        onRequest,
        schema: {
          tags: ['payments'],
          summary: 'List the saved cards, the primary one first',
          response: {
            200: z
              .object({ paymentMethods: z.array(cardSchema) })
              .meta({ examples: [{ paymentMethods: [examples.card] }] }),
            ...contractProblems(401, 403, 429, 503),
          },
        },
      },
      async (request) => ({
        paymentMethods: (await listCards(deps.db, buyerOf(request).buyerId)).map(shownCard),
      }),
    );
    app.post(
      url,
      {
        onRequest,
        schema: {
          tags: ['payments'],
          summary: 'Save a card by Stripe’s id; the first one is the primary one',
          body: z
            .object({ paymentMethodId: z.string().describe('pm_…'), setAsPrimary: z.boolean().optional() })
            .meta({ examples: [{ paymentMethodId: 'pm_1ABC', setAsPrimary: true }] }),
          response: {
            201: z
              .object({ message: z.literal('Payment method added successfully'), paymentMethod: cardSchema })
              .meta({
                examples: [{ message: 'Payment method added successfully', paymentMethod: examples.card }],
              }),
            ...contractProblems(400, 401, 403, 404, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const buyer = buyerOf(request);
        const given = bodyOf(request);
        const stripeId = stripeIdOf(given);
        const { setAsPrimary } = read(newCard, given);
        await countStripeCall(deps, buyer);
        const card = await addCard(deps, await walletOf(deps, buyer), { stripeId, primary: setAsPrimary });
        return reply
          .status(201)
          .send({ message: 'Payment method added successfully', paymentMethod: shownCard(card) });
      },
    );
    await app.register(changing(deps, access));
  };
}

function changing(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const onRequest = access.market('buyer');
  return async (app) => {
    for (const method of ['PUT', 'PATCH'] as const)
      app.route({
        method,
        url,
        onRequest,
        schema: {
          tags: ['payments'],
          summary: 'Make a saved card the primary one, which auto-recharge uses',
          body: z
            .object({ paymentMethodId: z.string().describe('Our id') })
            .meta({ examples: [{ paymentMethodId: examples.card.id }] }),
          response: {
            200: z
              .object({ message: z.literal('Primary payment method updated successfully') })
              .meta({ examples: [{ message: 'Primary payment method updated successfully' }] }),
            ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503),
          },
        },
        handler: async (request: FastifyRequest) => {
          const id = ownIdOf(bodyOf(request).paymentMethodId);
          await choosePrimary(deps, await walletOf(deps, buyerOf(request)), id);
          return { message: 'Primary payment method updated successfully' as const };
        },
      });
    app.delete(
      url,
      {
        onRequest,
        schema: {
          tags: ['payments'],
          summary: 'Remove a saved card; the newest of the others becomes the primary one',
          querystring: z.object({ id: z.string() }).meta({ examples: [{ id: examples.card.id }] }),
          response: {
            200: z
              .object({ message: z.literal('Payment method removed successfully') })
              .meta({ examples: [{ message: 'Payment method removed successfully' }] }),
            ...contractProblems(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const buyer = buyerOf(request);
        const id = ownIdOf(queryOf(request).id);
        await countStripeCall(deps, buyer);
        await removeCard(deps, await walletOf(deps, buyer), id);
        return { message: 'Payment method removed successfully' as const };
      },
    );
    app.post(
      '/api/payments/setup-intent',
      {
        onRequest,
        schema: {
          tags: ['payments'],
          summary: 'Begin to save a card on a page of your own, with Stripe’s SetupIntent',
          response: {
            200: z
              .object({ clientSecret: z.string().nullable(), customerId: z.string() })
              .meta({ examples: [{ clientSecret: 'seti_1ABC_secret_x', customerId: 'cus_1ABC' }] }),
            ...contractProblems(401, 403, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request) => {
        const buyer = buyerOf(request);
        await countStripeCall(deps, buyer);
        return beginSetup(deps, await walletOf(deps, buyer));
      },
    );
  };
}
