import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Answer, firstAnswers, type IdempotencyKey } from '../../db/transport/idempotency.ts';
import { RefusedError } from '../../domain/errors.ts';
import type { GivenLead, JudgedIngest } from '../../domain/marketplace/ingest.ts';
import { type Ingest, mostTogether, type StoredIngest } from '../../usecases/marketplace/ingest.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { quotaOwnerOf } from '../auth/caller.ts';
import { readJsonBodies } from '../http/bodies.ts';
import { causeOf } from '../http/cause.ts';
import { bodyOf, contractProblems, refused } from '../http/contract.ts';
import { countIdempotencyKey, hasIdempotencyKey, idempotencyKeyWith } from '../http/idempotency.ts';
import { inTurn, takesTurnInHandler } from '../http/turns.ts';
import { ingestBody } from './ingest.ts';
import * as examples from './ingest-examples.ts';
import { supplierOf, supplierOnly } from './supplier-door.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'quotas'> & { ingest: Ingest };
type Owner = { organizationId: string; supplierId: string };

export const leadsPerRequest = 1_000;
/** 100 fields of each lead, 50 keys beside them, and its own. */
const largest = { mostBytes: 8 * 1024 * 1024, values: 160 * leadsPerRequest, valuesEach: 400 };

const bulk = z
  .object({ leads: z.array(ingestBody).min(1).max(leadsPerRequest) })
  .meta({ examples: [examples.bulk] });
const result = z.object({
  index: z.int(),
  success: z.boolean(),
  leadId: z.string().optional(),
  error: z.string().optional().describe('The wording that the lead alone would be refused with'),
  status: z.int().optional().describe('The status that the lead alone would be refused with'),
});
const answered = z
  .object({
    success: z.literal(true),
    summary: z.object({ received: z.int(), accepted: z.int(), rejected: z.int() }),
    results: z.array(result),
  })
  .meta({ examples: [examples.bulkResults] });

type Result = z.infer<typeof result>;

/** Many leads of a supplier in one request. Each has its own result; they are distributed one by one afterwards. */
export function bulkRoute(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    readJsonBodies(app, { ...largest, emptyIsAbsent: true });
    app.post(
      '/api/leads/ingest/bulk',
      {
        onRequest: supplierOnly(access, 'leads:ingest'),
        preValidation: async (request) => takesTurnInHandler(request),
        schema: {
          tags: ['marketplace'],
          summary: 'Send up to 1,000 leads, with a supplier’s key',
          description:
            'Each lead is judged and stored by itself, in the order of the list. The answer does not wait for their distribution. With an Idempotency-Key, a repeated request gets the same leads.',
          body: bulk,
          response: { 200: answered, ...contractProblems(400, 401, 403, 413, 415, 429, 503) },
        },
      },
      async (request) => {
        const given = leadsIn(request);
        const payer = quotaOwnerOf(request);
        await deps.quotas.take('leads', payer, given.length);
        await countIdempotencyKey(request, deps, payer, given.length);
        const results = await receiveAll(deps, request, given);
        const accepted = results.filter(({ success }) => success).length;
        const summary = { received: given.length, accepted, rejected: given.length - accepted };
        return { success: true as const, summary, results };
      },
    );
  };
}

/** Throws 400 unless the body has a list of leads that is not too long. */
function leadsIn(request: FastifyRequest): GivenLead[] {
  const { leads } = bodyOf(request);
  if (!Array.isArray(leads) || leads.length === 0) throw refused('Leads are required');
  if (leads.length > leadsPerRequest) throw refused(`Too many leads: at most ${leadsPerRequest}`);
  return leads.map((lead: unknown) => (typeof lead === 'object' && lead !== null ? (lead as GivenLead) : {}));
}

async function receiveAll(
  deps: Deps,
  request: FastifyRequest,
  given: readonly GivenLead[],
): Promise<Result[]> {
  const owner = supplierOf(request);
  const keys = keysOf(deps, request, given);
  const first = await firstOf(deps, request, owner, keys);
  const judged = await deps.ingest.judgeAll(given, owner);
  const cause = causeOf(request);
  const storeAt = async (index: number): Promise<Result> => {
    const key = keys?.[index] ?? null;
    try {
      const sender = { ...owner, key, cause };
      const lead = known(key && first.get(key.key)) ?? (await store(deps, judged[index]!, sender));
      return 'wording' in lead
        ? { index, success: false, error: lead.wording, status: lead.status }
        : { index, success: true, leadId: lead.publicId };
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return { index, success: false, error: error.message, status: error.status };
    }
  };
  return inTurn(request, async () => {
    const results: Result[] = [];
    const indexes = [...judged.keys()];
    for (let from = 0; from < indexes.length; from += mostTogether)
      results.push(...(await Promise.all(indexes.slice(from, from + mostTogether).map(storeAt))));
    return results;
  });
}

/** One key for each lead, so that each is stored once however often the request is repeated. Null without a key. */
function keysOf(
  { vault }: Deps,
  request: FastifyRequest,
  given: readonly GivenLead[],
): IdempotencyKey[] | null {
  if (!hasIdempotencyKey(request)) return null;
  const owner = supplierOf(request);
  return given.map((lead, index) => {
    const whole = idempotencyKeyWith(request, owner, vault.index(JSON.stringify(lead)));
    return { ...whole, key: `${whole.key} ${index}` };
  });
}

async function firstOf(
  { db }: Deps,
  request: FastifyRequest,
  { organizationId }: Owner,
  keys: readonly IdempotencyKey[] | null,
): Promise<Map<string, Answer | RefusedError>> {
  return keys === null ? new Map() : inTurn(request, () => firstAnswers(db, organizationId, keys));
}

/** Returns null for a key that was not used. Throws when it was used for another lead. */
function known(first: Answer | RefusedError | null | undefined): StoredIngest | null {
  if (first instanceof Error) throw first;
  return first ? (first.body as StoredIngest) : null;
}

const store = async ({ ingest }: Deps, judged: JudgedIngest, sender: Parameters<Ingest['store']>[1]) =>
  judged.ok ? ingest.storeOfMany(judged.lead, sender) : judged.refusal;
