import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { changePartyBuyer, findPartyBuyer, listPartyBuyers } from '../../db/marketplace/buyers.ts';
import { findSeller } from '../../db/marketplace/sellers.ts';
import { passwordWarning } from '../../domain/account/password.ts';
import { partyStatuses, priorities } from '../../domain/marketplace/party.ts';
import { createBuyer, type HashPassword } from '../../usecases/marketplace/buyers.ts';
import { changeSettings } from '../../usecases/payment/buyer-settings.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { type Party, partyOf, sellerOf } from '../auth/caller.ts';
import {
  assertGiven,
  bodyOf,
  clearable,
  contractProblems,
  dollars,
  type Given,
  isBlank,
  missing,
  pageOf,
  pagination,
  paginationSchema,
  queryOf,
  read,
  whole,
} from '../http/contract.ts';
import { listedBuyer, listedBuyerSchema, wholeBuyer, wholeBuyerSchema } from './buyer-json.ts';
import { companyName, idOf, partyEmail, partyName, present, rechargeBounds } from './fields.ts';
import * as examples from './party-examples.ts';
import { phoneNumber } from './phone-field.ts';

const unknown = 'Buyer not found';
const params = z.object({ id: z.string() });
const priority = whole(priorities.least, priorities.most);
const password = z.string().min(8).max(128);

const newBuyer = z.object({
  email: partyEmail,
  password,
  name: partyName,
  companyName: companyName.optional(),
  priority: priority.default(priorities.usual),
  phoneNumber: phoneNumber.optional(),
});

const limit = clearable(dollars.pipe(z.int().positive('must be more than 0')));

/** What the seller sets of a buyer, and what the buyer sets himself. Keys of the other one are ignored. */
const bySeller = z.object({
  companyName: companyName.optional(),
  priority: priority.optional(),
  status: z.enum(partyStatuses).optional(),
  monthlySpendingLimit: limit.optional(),
  weeklySpendingLimit: limit.optional(),
  phoneNumber: phoneNumber.optional(),
});
const byBuyer = z.object({
  companyName: companyName.optional(),
  phoneNumber: phoneNumber.optional(),
  autoRechargeEnabled: z.boolean().optional(),
  autoRechargeThreshold: rechargeBounds.autoRechargeThreshold.optional(),
  autoRechargeAmount: rechargeBounds.autoRechargeAmount.optional(),
});

const listQuery = z.object({ status: z.enum(partyStatuses).optional() });

const madeBuyer = z.object({
  id: z.string(),
  userId: z.string(),
  email: z.string(),
  name: z.string(),
  companyName: z.string(),
  priority: z.int(),
});

type Deps = Pick<Runtime, 'db' | 'quotas' | 'relay' | 'config'> & { hashPassword: HashPassword };

export function buyerRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(listAndCreate(deps, access));
    await app.register(oneBuyer(deps, access));
  };
}

function listAndCreate(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/buyers',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['buyers'],
          summary: 'List buyers, newest first',
          querystring: z
            .object({ status: z.enum(partyStatuses), page: z.int(), limit: z.int() })
            .partial()
            .meta({ examples: [{ status: 'ACTIVE', page: 1, limit: 50 }] }),
          response: {
            200: z.object({ buyers: z.array(listedBuyerSchema), pagination: paginationSchema }).meta({
              examples: [
                { buyers: [examples.listedBuyer], pagination: { page: 1, limit: 50, total: 1, pages: 1 } },
              ],
            }),
            ...contractProblems(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = sellerOf(request);
        const { status = null } = read(listQuery, queryOf(request));
        const page = pageOf(request);
        const { rows, total } = await listPartyBuyers(deps.db.reader, organizationId, {
          status,
          limit: page.limit,
          offset: (page.page - 1) * page.limit,
        });
        return { buyers: rows.map(listedBuyer), pagination: pagination(page, total) };
      },
    );

    app.post(
      '/api/buyers',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['buyers'],
          summary: 'Make a buyer, who signs in with this password',
          body: z
            .object({
              email: z.string(),
              password: z.string().describe('At least 8 characters'),
              name: z.string(),
              companyName: z.string().optional().describe('The name unless given'),
              priority: z.int().min(1).max(10).optional(),
              phoneNumber: z.string().nullish(),
            })
            .meta({ examples: [examples.newBuyer] }),
          response: {
            201: z
              .object({
                message: z.literal('Buyer created successfully'),
                buyer: madeBuyer,
                warnings: z.array(z.string()).describe('What was accepted and should be changed'),
              })
              .meta({ examples: [examples.createdBuyer] }),
            ...contractProblems(400, 401, 403, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { organizationId, person } = sellerOf(request);
        const buyer = buyerOf(bodyOf(request));
        const { id, userId, email } = await createBuyer(deps, organizationId, buyer, person.id);
        const { name, companyName, priority, password } = buyer;
        const warning = passwordWarning(password);
        return reply.status(201).send({
          message: 'Buyer created successfully',
          buyer: { id, userId, email, name, companyName, priority },
          warnings: warning ? [warning] : [],
        });
      },
    );
  };
}

/** The buyer that a seller makes. Throws 400. */
export function buyerOf(given: Given) {
  assertGiven(given, ['email', 'password', 'name'], 'Email, password, and name are required');
  return madeOf(read(newBuyer, withoutBlankPriority(given)));
}

