import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { listUnlocksOfLead, type StoredLead, type StoredUnlock } from '../../db/lead/leads.ts';
import { isMarked } from '../../domain/cell.ts';
import { leadIdPattern } from '../../domain/lead/lead.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { cursorOf, limit, nextCursor, readCursor, uuidShape } from '../http/fields.ts';
import { problemResponses } from '../http/problem.ts';

const notLeadId = 'must be lead_ followed by 1 to 64 of A-Z, a-z, 0-9 and _';

export const leadId = z
  .string()
  .regex(leadIdPattern, notLeadId)
  .describe('The id of the lead in texts and API responses');

/** Some clients send a blank id where they have none. */
export const optionalLeadId = z
  .string()
  .overwrite((value) => (isMarked(value) ? '' : value))
  .regex(new RegExp(`^$|${leadIdPattern.source}`), notLeadId)
  .transform((value) => (value === '' ? null : value))
  .nullish()
  .describe('The id of the lead in texts and API responses');

export const readUnlock = z.object({
  provider_id: z.string(),
  status: z.string(),
  price_cents: z.number().int(),
  currency: z.string(),
  ttl_expires_at: z.string(),
  unlocked_at: z.string().nullable(),
});

type Deps = Pick<Runtime, 'db'>;

/** The unlocks of one lead, page by page: a lead may have been offered to thousands. */
export function unlocksRoute<D extends Deps>(
  deps: D,
  access: Access,
  leadOf: (deps: D, request: FastifyRequest, publicId: string) => Promise<StoredLead>,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/leads/:lead_id/unlocks',
      {
        onRequest: access.organization('leads:read'),
        schema: {
          tags: ['leads'],
          summary: 'List the unlocks of a lead, oldest first',
          params: z.object({ lead_id: leadId }),
          querystring: z.strictObject({ limit, cursor: z.string().max(500).optional() }),
          response: {
            200: z.object({
              success: z.literal(true),
              unlocks: z.array(readUnlock),
              next_cursor: z.string().nullable(),
            }),
            ...problemResponses(400, 401, 403, 404, 429, 503),
          },
        },
      },
      async (request) => {
        const lead = await leadOf(deps, request, request.params.lead_id);
        const { limit: size, cursor } = request.query;
        const after = readCursor(cursor, [uuidShape])?.[0] ?? null;
        const rows = await listUnlocksOfLead(deps.db.reader, lead.id, { limit: size, after });
        return {
          success: true as const,
          unlocks: rows.map(shownUnlock),
          next_cursor: nextCursor(rows, size, (last) => [last.id]),
        };
      },
    );
  };
}

/** Says how many unlocks there are, and where the rest begins, when the lead does not carry all of them. */
export function moreUnlocks({ unlocks, unlockCount }: StoredLead) {
  const last = unlocks.at(-1);
  if (!last || unlockCount <= unlocks.length) return {};
  return { unlock_count: unlockCount, unlocks_next_cursor: cursorOf([last.id]) };
}

export const shownUnlock = (unlock: StoredUnlock): z.infer<typeof readUnlock> => ({
  provider_id: unlock.providerId,
  status: unlock.status,
  price_cents: unlock.priceMinor,
  currency: unlock.currency,
  ttl_expires_at: new Date(unlock.ttlExpiresAt).toISOString(),
  unlocked_at: unlock.paidAt && new Date(unlock.paidAt).toISOString(),
});
