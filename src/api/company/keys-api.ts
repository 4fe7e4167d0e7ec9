import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type ApiKey, findMadeKey, listActiveKeys } from '../../db/account/api-keys.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { firstAnswer } from '../../db/transport/idempotency.ts';
import { companyScopes } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import { createCompanyKey, revokeCompanyKey } from '../../usecases/account/keys.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { callerOf, quotaOwnerOf } from '../auth/caller.ts';
import { text } from '../http/fields.ts';
import { countIdempotencyKey, idempotencyKeyOf } from '../http/idempotency.ts';
import { notFound, problemResponses } from '../http/problem.ts';
import { companyParams } from './companies-api.ts';
import { companyInAddress } from './site.ts';

const tags = ['companies'];
const keySchema = z.object({
  key_id: z.string(),
  name: z.string(),
  prefix: z.string().describe('Its first characters, to identify the key by'),
  scopes: z.array(z.string()),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});

/** API keys of a company: shown once, listed by their first characters, revoked immediately. */
export function companyKeyRoutes(
  deps: Pick<Runtime, 'db' | 'vault' | 'quotas'>,
  access: Access,
): FastifyPluginAsyncZod {
  const { db, vault } = deps;
  return async (app) => {
    app.post(
      '/api/companies/:company_id/keys',
      {
        onRequest: access.company('companies:write'),
        schema: {
          tags,
          summary: 'Create an API key; it is shown in this response and never again',
          description:
            'Repeated with the same Idempotency-Key, the request returns the same key, with `key` null.',
          params: companyParams,
          body: z.strictObject({
            name: text(100),
            scopes: z
              .array(z.enum(companyScopes))
              .min(1)
              .max(companyScopes.length)
              .default(['leads:read', 'leads:write']),
          }),
          response: {
            201: keySchema.extend({ key: z.string().nullable() }),
            ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { organizationId } = await companyInAddress(deps, request);
        const { name } = request.body;
        const { scopes } = request.body;
        await countIdempotencyKey(request, deps, quotaOwnerOf(request, organizationId));
        const idempotencyKey = idempotencyKeyOf(request, { organizationId, vault }, request.body);
        try {
          const given = { name, scopes, idempotencyKey };
          const made = await createCompanyKey(deps, organizationId, given, callerOf(request));
          return reply.status(201).send({ ...shown(made.row), key: made.key });
        } catch (error) {
          // A retry after a lost response may hit the limit because of the very key it created.
          const isFull = error instanceof RefusedError && error.code === 'too_many_keys';
          if (violatedUnique(error) === null && !isFull) throw error;
          const first = await firstAnswer(deps.db, idempotencyKey);
          const id = (first?.body as { key_id: string } | undefined)?.key_id;
          const known = id === undefined ? null : await findMadeKey(db, organizationId, id);
          if (!known) throw error;
          return reply.status(201).send({ ...shown(known), key: null });
        }
      },
    );

    app.get(
      '/api/companies/:company_id/keys',
      {
        onRequest: access.company('companies:read'),
        schema: {
          tags,
          summary: 'List the active API keys of a company, newest first',
          params: companyParams,
          response: {
            200: z.object({ keys: z.array(keySchema) }),
            ...problemResponses(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = await companyInAddress(deps, request);
        return { keys: (await listActiveKeys(db, organizationId)).map(shown) };
      },
    );

    app.delete(
      '/api/companies/:company_id/keys/:key_id',
      {
        onRequest: access.company('companies:write'),
        schema: {
          tags,
          summary: 'Revoke an API key, effective immediately',
          params: companyParams.extend({ key_id: z.uuid() }),
          response: {
            200: z.object({ message: z.string(), key_id: z.string() }),
            ...problemResponses(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = await companyInAddress(deps, request);
        const { key_id } = request.params;
        if (!(await revokeCompanyKey(db, organizationId, key_id, callerOf(request)))) throw notFound('key');
        return { message: 'The key is revoked.', key_id };
      },
    );
  };
}

const shown = (key: ApiKey): z.infer<typeof keySchema> => ({
  key_id: key.id,
  name: key.name,
  prefix: key.prefix,
  scopes: key.scopes,
  created_at: new Date(key.createdAt).toISOString(),
  last_used_at: key.lastUsedAt && new Date(key.lastUsedAt).toISOString(),
});
