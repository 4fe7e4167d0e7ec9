import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findSupplier, listSuppliers, type Supplier } from '../../db/marketplace/suppliers.ts';
import { partyStatuses } from '../../domain/marketplace/party.ts';
import { createSupplier, rotateKey, updateSupplier } from '../../usecases/marketplace/suppliers.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { sellerOf } from '../auth/caller.ts';
import {
  assertGiven,
  bodyOf,
  contractProblems,
  type Given,
  isBlank,
  missing,
  queryOf,
  read,
} from '../http/contract.ts';
import { idOf, iso, optionalIso, partyEmail, partyName } from './fields.ts';
import * as examples from './party-examples.ts';

const unknown = 'Supplier not found';
const params = z.object({ id: z.string() });

const categories = z.array(z.uuid()).max(200);
const newSupplier = z.object({ name: partyName, email: partyEmail, categories: categories.default([]) });
const changes = z.object({
  name: partyName.optional(),
  email: partyEmail.optional(),
  categories: categories.optional(),
  status: z.enum(partyStatuses).optional(),
  testMode: z.boolean().optional(),
});
const listQuery = z.object({ status: z.enum(partyStatuses).optional() });

const supplierSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  status: z.enum(partyStatuses),
  categories: z.array(z.string()).describe('Ids of the categories that it may send'),
  leadsDelivered: z.int().describe('Counted up to 10,000'),
  lastDeliveryAt: z.string().nullable(),
  apiKeyPreview: z.string().nullable().describe('Null without an active key'),
  testMode: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export const shownSupplier = (supplier: Supplier): z.infer<typeof supplierSchema> => ({
  id: supplier.id,
  name: supplier.name,
  email: supplier.email,
  status: supplier.status,
  categories: supplier.categories,
  leadsDelivered: supplier.leadsDelivered,
  lastDeliveryAt: optionalIso(supplier.lastDeliveryAt),
  apiKeyPreview: supplier.keyPrefix === null ? null : `${supplier.keyPrefix}…`,
  testMode: supplier.testMode,
  createdAt: iso(supplier.createdAt),
  updatedAt: iso(supplier.updatedAt),
});

type Deps = Pick<Runtime, 'db' | 'quotas'>;

export function supplierRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(listAndCreate(deps, access));
    await app.register(oneSupplier(deps, access));
  };
}