/** The same without a password, which the person sets by a link. Throws 400. */
export function invitedBuyerOf(given: Given) {
  assertGiven(given, ['email', 'name'], 'Email and name are required');
  return madeOf({ ...read(newBuyer.omit({ password: true }), withoutBlankPriority(given)), password: null });
}

const withoutBlankPriority = (given: Given): Given =>
  isBlank(given.priority) ? { ...given, priority: undefined } : given;

function madeOf<P extends string | null>(
  fields: Omit<z.infer<typeof newBuyer>, 'password'> & { password: P },
) {
  const { email, password, name, priority, companyName = null, phoneNumber = null } = fields;
  return { email, password, name, companyName: companyName ?? name, priority, phone: phoneNumber };
}

function oneBuyer(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const { db } = deps;
  const changed = z
    .object({
      message: z.enum(['Buyer updated successfully', 'Settings updated successfully']),
      buyer: wholeBuyerSchema,
    })
    .meta({ examples: [{ message: 'Buyer updated successfully', buyer: examples.wholeBuyer }] });
  const change = async (request: FastifyRequest) => {
    const party = partyOf(request);
    const settings =
      party.role === 'seller' ? settingsBySeller(bodyOf(request)) : settingsByBuyer(bodyOf(request));
    const id = visibleId(party, request);
    const buyer = { organizationId: party.organizationId, buyerId: id };
    if (!(await changeSettings(deps, buyer, settings, party.person.id))) throw missing(unknown);
    const message =
      party.role === 'seller'
        ? ('Buyer updated successfully' as const)
        : ('Settings updated successfully' as const);
    return { message, buyer: await whole(party, id) };
  };
  const whole = async ({ organizationId }: Party, id: string) => {
    const [row, seller] = await Promise.all([
      findPartyBuyer(db, organizationId, id),
      findSeller(db, organizationId),
    ]);
    if (!row || !seller) throw missing(unknown);
    return wholeBuyer(row, seller);
  };
  return async (app) => {
    app.get(
      '/api/buyers/:id',
      {
        onRequest: access.market('seller', 'buyer'),
        schema: {
          tags: ['buyers'],
          summary: 'Read a buyer; a buyer reads himself',
          params,
          response: {
            200: z.object({ buyer: wholeBuyerSchema }).meta({ examples: [{ buyer: examples.wholeBuyer }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const party = partyOf(request);
        return { buyer: await whole(party, visibleId(party, request)) };
      },
    );
    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/buyers/:id',
        onRequest: access.market('seller', 'buyer'),
        schema: {
          tags: ['buyers'],
          summary: 'Change the given settings of a buyer; the seller and the buyer may each change their own',
          params,
          body: z
            .object({
              companyName: z.string().nullable(),
              priority: z.int().min(1).max(10),
              status: z.enum(partyStatuses),
              monthlySpendingLimit: z.number().nullable().describe('null, 0 and "" clear it'),
              weeklySpendingLimit: z.number().nullable(),
              phoneNumber: z.string().nullable(),
              autoRechargeEnabled: z.boolean(),
              autoRechargeThreshold: z.number().nullable(),
              autoRechargeAmount: z.number().nullable(),
            })
            .partial()
            .meta({ examples: [{ priority: 8, monthlySpendingLimit: 500, weeklySpendingLimit: null }] }),
          response: { 200: changed, ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503) },
        },
        handler: change,
      });
    }
    app.delete(
      '/api/buyers/:id',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['buyers'],
          summary: 'Deactivate a buyer: it keeps what it bought, and can be read',
          params,
          response: {
            200: z
              .object({ message: z.literal('Buyer deactivated successfully') })
              .meta({ examples: [{ message: 'Buyer deactivated successfully' }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId, person } = sellerOf(request);
        const by = { actor: person.id, action: 'buyer.deactivated' };
        const id = idOf(request.params, unknown);
        const found = await changePartyBuyer(db, organizationId, id, { status: 'INACTIVE' }, by);
        if (!found) throw missing(unknown);
        return { message: 'Buyer deactivated successfully' as const };
      },
    );
  };
}

/** A buyer sees no other buyer than himself. */
function visibleId(party: Party, request: FastifyRequest): string {
  const id = idOf(request.params, unknown);
  if (party.role === 'buyer' && party.buyerId !== id) throw missing(unknown);
  return id;
}

type Settings = Parameters<typeof changePartyBuyer>[3];

/** What a seller sets of a buyer. Throws 400. */
export function settingsBySeller(given: Given): Settings {
  const { phoneNumber, monthlySpendingLimit, weeklySpendingLimit, ...rest } = read(bySeller, given);
  return present({
    ...rest,
    phone: phoneNumber,
    phoneConfirmed: phoneNumber === undefined ? undefined : true,
    monthlySpendingLimitMinor: monthlySpendingLimit,
    weeklySpendingLimitMinor: weeklySpendingLimit,
  });
}

/** What a buyer sets of himself. Throws 400. */
export function settingsByBuyer(given: Given): Settings {
  const { phoneNumber, autoRechargeThreshold, autoRechargeAmount, ...rest } = read(byBuyer, given);
  return present({
    ...rest,
    phone: phoneNumber,
    phoneConfirmed: phoneNumber === undefined ? undefined : false,
    autoRechargeThresholdMinor: autoRechargeThreshold,
    autoRechargeAmountMinor: autoRechargeAmount,
  });
}
