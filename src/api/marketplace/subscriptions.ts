import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Queryable } from '../../db/client.ts';
import {
  changeSubscription,
  endSubscription,
  type Subscription,
  type SubscriptionFields,
} from '../../db/marketplace/subscriptions.ts';
import { shortWalletChoices, subscriptionStatuses } from '../../domain/marketplace/subscription.ts';
import { stateOfCode } from '../../domain/marketplace/us-states.ts';
import { noStates, subscribe } from '../../usecases/marketplace/subscribe.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { type BuyerParty, buyerOf } from '../auth/caller.ts';
import {
  assertGiven,
  bodyOf,
  clearable,
  contractProblems,
  type Given,
  missing,
  queryOf,
  read,
  whole,
} from '../http/contract.ts';
import * as examples from './catalog-examples.ts';
import {
  newSubscription,
  newSubscriptionSchema,
  onShortWalletSays,
  shownSubscription,
  subscriptionSchema,
} from './catalog-json.ts';
import { rowId } from './fields.ts';

export const unknownSubscription = 'Subscription not found';
const noId = 'Subscription ID is required';
const mostStates = 60;

/** USPS codes in any case, each once; null and `""` clear them. */
const states = z.preprocess(
  (value) => (value === null || value === '' ? [] : value),
  z
    .array(z.string().max(20))
    .max(mostStates)
    .transform((given, context) => {
      const codes = given.map((each) => {
        const code = stateOfCode(each);
        if (code === null) context.addIssue(`${JSON.stringify(each)} is not a USPS code of a state`);
        return code ?? '';
      });
      return [...new Set(codes)];
    }),
);

const limits = z
  .object({
    dailyCap: clearable(whole(1, 1_000_000)),
    states,
    waterfallPriority: clearable(whole(1, 1_000_000)),
    onShortWallet: z.enum(shortWalletChoices),
  })
  .partial();
const changes = limits.extend({ status: z.enum(subscriptionStatuses).optional() });

/** What a buyer orders of a campaign. Throws 400. */
export function orderOf(given: Given) {
  const order = read(limits, given);
  const { dailyCap = null, states = [], waterfallPriority = null, onShortWallet = 'skip' } = order;
  return { dailyCap, states, waterfallPriority, onShortWallet };
}

/** What a buyer changes of a subscription. Throws 400. */
export const subscriptionChangeOf = (given: Given): Partial<SubscriptionFields> => read(changes, given);

/** Throws 404, and 400 for states that its campaign does not offer. */
export async function updateSubscription(
  db: Queryable,
  buyer: BuyerParty,
  { id, change }: { id: string; change: Partial<SubscriptionFields> },
): Promise<Subscription> {
  const changed = await changeSubscription(db, buyer, id, change, buyer.person.id);
  if (changed === 'unknown') throw missing(unknownSubscription);
  if (changed === 'no_states') throw noStates();
  return changed;
}

const described = z
  .object({
    dailyCap: z.int().nullable().describe('Most leads of a day; null for no limit'),
    states: z.array(z.string()).describe('USPS codes; empty for all'),
    waterfallPriority: z.int().nullable().describe('1 is first, null is last'),
    onShortWallet: z.enum(shortWalletChoices).describe(onShortWalletSays),
  })
  .partial();

/** What a buyer orders from the campaigns of its seller. */
export function subscriptionRoutes(
  deps: Pick<Runtime, 'db' | 'quotas'>,
  access: Access,
): FastifyPluginAsyncZod {
  const { db } = deps;
  const url = '/api/campaigns/subscribe';
  const onRequest = access.market('buyer');
  const change = async (request: FastifyRequest) => {
    const buyer = buyerOf(request);
    const given = bodyOf(request);
    assertGiven(given, ['subscriptionId'], noId);
    const change = subscriptionChangeOf(given);
    const changed = await updateSubscription(db, buyer, {
      id: rowId(given.subscriptionId, unknownSubscription),
      change,
    });
    return {
      message: 'Subscription updated successfully' as const,
      subscription: shownSubscription(changed),
    };
  };
  return async (app) => {
    app.post(
      url,
      {
        onRequest,
        schema: {
          tags: ['subscriptions'],
          summary: 'Subscribe to an active campaign',
          body: described.extend({ campaignId: z.string() }).meta({ examples: [examples.newOrder] }),
          response: {
            201: z
              .object({
                message: z.literal('Subscribed to campaign successfully'),
                subscription: newSubscriptionSchema,
              })
              .meta({
                examples: [
                  { message: 'Subscribed to campaign successfully', subscription: examples.newSubscription },
                ],
              }),
            ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const buyer = buyerOf(request);
        const given = bodyOf(request);
        assertGiven(given, ['campaignId'], 'Campaign ID is required');
        const order = { ...orderOf(given), campaignId: rowId(given.campaignId, 'Campaign not found') };
        const { subscription, campaign } = await subscribe(deps, buyer, order, buyer.person.id);
        return reply.status(201).send({
          message: 'Subscribed to campaign successfully',
          subscription: newSubscription(subscription, campaign),
        });
      },
    );
    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url,
        onRequest,
        schema: {
          tags: ['subscriptions'],
          summary: 'Change the given values of an own subscription',
          body: described
            .extend({ subscriptionId: z.string(), status: z.enum(subscriptionStatuses).optional() })
            .meta({
              examples: [{ subscriptionId: examples.subscriptionId, status: 'PAUSED', dailyCap: null }],
            }),
          response: {
            200: z
              .object({
                message: z.literal('Subscription updated successfully'),
                subscription: subscriptionSchema,
              })
              .meta({
                examples: [
                  { message: 'Subscription updated successfully', subscription: examples.subscription },
                ],
              }),
            ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503),
          },
        },
        handler: change,
      });
    }
    app.delete(
      url,
      {
        onRequest,
        schema: {
          tags: ['subscriptions'],
          summary: 'End an own subscription; what was bought by it stays',
          querystring: z.object({ id: z.string() }),
          response: {
            200: z
              .object({ message: z.literal('Unsubscribed from campaign successfully') })
              .meta({ examples: [{ message: 'Unsubscribed from campaign successfully' }] }),
            ...contractProblems(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const buyer = buyerOf(request);
        const query = queryOf(request);
        assertGiven(query, ['id'], noId);
        if (!(await endSubscription(db, buyer, rowId(query.id, unknownSubscription), buyer.person.id)))
          throw missing(unknownSubscription);
        return { message: 'Unsubscribed from campaign successfully' as const };
      },
    );
  };
}
