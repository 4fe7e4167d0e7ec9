import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findLead, listLeads, type SealedContact, type StoredLead } from '../../db/lead/leads.ts';
import { allows } from '../../domain/account/scopes.ts';
import { RefusedError } from '../../domain/errors.ts';
import { LOCKED } from '../../domain/lead/lead.ts';
import { judgeSaleContact, type SaleContact } from '../../domain/lead/sale-contact.ts';
import type { GivenTerms } from '../../domain/lead/terms.ts';
import { PRICE_MAX_MINOR, PRICE_MIN_MINOR, parseCurrency } from '../../domain/money.ts';
import { unlockStates } from '../../domain/unlock/machine.ts';
import { parseTtlHours, ttlBounds } from '../../domain/unlock/ttl.ts';
import type { QuotaOwner } from '../../usecases/account/quotas.ts';
import { recordContactRead } from '../../usecases/lead/contact-read.ts';
import {
  type LeadOrder,
  namedBy,
  namedTogether,
  offerLead,
  receiveLead,
} from '../../usecases/lead/receive.ts';
import { type LeadToStore, storedTogether } from '../../usecases/lead/store-together.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { type Caller, callerOf, leadOwnerOf, quotaOwnerOf, tenantOf } from '../auth/caller.ts';
import { causeOf } from '../http/cause.ts';
import {
  cell,
  limit,
  nextCursor,
  optionalText,
  readCursor,
  requiredCell,
  text,
  uuidShape,
} from '../http/fields.ts';
import { countIdempotencyKey, idempotencyKeyOf } from '../http/idempotency.ts';
import { notFound, problemResponses } from '../http/problem.ts';
import { inSharedTurn, inTurn, takesTurnInHandler } from '../http/turns.ts';
import {
  leadId,
  moreUnlocks,
  optionalLeadId,
  readUnlock,
  shownUnlock,
  unlocksRoute,
} from './lead-unlocks.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'vault' | 'sms' | 'config' | 'quotas'>;

const providerIds = z.array(cell(128)).max(200);

const providerResults = z.array(
  z.object({ provider_id: z.string(), success: z.boolean(), message: z.string() }),
);
const offered = z.object({ lead_id: z.string(), provider_results: providerResults });
const stored = offered.extend({
  warnings: z
    .record(z.string(), z.array(z.string()))
    .optional()
    .describe('Present when part of the contact could not be read: the lead was stored without it'),
});

const readLead = z.object({
  lead_id: z.string(),
  city: z.string().nullable(),
  service_type: z.string().nullable(),
  preferred_time_window: z.string().nullable(),
  budget_range: z.string().nullable(),
  notes_snippet: z.string().nullable(),
  price_cents: z.number().int(),
  currency: z.string(),
  max_sales: z.number().int().nullable(),
  sold: z.number().int(),
  phone_valid: z.boolean(),
  created_at: z.string(),
  client_name: z.string().nullable(),
  client_phone: z.string().nullable(),
  client_email: z.string().nullable(),
  exact_address: z.string().nullable(),
  unlocks: z.array(readUnlock),
  unlock_count: z.number().int().optional().describe('Present when there are more unlocks than shown here'),
  unlocks_next_cursor: z
    .string()
    .optional()
    .describe('Present with unlock_count: the cursor of GET /api/leads/{lead_id}/unlocks for the rest'),
});

/** Not converted, because a Date would round its microseconds. PostgreSQL refuses offsets of 16 hours and more. */
const moment = z.iso
  .datetime({ offset: true })
  .refine((value) => value >= '1970', 'too long ago')
  .refine((value) => !/[+-](?:1[6-9]|2\d):\d\d$/.test(value), 'no time zone is 16 hours or more from UTC');
const listQuery = z.strictObject({
  limit,
  cursor: z.string().max(500).optional(),
  status: z.enum(unlockStates).optional().describe('Leads with an unlock in this state'),
  city: text(120).optional(),
  campaign: z.uuid().optional(),
  created_from: moment.optional(),
  created_to: moment.optional().describe('Exclusive'),
});