function listAndCreate(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/suppliers',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['suppliers'],
          summary: 'List suppliers, newest first',
          querystring: z.object({ status: z.enum(partyStatuses) }).partial(),
          response: {
            200: z
              .object({ suppliers: z.array(supplierSchema) })
              .meta({ examples: [{ suppliers: [examples.supplier] }] }),
            ...contractProblems(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = sellerOf(request);
        const { status = null } = read(listQuery, queryOf(request));
        const rows = await listSuppliers(deps.db.reader, organizationId, status);
        return { suppliers: rows.map(shownSupplier) };
      },
    );
    app.post(
      '/api/suppliers',
      {
        onRequest: access.market('seller'),
        schema: {
          tags: ['suppliers'],
          summary: 'Make a supplier and its key, which is shown once; it starts in test mode',
          body: z
            .object({ name: z.string(), email: z.string(), categories: z.array(z.string()).optional() })
            .meta({ examples: [examples.newSupplier] }),
          response: {
            201: z
              .object({
                message: z.literal('Supplier created successfully'),
                supplier: supplierSchema.extend({ apiKey: z.string() }),
              })
              .meta({
                examples: [
                  {
                    message: 'Supplier created successfully',
                    supplier: { ...examples.supplier, apiKey: examples.apiKey },
                  },
                ],
              }),
            ...contractProblems(400, 401, 403, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { organizationId, person } = sellerOf(request);
        const fields = supplierOf(bodyOf(request));
        const { supplier, apiKey } = await createSupplier(deps, organizationId, fields, person.id);
        return reply.status(201).send({
          message: 'Supplier created successfully',
          supplier: { ...shownSupplier(supplier), apiKey },
        });
      },
    );
  };
}

/** The supplier that a seller makes. Throws 400. */
export function supplierOf(given: Given) {
  assertGiven(given, ['name', 'email'], 'Name and email are required');
  return read(newSupplier, isBlank(given.categories) ? { ...given, categories: undefined } : given);
}

/** What of a supplier is changed. Throws 400. */
export const supplierChangeOf = (given: Given) => read(changes, given);

function oneSupplier(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const { db } = deps;
  const onRequest = access.market('seller');
  const change = async (request: FastifyRequest) => {
    const { organizationId, person } = sellerOf(request);
    const fields = supplierChangeOf(bodyOf(request));
    const id = idOf(request.params, unknown);
    const supplier = await updateSupplier({ db }, organizationId, id, fields, { actor: person.id });
    if (!supplier) throw missing(unknown);
    return { message: 'Supplier updated successfully' as const, supplier: shownSupplier(supplier) };
  };
  return async (app) => {
    app.get(
      '/api/suppliers/:id',
      {
        onRequest,
        schema: {
          tags: ['suppliers'],
          summary: 'Read a supplier',
          params,
          response: {
            200: z.object({ supplier: supplierSchema }).meta({ examples: [{ supplier: examples.supplier }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = sellerOf(request);
        const supplier = await findSupplier(db, organizationId, idOf(request.params, unknown));
        if (!supplier) throw missing(unknown);
        return { supplier: shownSupplier(supplier) };
      },
    );
    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/suppliers/:id',
        onRequest,
        schema: {
          tags: ['suppliers'],
          summary: 'Change the given fields of a supplier; categories replace all it had',
          params,
          body: z
            .object({
              name: z.string(),
              email: z.string(),
              categories: z.array(z.string()),
              status: z.enum(partyStatuses),
              testMode: z.boolean(),
            })
            .partial()
            .meta({ examples: [{ testMode: false }] }),
          response: {
            200: z
              .object({
                message: z.literal('Supplier updated successfully'),
                supplier: supplierSchema,
              })
              .meta({
                examples: [
                  {
                    message: 'Supplier updated successfully',
                    supplier: { ...examples.supplier, testMode: false },
                  },
                ],
              }),
            ...contractProblems(400, 401, 403, 404, 413, 415, 429, 503),
          },
        },
        handler: change,
      });
    }
    app.delete(
      '/api/suppliers/:id',
      {
        onRequest,
        schema: {
          tags: ['suppliers'],
          summary: 'Deactivate a supplier: its keys are refused until it is active again',
          params,
          response: {
            200: z
              .object({ message: z.literal('Supplier deactivated successfully') })
              .meta({ examples: [{ message: 'Supplier deactivated successfully' }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId, person } = sellerOf(request);
        const by = { actor: person.id, action: 'supplier.deactivated' };
        const id = idOf(request.params, unknown);
        if (!(await updateSupplier({ db }, organizationId, id, { status: 'INACTIVE' }, by)))
          throw missing(unknown);
        return { message: 'Supplier deactivated successfully' as const };
      },
    );
    app.post(
      '/api/suppliers/:id/rotate-key',
      {
        onRequest,
        schema: {
          tags: ['suppliers'],
          summary: 'Replace the key of a supplier; the former one is refused at once',
          params,
          response: {
            200: z
              .object({ message: z.literal('API key rotated successfully'), apiKey: z.string() })
              .meta({ examples: [{ message: 'API key rotated successfully', apiKey: examples.apiKey }] }),
            ...contractProblems(401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId, person } = sellerOf(request);
        const apiKey = await rotateKey(deps, organizationId, idOf(request.params, unknown), person.id);
        if (apiKey === null) throw missing(unknown);
        return { message: 'API key rotated successfully' as const, apiKey };
      },
    );
  };
}
