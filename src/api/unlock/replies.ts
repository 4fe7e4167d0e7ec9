import { createHash } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseProviderPhone } from '../../domain/phone/phone.ts';
import { receiveSubmittedReply } from '../../usecases/messaging/receive-reply.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { quotaOwnerOf } from '../auth/caller.ts';
import { causeOf } from '../http/cause.ts';
import type { Limiter } from '../http/limits.ts';
import { problemResponses } from '../http/problem.ts';

/** UTC unless a zone is given. Normalized before hashing, because it is part of the deduplication key. */
const timestamp = z
  .string()
  .max(40)
  .regex(
    /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?$/,
    'not an ISO 8601 time',
  )
  .refine((value) => !Number.isNaN(timeOf(value).getTime()), 'not a time');

const body = z.strictObject({
  provider_phone: z
    .string()
    .max(40)
    .refine(
      (phone) => parseProviderPhone(phone).ok,
      'must be a valid phone number in E.164, such as +13055550123',
    ),
  message: z
    .string()
    .max(1_600)
    .refine((value) => !value.includes('\0'), 'must not contain NUL'),
  timestamp,
});

/** Replies from an upstream SMS gateway that has already verified the sender. */
export function replyRoutes(
  deps: Pick<Runtime, 'db' | 'relay' | 'vault' | 'sms' | 'quotas' | 'selfCheck'>,
  access: Access,
  limiter: Limiter,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/api/leads/sms-response',
      {
        onRequest: access.organization('replies:write', { bridge: true }),
        schema: {
          tags: ['replies'],
          summary: 'Submit an inbound SMS from a provider',
          description:
            'Deduplicated on phone, message and timestamp. It concerns the offers and texts of the key’s organization only.',
          body,
          response: {
            200: z.object({
              success: z.literal(true),
              action: z.enum(['accepted', 'declined', 'stopped', 'help', 'ignored', 'unclear']),
              lead_id: z.string().optional(),
            }),
            ...problemResponses(400, 401, 403, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const submitter = quotaOwnerOf(request);
        const { organizationId } = submitter;
        const parsed = parseProviderPhone(request.body.provider_phone);
        const from = parsed.ok ? parsed.e164 : request.body.provider_phone;
        await limiter.take('phone', `${organizationId} ${from}`, reply);
        await deps.quotas.take('texts', submitter);
        const { message } = request.body;
        const at = timeOf(request.body.timestamp).toISOString();
        const externalId = createHash('sha256')
          .update(JSON.stringify([organizationId, from, message, at]))
          .digest('hex');
        const { action, leadId } = await receiveSubmittedReply(
          deps,
          {
            source: 'gateway',
            externalId,
            ourNumber: deps.sms.ourNumber,
            from,
            body: message,
            now: deps.selfCheck.now(),
            cause: causeOf(request),
          },
          submitter,
        );
        return { success: true as const, action, ...(leadId ? { lead_id: leadId } : {}) };
      },
    );
  };
}

function timeOf(value: string): Date {
  const iso = value.replace(' ', 'T');
  return new Date(/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
}