export function leadRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  const { terms, body } = bodies(deps.config.sandboxed.length > 0);
  const findNamed = namedTogether(deps);
  const store = storedTogether(deps);

  return async (app) => {
    app.post(
      '/api/leads',
      {
        onRequest: access.organization('leads:write', { bridge: true }),
        preValidation: async (request) => takesTurnInHandler(request),
        schema: {
          tags: ['leads'],
          summary: 'Store a lead and offer it to providers',
          description: 'Send an Idempotency-Key so that the request can be retried safely.',
          body,
          response: { 201: stored, ...problemResponses(400, 401, 403, 409, 413, 415, 429, 503) },
        },
      },
      async (request, reply) => {
        const order = orderOf(request.body);
        const owner = quotaOwnerOf(request);
        await deps.quotas.take('leads', owner);
        await countOffers(deps, owner, request.body.provider_ids);
        await countIdempotencyKey(request, deps, owner);
        // Before the turn: the lookup is shared, and takes no connection of this request's own.
        const found = await findNamed(namedBy(order, owner.organizationId));
        const given = { ...requestOf(deps, request), found };
        const shared = {
          ...deps,
          findNamed,
          store: (lead: LeadToStore) => inSharedTurn(request, () => store(lead)),
          inTurn: <T>(work: () => Promise<T>) => inTurn(request, work),
        };
        const answer = await receiveLead(shared, order, given);
        return reply.status(201).send(answer.body as z.infer<typeof stored>);
      },
    );

    app.post(
      '/api/leads/:lead_id/send',
      {
        onRequest: access.organization('leads:write', { bridge: true }),
        schema: {
          tags: ['leads'],
          summary: 'Offer a stored lead to more providers',
          params: z.object({ lead_id: leadId }),
          body: z.strictObject({ provider_ids: providerIds, config: terms.nullish() }),
          response: { 200: offered, ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503) },
        },
      },
      async (request, reply) => {
        const given = requestOf(deps, request);
        const lead = await leadOf(deps, request, request.params.lead_id);
        const owner = quotaOwnerOf(request);
        await countOffers(deps, owner, request.body.provider_ids);
        await countIdempotencyKey(request, deps, owner);
        const order = { providerIds: request.body.provider_ids, ...termsOf(request.body.config) };
        const answer = await offerLead(deps, lead, order, given, 200);
        return reply.status(200).send(answer.body as z.infer<typeof offered>);
      },
    );

    app.get(
      '/api/leads/:lead_id',
      {
        onRequest: access.organization('leads:read', { bridge: true }),
        schema: {
          tags: ['leads'],
          summary: 'Read a lead; its contact stays locked unless an admin key asks for it',
          params: z.object({ lead_id: leadId }),
          querystring: z.strictObject({ include_locked: z.enum(['true', 'false']).optional() }),
          response: {
            200: z.object({ success: z.literal(true), lead: readLead }),
            ...problemResponses(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const lead = await leadOf(deps, request, request.params.lead_id);
        const contact =
          request.query.include_locked === 'true'
            ? await openContact(deps, callerOf(request), lead, request)
            : null;
        return { success: true as const, lead: shown(lead, contact) };
      },
    );

    await app.register(unlocksRoute(deps, access, leadOf));

    app.get(
      '/api/leads',
      {
        onRequest: access.organization('leads:read'),
        schema: {
          tags: ['leads'],
          summary: 'List leads, newest first',
          description: 'With an API key: the leads of the pay-per-unlock API.',
          querystring: listQuery,
          response: {
            200: z.object({
              success: z.literal(true),
              leads: z.array(readLead),
              next_cursor: z.string().nullable(),
            }),
            ...problemResponses(400, 401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { limit, cursor, created_from: createdFrom, created_to: createdTo, ...filter } = request.query;
        const after = readCursor(cursor, [/^\d{1,17}$/, uuidShape]);
        const rows = await listLeads(
          deps.db.reader,
          leadOwnerOf(request),
          { ...filter, createdFrom, createdTo },
          { limit, after: after && { micros: after[0]!, id: after[1]! } },
        );
        return {
          success: true as const,
          leads: rows.map((lead) => shown(lead, null)),
          next_cursor: nextCursor(rows, limit, (last) => [last.micros, last.id]),
        };
      },
    );
  };
}

/** Each provider that is named is an offer, a text and a row, whether or not it is made; named twice, it is one. */
async function countOffers({ quotas }: Deps, owner: QuotaOwner, ids: readonly string[] | null | undefined) {
  if (ids && ids.length > 0) await quotas.take('offers', owner, new Set(ids).size);
}

/** Who offers, under which rules, and the request's Idempotency-Key. */
function requestOf({ vault }: Deps, request: FastifyRequest) {
  const owner = leadOwnerOf(request);
  const { priceFloors } = tenantOf(request);
  const key = idempotencyKeyOf(request, { ...owner, vault }, request.body);
  return { ...owner, priceFloors, key, cause: causeOf(request) };
}

async function leadOf(deps: Deps, request: FastifyRequest, publicId: string): Promise<StoredLead> {
  const lead = await findLead(deps.db, leadOwnerOf(request), publicId);
  if (!lead) throw notFound('lead');
  return lead;
}

/** The audit event is committed before the contact leaves. */
async function openContact(
  { relay, vault }: Deps,
  caller: Caller,
  lead: StoredLead,
  request: FastifyRequest,
): Promise<SealedContact | null> {
  // A supplier's key never opens contacts, whatever its scopes.
  if (!allows(caller.scopes, 'admin') || caller.role === 'supplier') {
    throw new RefusedError(
      403,
      'scope_missing',
      'Reading a locked contact needs an admin key of the organization or an operator.',
    );
  }
  if (lead.contact === null) return null;
  const { id: leadId, organizationId } = lead;
  await recordContactRead({ relay }, { leadId, organizationId }, caller.actor, causeOf(request));
  return vault.openJson<SealedContact>(lead.contact);
}

function shown(lead: StoredLead, contact: SealedContact | null): z.infer<typeof readLead> {
  return {
    lead_id: lead.publicId,
    city: lead.city,
    service_type: lead.serviceType,
    preferred_time_window: lead.public.preferredTimeWindow,
    budget_range: lead.public.budgetRange,
    notes_snippet: contact ? contact.notes : lead.public.notes,
    price_cents: lead.priceMinor,
    currency: lead.currency,
    max_sales: lead.maxSales,
    sold: lead.sold,
    phone_valid: lead.phoneValid,
    created_at: new Date(lead.createdAt).toISOString(),
    client_name: contact ? contact.name : LOCKED,
    client_phone: contact ? contact.phone : LOCKED,
    client_email: contact ? contact.email : LOCKED,
    exact_address: contact ? contact.address : LOCKED,
    unlocks: lead.unlocks.map(shownUnlock),
    ...moreUnlocks(lead),
  };
}

/** A phone or an e-mail cell, which may hold several and labels. */
const LONGEST_CONTACT_CELL = 500;

/** The request schemas. The shortest TTL depends on whether vendors are simulated. */
function bodies(sandbox: boolean) {
  const { minMs, maxMs } = ttlBounds(sandbox);
  const terms = z.strictObject({
    price_cents: z.number().int().min(PRICE_MIN_MINOR).max(PRICE_MAX_MINOR).nullish(),
    currency: z
      .string()
      .refine((code) => parseCurrency(code) !== null, 'not an ISO 4217 currency')
      .nullish(),
    ttl_hours: z
      .number()
      .refine(
        (hours) => parseTtlHours(hours, { sandbox }).ok,
        `must lie between ${minMs / 1000} seconds and ${maxMs / 86_400_000} days`,
      )
      .nullish(),
  });
  const config = terms.extend({ max_sales: z.number().int().min(1).max(1_000).nullish() });
  const body = z.strictObject({
    lead_id: optionalLeadId,
    city: requiredCell(120),
    service_type: requiredCell(160),
    preferred_time_window: optionalText(160),
    budget_range: optionalText(160),
    notes_snippet: optionalText(2_000),
    original_notes: optionalText(2_000).describe('Alias of notes_snippet'),
    client_name: requiredCell(300, 'name'),
    client_phone: optionalText(LONGEST_CONTACT_CELL).describe('Required without client_email'),
    client_email: optionalText(LONGEST_CONTACT_CELL).describe('Required without client_phone'),
    exact_address: optionalText(500),
    provider_ids: providerIds.nullish(),
    config: config.nullish(),
  });
  return { terms, body };
}

type Body = z.infer<ReturnType<typeof bodies>['body']>;
type Config = z.infer<ReturnType<typeof bodies>['terms']>;

/** Contacts are read as numbers in the United States unless they have a country code. */
const REGION = 'US';

/** Throws 400 when the buyer could not reach the client. */
function contactOf(body: Body): SaleContact {
  const judged = judgeSaleContact({ phone: body.client_phone, email: body.client_email }, REGION);
  if (judged.ok) return judged.contact;
  throw new RefusedError(400, 'invalid_input', 'Some fields are not valid.', {
    fields: Object.entries(judged.errors).map(([channel, message]) => ({
      path: `client_${channel}`,
      message,
    })),
  });
}

function orderOf(body: Body): LeadOrder {
  return {
    publicId: body.lead_id ?? null,
    city: body.city,
    serviceType: body.service_type,
    preferredTimeWindow: body.preferred_time_window,
    budgetRange: body.budget_range,
    notes: body.notes_snippet ?? body.original_notes,
    name: body.client_name,
    contact: contactOf(body),
    address: body.exact_address,
    providerIds: body.provider_ids ?? [],
    ...termsOf(body.config),
    maxSales: body.config?.max_sales ?? null,
  };
}

function termsOf(config: Config | null | undefined): GivenTerms {
  return {
    priceMinor: config?.price_cents ?? null,
    currency: config?.currency ? parseCurrency(config.currency) : null,
    // The schema has checked the bounds.
    ttlMs: config?.ttl_hours ? Math.round(config.ttl_hours * 3_600_000) : null,
  };
}
