import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { CountryCode } from 'libphonenumber-js';
import { z } from 'zod';
import type { Company } from '../../db/account/companies.ts';
import { violatedUnique } from '../../db/constraints.ts';
import { findUploaded, firstOfPhones, type Kept } from '../../db/lead/uploads.ts';
import { firstAnswer, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { LeadCandidate } from '../../domain/lead/candidate.ts';
import { judgeGiven } from '../../domain/lead/given.ts';
import { leadsPerRequest } from '../../domain/lead/limits.ts';
import { phoneIdentity } from '../../domain/phone/lead-phone.ts';
import { startSlice } from '../../engine/slices.ts';
import { timeOfId } from '../../events/envelope.ts';
import { type UploadOutcome, uploadLeads } from '../../usecases/lead/upload.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { callerOf, quotaOwnerOf } from '../auth/caller.ts';
import { readJsonBodies } from '../http/bodies.ts';
import {
  countIdempotencyKey,
  hasIdempotencyKey,
  idempotencyKeyOf,
  idempotencyKeyWith,
} from '../http/idempotency.ts';
import { problemResponses, problemSchema } from '../http/problem.ts';
import { receiveLeads, wrongCompany } from './bulk-leads.ts';
import { companyOfLeads } from './lookup.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'quotas'>;

const tags = ['uploads'];
/** Room for the largest number of leads with long notes, about 3 KB each. */
const largestBody = 16 * 1024 * 1024;
/** Values of all leads, 60 of each of the largest number, and of one: 200 custom fields, 50 tags, the lead's own, and room. */
const mostValues = 60 * leadsPerRequest;
const mostValuesEach = 1_000;

const described = (description: string, type = 'string') => z.unknown().meta({ type, description });
const optional = () => z.unknown().optional().meta({ type: 'string' });
/** For the documentation only: leads are judged one by one by the rules of domain/, which give the reasons. */
const lead = z.looseObject({
  company_id: described('The company the lead belongs to', 'integer'),
  name: described('Full name; or first_name and last_name'),
  phone: described('With a country code, or in the national format of the company’s region'),
  notes: optional(),
  email: optional(),
  first_name: optional(),
  last_name: optional(),
  company: optional(),
  address: optional(),
  city: optional(),
  state: optional(),
  postal_code: optional(),
  country: optional(),
  website: optional(),
  source: optional(),
  tags: z
    .unknown()
    .optional()
    .meta({ type: 'array', items: { type: 'string' } }),
  custom_fields: z
    .unknown()
    .optional()
    .meta({ type: 'object', additionalProperties: { type: 'string' } }),
});
const bulk = z.object({ leads: z.array(lead).min(1).max(leadsPerRequest) });
const fieldErrors = z.record(z.string(), z.array(z.string()));

const taken = z.object({
  lead_id: z.string(),
  company_id: z.number().int(),
  name: z.string(),
  phone: z.string().describe('E.164 when the number is valid'),
  phone_valid: z.boolean(),
  email: z.string().nullable(),
  notes: z.string().nullable(),
  status: z.literal('pending'),
  created_at: z.string(),
});
const warnings = z
  .record(z.string(), z.array(z.string()))
  .describe('What the lead was stored without or cannot be used for, by field; absent when there is nothing');
const created = z.object({
  message: z.string(),
  lead_id: z.string(),
  job_id: z.string(),
  lead: taken,
  warnings: warnings.optional(),
});
const duplicate = z.object({
  message: z.string(),
  duplicate: z.literal(true),
  lead_id: z.string().nullable().describe('The lead that has this phone already'),
});
const batch = z.object({
  message: z.string(),
  summary: z.object({
    total_submitted: z.number().int(),
    valid: z.number().int(),
    invalid: z.number().int(),
    duplicates: z.number().int(),
    created: z.number().int(),
    enqueued: z.number().int(),
    failed: z.number().int(),
  }),
  invalid_leads: z.array(z.object({ index: z.number().int(), data: z.unknown(), errors: fieldErrors })),
  warnings: z
    .array(z.object({ index: z.number().int(), warnings }))
    .optional()
    .describe('The first 1,000 leads that were stored with a warning; absent when there are none'),
  job_ids: z.array(z.string()).describe('One for each created lead, in order, for GET /api/jobs/{job_id}'),
});

/** Leads that a company uploads as JSON, one or many. Both are stored by usecases/lead/upload.ts. */
export function leadRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(singleRoute(deps, access));
    await app.register(bulkRoute(deps, access));
  };
}

