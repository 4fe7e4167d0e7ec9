import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { firstAnswer } from '../../db/transport/idempotency.ts';
import { ContractError } from '../../domain/errors.ts';
import { type GivenLead, type IngestRefusal, qualities } from '../../domain/marketplace/ingest.ts';
import { answerOf, type IngestAnswer, pendingAnswer } from '../../domain/marketplace/ingest-answer.ts';
import type { Ingest, StoredIngest } from '../../usecases/marketplace/ingest.ts';
import type { DecisionWatch } from '../../usecases/marketplace/ingest-wait.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { quotaOwnerOf } from '../auth/caller.ts';
import { causeOf } from '../http/cause.ts';
import { bodyOf, contractProblems } from '../http/contract.ts';
import { countIdempotencyKey, idempotencyKeyOf } from '../http/idempotency.ts';
import { inTurn, takesTurnInHandler } from '../http/turns.ts';
import * as examples from './ingest-examples.ts';
import { supplierOf, supplierOnly } from './supplier-door.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'quotas' | 'config'> & {
  ingest: Ingest;
  decisions: DecisionWatch;
};

export const ingestBody = z
  .object({
    campaignId: z.string(),
    categoryId: z.string(),
    data: z.record(z.string(), z.unknown()).describe('The values by the names of the category’s fields'),
    state: z.string().optional().describe('A state of the United States, by code or name'),
    quality: z.enum(qualities).optional().describe('WARM unless given'),
    test: z.boolean().optional().describe('Judged and answered, and sold to no buyer'),
  })
  .meta({ examples: [examples.newLead] });

const answered = z
  .object({
    success: z.literal(true),
    leadId: z.string(),
    distributed: z.boolean(),
    buyersAssigned: z.int().optional(),
    message: z.string().optional(),
    warning: z.string().optional().describe('The lead is stored and not decided yet'),
    test: z.literal(true).optional(),
    decisions: z
      .array(z.object({ buyerId: z.string(), outcome: z.string(), rule: z.string().nullable() }))
      .optional()
      .describe('Of a test: who would have got the lead, and what stood in the way of the others'),
  })
  .meta({ examples: [examples.distributed, examples.pending] });

/** Leads of suppliers, one at a time. */
export function ingestRoutes(deps: Deps, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/api/leads/ingest',
      {
        onRequest: supplierOnly(access, 'leads:ingest'),
        preValidation: async (request) => takesTurnInHandler(request),
        schema: {
          tags: ['marketplace'],
          summary: 'Send a lead of a campaign, with a supplier’s key',
          description:
            'Answers with who bought the lead, or with a `warning` when that is not decided in time. `Prefer: respond-async` does not wait. Send an Idempotency-Key so that the request can be retried safely.',
          body: ingestBody,
          response: {
            201: answered,
            ...contractProblems(400, 401, 403, 404, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const lead = await receive(deps, request);
        const answer = await decidedAnswer(deps, request, { reply, lead });
        return reply.status(201).send(answer);
      },
    );
  };
}

/** The lead that was stored now, or by the first request with its key or content. Throws what refuses it. */
async function receive(deps: Deps, request: FastifyRequest): Promise<StoredIngest> {
  const owner = supplierOf(request);
  const given: GivenLead = bodyOf(request);
  const payer = quotaOwnerOf(request);
  await deps.quotas.take('leads', payer);
  await countIdempotencyKey(request, deps, payer);
  const key = idempotencyKeyOf(request, { ...owner, vault: deps.vault }, given);
  const first = key ? await inTurn(request, () => firstAnswer(deps.db, key)) : null;
  if (first) return first.body as StoredIngest;
  const judged = await deps.ingest.judge(given, owner);
  if (!judged.ok) throw refusalOf(judged.refusal);
  // Outside of the turn: the statement is shared, and takes no connection of this request's own.
  return deps.ingest.store(judged.lead, { ...owner, key, cause: causeOf(request) });
}

const codes = { 400: 'invalid_input', 403: 'forbidden', 404: 'not_found' } as const;

export const refusalOf = ({ status, wording, detail = `${wording}.`, path }: IngestRefusal): ContractError =>
  new ContractError(
    status,
    codes[status],
    wording,
    detail,
    path === undefined ? {} : { fields: [{ path, message: wording }] },
  );

/** Waits for the decision, unless the client asks not to. It holds no turn and no connection while it waits. */
async function decidedAnswer(
  { config, decisions }: Deps,
  request: FastifyRequest,
  { reply, lead }: { reply: FastifyReply; lead: StoredIngest },
): Promise<IngestAnswer> {
  const isAsync = prefersAsync(request);
  if (isAsync) reply.header('preference-applied', 'respond-async');
  const patienceMs = isAsync ? 0 : config.ingestWaitMs;
  const decided = await decisions.wait(lead.leadId, patienceMs, goneSignal(reply));
  return decided ? answerOf(lead.publicId, decided) : pendingAnswer(lead.publicId);
}

const prefersAsync = ({ headers }: FastifyRequest): boolean =>
  String(headers.prefer ?? '')
    .split(',')
    .some((preference) => preference.trim().toLowerCase() === 'respond-async');

/** Aborted once the client has gone. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  return gone.signal;
}
