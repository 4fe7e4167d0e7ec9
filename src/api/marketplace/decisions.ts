import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findDecisions, type LeadDecision } from '../../db/marketplace/distributions.ts';
import { decisionOutcomes, outcomeOf, shownSeen } from '../../domain/marketplace/decision-words.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { partyOf } from '../auth/caller.ts';
import { contractProblems, missing } from '../http/contract.ts';
import { iso } from './fields.ts';
import { decisions as example } from './ingest-examples.ts';

export const unknownLead = 'Lead not found';

const answered = z
  .object({
    decisions: z.array(
      z.object({
        buyerId: z.string(),
        outcome: z.enum(decisionOutcomes),
        rule: z
          .string()
          .nullable()
          .describe(
            'The first rule that stood in the way; `offered` for an offer by text, null for a buyer who got the lead',
          ),
        seen: z
          .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
          .describe('The values the rule judged by; amounts in dollars'),
        at: z.string(),
      }),
    ),
  })
  .meta({ examples: [example] });

/** Why each buyer was or was not given a lead: for its seller, and for a buyer about himself. */
export function decisionRoutes({ db }: Pick<Runtime, 'db'>, access: Access): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/leads/:lead_id/decisions',
      {
        onRequest: access.market('seller', 'buyer'),
        schema: {
          tags: ['marketplace'],
          summary: 'Read why buyers were or were not given a lead',
          description:
            'The last decision first, up to 1,000 entries. A buyer reads what was decided about himself.',
          params: z.object({ lead_id: z.string() }),
          response: { 200: answered, ...contractProblems(401, 403, 404, 429, 503) },
        },
      },
      async (request) => {
        const { lead_id: publicId } = request.params as { lead_id: string };
        const found = await findDecisions(db.reader, partyOf(request), publicId);
        if (found === null) throw missing(unknownLead);
        return { decisions: found.map(shownDecision) };
      },
    );
  };
}

const shownDecision = (decision: LeadDecision) => ({
  buyerId: decision.buyerId,
  outcome: outcomeOf(decision),
  rule: decision.rule,
  seen: shownSeen(decision.seen),
  at: iso(decision.at),
});
