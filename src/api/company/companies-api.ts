import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import {
  changeCompany,
  companyTaken,
  findCompany,
  listCompanies,
  registerCompany,
} from '../../db/account/companies.ts';
import type { Queryable } from '../../db/client.ts';
import { firstAnswer } from '../../db/transport/idempotency.ts';
import { type Read, readCrmToken, readRegistration, readSettings } from '../../domain/account/company.ts';
import { RefusedError } from '../../domain/errors.ts';
import { connectCompany } from '../../usecases/crm/connect.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { callerOf, quotaOwnerOf } from '../auth/caller.ts';
import { limit, nextCursor, readCursor } from '../http/fields.ts';
import { countIdempotencyKey, idempotencyKeyOf } from '../http/idempotency.ts';
import { notFound, problemResponses } from '../http/problem.ts';
import { companyJson, companySchema } from './company-json.ts';
import { companyInAddress } from './site.ts';

const tags = ['companies'];
export const companyParams = z.object({ company_id: z.coerce.number().int().min(1).max(2_147_483_647) });
/** Owner of the Idempotency-Keys of registrations, whose organization does not exist yet. */
const noOrganization = '00000000-0000-0000-0000-000000000000';

const given = z.string().max(10_000);
const registration = z.strictObject({
  company_name: given,
  owner_name: given,
  owner_email: given,
  owner_phone: given,
  ghl_location_id: given,
  default_region: given.optional(),
});
const settings = z.strictObject({
  company_name: given.optional(),
  owner_name: given.optional(),
  owner_email: given.optional(),
  owner_phone: given.optional(),
  default_region: given.optional(),
  dedupe_days: z.number().optional(),
  tags: z.array(given).max(200).optional(),
  source_label: given.nullable().optional(),
  field_mapping: z.record(z.string(), given).optional(),
  rate_share: z.number().optional(),
  crm: z
    .strictObject({
      token: given,
      location_id: given.optional(),
      api_version: given.optional(),
      vendor: given.optional().describe('Absent: the CRM that the company has'),
    })
    .optional()
    .describe(
      'A private integration token (v2) or a location’s key (v1). It is tested, encrypted, and never shown again',
    ),
});
const one = z.object({ company: companySchema });

/** Companies: organizations that upload leads of their own to their CRM. */
export function companyRoutes(
  deps: Pick<Runtime, 'db' | 'vault' | 'crms' | 'config' | 'log' | 'quotas'>,
  access: Access,
): FastifyPluginAsyncZod {
  const { db, vault } = deps;
  return async (app) => {
    app.post(
      '/company/register',
      {
        onRequest: access.operator('companies:write'),
        schema: {
          tags,
          summary: 'Register a company',
          description: 'For operators. Send an Idempotency-Key so that the request can be retried safely.',
          body: registration,
          response: {
            201: z.object({ message: z.string(), company_id: z.number().int(), company: companySchema }),
            ...problemResponses(400, 401, 403, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        await countIdempotencyKey(request, deps, quotaOwnerOf(request, noOrganization));
        const key = idempotencyKeyOf(request, { organizationId: noOrganization, vault }, request.body);
        const fields = valid(readRegistration(request.body));
        const registered = async () => {
          try {
            return await registerCompany(deps, fields, { by: callerOf(request).actor, key });
          } catch (error) {
            const first = await firstAnswer(deps.db, key);
            const number = (first?.body as { company_id: number } | undefined)?.company_id;
            const known = number === undefined ? null : await findCompany(db, { number });
            if (known) return known;
            throw companyTaken(error) ?? error;
          }
        };
        const company = await registered();
        return reply.status(201).send({
          message: `${company.name} is registered as company ${company.number}.`,
          company_id: company.number,
          company: companyJson(company),
        });
      },
    );

    app.get(
      '/api/companies',
      {
        onRequest: access.company('companies:read'),
        schema: {
          tags,
          summary: 'List companies by number',
          querystring: z.strictObject({
            limit,
            cursor: z.string().max(100).optional(),
            search: z
              .string()
              .max(200)
              .regex(/^[^\0]*$/, 'must not contain NUL')
              .optional(),
          }),
          response: {
            200: z.object({ companies: z.array(companySchema), next_cursor: z.string().nullable() }),
            ...problemResponses(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { limit, cursor, search } = request.query;
        const after = Number(readCursor(cursor, [/^\d{1,9}$/])?.[0] ?? 0);
        const { organizations } = callerOf(request);
        const rows = await listCompanies(db, { limit, after, search, organizations });
        return {
          companies: rows.map(companyJson),
          next_cursor: nextCursor(rows, limit, (last) => [String(last.number)]),
        };
      },
    );

    app.get(
      '/api/companies/:company_id',
      {
        onRequest: access.company('companies:read'),
        schema: {
          tags,
          summary: 'Read a company and its settings',
          params: companyParams,
          response: { 200: one, ...problemResponses(400, 401, 403, 404, 429, 503) },
        },
      },
      async (request) => ({ company: companyJson(await companyInAddress(deps, request)) }),
    );

    app.patch(
      '/api/companies/:company_id',
      {
        onRequest: access.company('companies:write'),
        schema: {
          tags,
          summary: 'Update the given settings of a company, and connect its CRM with a token',
          params: companyParams,
          body: settings,
          response: { 200: one, ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503) },
        },
      },
      async (request) => {
        const { organizationId, defaultRegion } = await companyInAddress(deps, request);
        const { crm, ...rest } = request.body;
        const changes = valid(readSettings(rest, defaultRegion));
        const change = (tx: Queryable) => changeCompany(tx, organizationId, changes);
        if (crm) {
          const token = valid(readCrmToken(crm), 'crm.');
          const { actor, organizations } = callerOf(request);
          const given = { ...token, actor, byOperator: organizations === null };
          await deps.quotas.take('crm_attempts', quotaOwnerOf(request, organizationId));
          // All or nothing: what the CRM or the database rejects changes nothing.
          await connectCompany(deps, organizationId, given, change);
        } else await change(db);
        const company = await findCompany(db, { organizationId });
        if (!company) throw notFound('company');
        return { company: companyJson(company) };
      },
    );
  };
}

function valid<T>(read: Read<T>, prefix = ''): T {
  if (read.ok) return read.value;
  throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
    fields: Object.entries(read.errors).flatMap(([field, reasons]) =>
      reasons.map((message) => ({ path: prefix + field, message })),
    ),
  });
}
