import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type ApiKey, listKeys, makeKey, revokeKeyOf } from '../../db/account/api-keys.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { firstAnswer } from '../../db/transport/idempotency.ts';
import { allows, type Scope } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { type CompanyAccess, companyCallerOf, companyOfAddress } from '../auth/company-caller.ts';
import { text } from '../http/fields.ts';
import { idempotencyKeyOf } from '../http/idempotency.ts';
import { notFound, problemResponses } from '../http/problem.ts';
import { companyParams } from './companies-api.ts';

const tags = ['companies'];
/** What a company's programs may be allowed: never to read what an operator must. */
const grantable = [
  'leads:read',
  'leads:write',
  'companies:read',
  'companies:write',
] as const satisfies Scope[];

const keySchema = z.object({
  key_id: z.string(),
  name: z.string(),
  prefix: z.string().describe('Its first characters, to recognise it by'),
  scopes: z.array(z.string()),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});

/** Keys of a company's programs: shown once, listed by their first characters, revoked at once. */
export function companyKeyRoutes(
  deps: Pick<Runtime, 'db' | 'vault'>,
  access: CompanyAccess,
): FastifyPluginAsyncZod {
  const { db, vault } = deps;
  return async (app) => {
    app.post(
      '/api/companies/:company_id/keys',
      {
        onRequest: access.require('companies:write'),
        schema: {
          tags,
          summary: 'Make an API key; it is shown in this answer and never again',
          description: 'Repeated with the same Idempotency-Key it is the same key, and `key` is null.',
          params: companyParams,
          body: z.strictObject({
            name: text(100),
            scopes: z
              .array(z.enum(grantable))
              .min(1)
              .max(grantable.length)
              .default(['leads:read', 'leads:write']),
          }),
          response: {
            201: keySchema.extend({ key: z.string().nullable() }),
            ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const { organizationId } = await companyOfAddress(deps, request);
        const { name } = request.body;
        const scopes = [...new Set(request.body.scopes)];
        const granted = companyCallerOf(request).scopes;
        const beyond = scopes.find((scope) => !allows(granted, scope));
        if (beyond)
          throw new RefusedError(
            403,
            'scope_missing',
            `This API key lacks the scope ${beyond}, and cannot give it.`,
          );
        const idempotencyKey = idempotencyKeyOf(request, { organizationId, vault }, request.body);
        try {
          const made = await makeKey(db, {
            organizationId,
            owner: 'organization',
            name,
            scopes,
            idempotencyKey,
          });
          return reply.status(201).send({ ...shown(made.row), key: made.key });
        } catch (error) {
          // The hundredth key, whose answer was lost, is asked for again: it is one of the hundred.
          const isFull = error instanceof RefusedError && error.code === 'too_many_keys';
          if (violatedUnique(error) === null && !isFull) throw error;
          const first = await firstAnswer(deps.db, idempotencyKey);
          const id = (first?.body as { key_id: string } | undefined)?.key_id;
          const known = (await listKeys(db, organizationId)).find((key) => key.id === id);
          if (!known) throw error;
          return reply.status(201).send({ ...shown(known), key: null });
        }
      },
    );

    app.get(
      '/api/companies/:company_id/keys',
      {
        onRequest: access.require('companies:read'),
        schema: {
          tags,
          summary: 'List the API keys of a company that are in force, newest first',
          params: companyParams,
          response: {
            200: z.object({ keys: z.array(keySchema) }),
            ...problemResponses(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = await companyOfAddress(deps, request);
        const keys = await listKeys(db, organizationId);
        return { keys: keys.filter(({ revokedAt }) => revokedAt === null).map(shown) };
      },
    );

    app.delete(
      '/api/companies/:company_id/keys/:key_id',
      {
        onRequest: access.require('companies:write'),
        schema: {
          tags,
          summary: 'Revoke an API key: it is refused from now on',
          params: companyParams.extend({ key_id: z.uuid() }),
          response: {
            200: z.object({ message: z.string(), key_id: z.string() }),
            ...problemResponses(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId } = await companyOfAddress(deps, request);
        const { key_id } = request.params;
        const { scopes: granted } = companyCallerOf(request);
        const named = (await listKeys(db, organizationId)).find(({ id }) => id === key_id);
        const beyond = named?.scopes.find((scope) => !allows(granted, scope));
        if (beyond)
          throw new RefusedError(
            403,
            'scope_missing',
            `This caller lacks the scope ${beyond}, and cannot revoke a key that has it.`,
          );
        if (!(await revokeKeyOf(db, organizationId, key_id))) throw notFound('key');
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
