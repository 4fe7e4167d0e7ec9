import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  type Buyer,
  buyerConstraint,
  changeBuyer,
  createBuyer,
  findBuyer,
  listBuyers,
} from '../../db/account/buyers.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { firstAnswer } from '../../db/transport/idempotency.ts';
import { StoredQuotaError } from '../../domain/account/quotas.ts';
import { RefusedError } from '../../domain/errors.ts';
import { newId } from '../../events/new-id.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { organizationOf, quotaOwnerOf } from '../auth/caller.ts';
import { limit, nextCursor, readCursor } from '../http/fields.ts';
import { countIdempotencyKey, idempotencyKeyOf } from '../http/idempotency.ts';
import { notFound, problemResponses } from '../http/problem.ts';
import { email, language, name, phone, providerId } from './provider-fields.ts';

const provider = z.object({
  external_id: z.string(),
  name: z.string().nullable(),
  phone: z.string(),
  email: z.string().nullable(),
  language: z.string().nullable(),
  active: z.boolean(),
  created_at: z.string(),
});
const answer = z.object({ success: z.literal(true), provider });
const params = z.object({
  provider_id: z
    .string()
    .max(128)
    .regex(/^[^\0]*$/, 'not a provider id'),
});

/** The providers (buyers) of an organization. */
export function providerRoutes(
  deps: Pick<Runtime, 'db' | 'vault' | 'quotas'>,
  access: Access,
): FastifyPluginAsyncZod {
  const { db, vault } = deps;
  const change = async (request: FastifyRequest, id: string, fields: Parameters<typeof changeBuyer>[3]) => {
    const buyer = await changeBuyer(db, organizationOf(request), id, fields);
    if (!buyer) throw notFound('provider');
    return { success: true as const, provider: shown(buyer) };
  };
  return async (app) => {
    app.post(
      '/api/providers',
      {
        onRequest: access.organization('providers:write'),
        schema: {
          tags: ['providers'],
          summary: 'Add a provider',
          body: z.strictObject({
            external_id: providerId,
            name: name.nullish(),
            phone,
            email: email.nullish(),
            language: language.nullish(),
          }),
          response: { 201: answer, ...problemResponses(400, 401, 403, 409, 413, 415, 429, 503) },
        },
      },
      async (request, reply) => {
        const organizationId = organizationOf(request);
        await countIdempotencyKey(request, deps, quotaOwnerOf(request));
        const key = idempotencyKeyOf(request, { organizationId, vault }, request.body);
        const { external_id: externalId, phone, name = null, email = null, language = null } = request.body;
        const fields = { externalId, phone, name, email, language };
        const created = {
          success: true as const,
          provider: shown({ ...fields, id: '', active: true, createdAt: new Date() }),
        };
        const buyer = { ...fields, id: newId(), organizationId, idempotencyKey: key };
        try {
          await deps.quotas.stored('providers', organizationId, (most) =>
            createBuyer(db, { ...buyer, most }),
          );
        } catch (error) {
          const collision = violatedUnique(error);
          // A retry after a lost response may be refused because of the very provider it created.
          if (collision === null && !(error instanceof StoredQuotaError)) throw error;
          const first = await firstAnswer(deps.db, key);
          const stored = first && (await findBuyer(db, organizationId, externalId));
          if (stored) return reply.status(201).send({ success: true, provider: shown(stored) });
          if (collision !== buyerConstraint) throw error;
          throw new RefusedError(409, 'provider_exists', 'A provider with this external_id already exists.');
        }
        return reply.status(201).send(created);
      },
    );

    app.get(
      '/api/providers',
      {
        onRequest: access.organization('providers:read'),
        schema: {
          tags: ['providers'],
          summary: 'List providers, ordered by external_id',
          description:
            'With the buyers of the marketplace whose phone is confirmed, to whom leads can be offered too.',
          querystring: z.strictObject({
            limit,
            cursor: z.string().max(700).optional(),
            active: z.enum(['true', 'false']).optional(),
          }),
          response: {
            200: z.object({
              success: z.literal(true),
              providers: z.array(provider),
              next_cursor: z.string().nullable(),
            }),
            ...problemResponses(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { limit, cursor, active } = request.query;
        const after = readCursor(cursor, [/^[^\0]{1,128}$/])?.[0] ?? null;
        const page = { limit, after, active: active === undefined ? null : active === 'true' };
        const rows = await listBuyers(db.reader, organizationOf(request), page);
        return {
          success: true as const,
          providers: rows.map(shown),
          next_cursor: nextCursor(rows, limit, (last) => [last.externalId]),
        };
      },
    );

    app.get(
      '/api/providers/:provider_id',
      {
        onRequest: access.organization('providers:read'),
        schema: {
          tags: ['providers'],
          summary: 'Read a provider',
          params,
          response: { 200: answer, ...problemResponses(400, 401, 403, 404, 429, 503) },
        },
      },
      async (request) => {
        const buyer = await findBuyer(db, organizationOf(request), request.params.provider_id);
        if (!buyer) throw notFound('provider');
        return { success: true as const, provider: shown(buyer) };
      },
    );

    app.patch(
      '/api/providers/:provider_id',
      {
        onRequest: access.organization('providers:write'),
        schema: {
          tags: ['providers'],
          summary: 'Update the given fields of a provider; null clears a field',
          description: 'A buyer of the marketplace is not changed here: its id is a 404.',
          params,
          body: z.strictObject({
            name: name.nullable().optional(),
            phone: phone.optional(),
            email: email.nullable().optional(),
            language: language.nullable().optional(),
            active: z.boolean().optional(),
          }),
          response: { 200: answer, ...problemResponses(400, 401, 403, 404, 413, 415, 429, 503) },
        },
      },
      async (request) => change(request, request.params.provider_id, request.body),
    );

    app.delete(
      '/api/providers/:provider_id',
      {
        onRequest: access.organization('providers:write'),
        schema: {
          tags: ['providers'],
          summary: 'Deactivate a provider: it gets no further offers and keeps what it bought',
          description: 'A buyer of the marketplace is not changed here: its id is a 404.',
          params,
          response: { 200: answer, ...problemResponses(400, 401, 403, 404, 429, 503) },
        },
      },
      async (request) => change(request, request.params.provider_id, { active: false }),
    );
  };
}

const shown = (buyer: Buyer): z.infer<typeof provider> => ({
  external_id: buyer.externalId,
  name: buyer.name,
  phone: buyer.phone,
  email: buyer.email,
  language: buyer.language,
  active: buyer.active,
  created_at: new Date(buyer.createdAt).toISOString(),
});