function singleRoute(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const { vault } = deps;
  return async (app) => {
    app.post(
      '/leads/single',
      {
        onRequest: access.company('leads:write'),
        validatorCompiler: () => anObject,
        schema: {
          tags,
          summary: 'Upload one lead',
          description: 'Send an Idempotency-Key so that the request can be retried safely.',
          body: lead,
          response: {
            200: duplicate,
            201: created,
            ...problemResponses(401, 403, 409, 413, 415, 429, 503),
            400: z.union([z.object({ errors: fieldErrors }), problemSchema]),
          },
        },
      },
      async (request, reply) => {
        const { body } = request;
        const company = await companyOfLeads(deps, callerOf(request), [body]);
        const region = (company?.defaultRegion ?? 'US') as CountryCode;
        const judged = judgeGiven(body, region, wrongCompany(body, company));
        if (!judged.ok || !company) return reply.status(400).send({ errors: judged.ok ? {} : judged.errors });
        const owner = quotaOwnerOf(request, company.organizationId);
        await deps.quotas.take('leads', owner);
        await countIdempotencyKey(request, deps, owner);
        const key = idempotencyKeyOf(request, { organizationId: company.organizationId, vault }, body);
        const outcome = await storeOne(deps, company, judged.lead, { key, correlationId: request.id });
        if (outcome.kind === 'duplicate')
          return reply.status(200).send({
            message: 'A lead with this phone was already uploaded, so this one was not stored.',
            duplicate: true,
            lead_id: outcome.publicId,
          });
        const { leadId, publicId } = outcome;
        const { name, phone, phoneValid, email, notes } = judged.lead;
        return reply.status(201).send({
          message: 'The lead was stored and will be sent to the CRM.',
          lead_id: publicId,
          job_id: leadId,
          lead: {
            lead_id: publicId,
            company_id: company.number,
            name,
            phone,
            phone_valid: phoneValid,
            email,
            notes,
            status: 'pending',
            created_at: timeOfId(leadId).toISOString(),
          },
          ...(judged.warnings === undefined ? {} : { warnings: judged.warnings }),
        });
      },
    );
  };
}

/** In a scope of its own, because its bodies may be larger than others. */
function bulkRoute(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    readJsonBodies(app, { mostBytes: largestBody, values: mostValues, valuesEach: mostValuesEach });
    app.post(
      '/api/leads/bulk',
      {
        onRequest: access.company('leads:write'),
        validatorCompiler: () => leadsInside,
        schema: {
          tags,
          summary: `Upload leads of one company, up to ${leadsPerRequest} in a request`,
          description:
            'All valid leads are stored together, or none. Send an Idempotency-Key so that the request can be retried safely.',
          body: bulk,
          response: { 200: batch, ...problemResponses(400, 401, 403, 409, 413, 415, 429, 503) },
        },
      },
      async (request) => {
        const { leads } = request.body;
        const company = await companyOfLeads(deps, callerOf(request), leads);
        if (company) {
          const owner = quotaOwnerOf(request, company.organizationId);
          await deps.quotas.take('leads', owner, leads.length);
          await countIdempotencyKey(request, deps, owner);
        }
        const key = company ? await keyOf(deps, company, request, leads) : null;
        return receiveLeads(deps, { company, leads, key, correlationId: request.id });
      },
    );
  };
}

function anObject(body: unknown): { value: unknown } {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { value: body };
  throw new RefusedError(400, 'invalid_input', 'Send a lead as a JSON object.');
}

/** Returns null when the request has no Idempotency-Key. */
async function keyOf(
  { vault }: Deps,
  company: Company,
  request: FastifyRequest,
  leads: readonly unknown[],
): Promise<IdempotencyKey | null> {
  if (!hasIdempotencyKey(request)) return null;
  const hash = vault.indexOfPieces();
  const slice = startSlice();
  hash.add('{"leads":[');
  for (const [i, lead] of leads.entries()) {
    hash.add(`${i === 0 ? '' : ','}${JSON.stringify(lead)}`);
    if (slice.isOver()) await slice.next();
  }
  hash.add(']}');
  return idempotencyKeyWith(request, company, hash.value());
}

/** Checks only the list: a schema for each lead would take longer than judging it. */
function leadsInside(body: unknown): { value: unknown } {
  const leads = (body as { leads?: unknown } | null)?.leads;
  if (Array.isArray(leads) && leads.length > 0 && leads.length <= leadsPerRequest)
    return { value: { leads } };
  throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
    fields: [{ path: 'leads', message: `must be a list of 1 to ${leadsPerRequest} leads` }],
  });
}

/** Returns the first outcome when the Idempotency-Key was used before. */
async function storeOne(
  deps: Deps,
  company: Company,
  lead: LeadCandidate,
  { key, correlationId }: { key: IdempotencyKey | null; correlationId: string },
): Promise<UploadOutcome> {
  const options = {
    publish: true,
    nameFirst: true,
    cause: { correlationId, causationId: null },
    key: key && { key, status: 201, kept: {} },
  };
  try {
    const [outcome] = (await uploadLeads(deps, company, [lead], options))!;
    return outcome!;
  } catch (error) {
    if (violatedUnique(error) === null) throw error;
    const first = await firstAnswer(deps.db, key);
    if (!first) throw error;
    const { created } = first.body as Kept<unknown>;
    const [stored] = await findUploaded(deps.db, company.organizationId, created);
    if (stored) return { kind: 'created', leadId: stored.id, publicId: stored.publicId };
    const hash = deps.vault.index(phoneIdentity(lead.phone));
    const known = await firstOfPhones(deps.db, company.organizationId, [hash]);
    return { kind: 'duplicate', publicId: known.get(hash) ?? null };
  }
}
