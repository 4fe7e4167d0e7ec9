import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { changeSeller, findSeller, type Seller, type SellerChange } from '../../db/marketplace/sellers.ts';
import {
  basisPointsToPercent,
  brandingKeys,
  mostMarkup,
  percentToBasisPoints,
  subscriptionStatusOf,
  timeZoneOf,
} from '../../domain/marketplace/seller-settings.ts';
import { inviteUrl, rotateInviteCode } from '../../usecases/marketplace/invite-code.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import type { Access } from '../auth/access.ts';
import { sellerOf } from '../auth/caller.ts';
import { bodyOf, contractProblems, type Given, isBlank, missing, read } from '../http/contract.ts';
import { text } from '../http/fields.ts';
import { iso } from './fields.ts';
import * as examples from './party-examples.ts';

const markup = z.union([z.number(), z.string().max(20)]).transform((value, context) => {
  const points = percentToBasisPoints(value);
  if (points !== null && points <= mostMarkup) return points;
  context.addIssue(`must be a percentage from 0 to ${mostMarkup / 100} with at most two decimals`);
  return z.NEVER;
});

const timeZone = z
  .string()
  .max(100)
  .transform((value, context) => {
    const zone = timeZoneOf(value);
    if (zone !== null) return zone;
    context.addIssue('must be an IANA time zone, such as America/New_York');
    return z.NEVER;
  });

const clear = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => (isBlank(value) ? null : value), schema.nullable()).optional();

const branding = z
  .object({
    logoUrl: clear(z.url({ protocol: /^https$/ }).max(500)),
    primaryColor: clear(z.string().regex(/^#[0-9a-fA-F]{6}$/, 'must be a color, such as #0a7cff')),
    senderName: clear(text(200)),
    footer: clear(text(2_000)),
  } satisfies Record<(typeof brandingKeys)[number], z.ZodType>)
  .nullable();

const changes = z.object({
  smsMarkup: markup.optional(),
  emailMarkup: markup.optional(),
  timeZone: timeZone.optional(),
  branding: branding.optional(),
});

const sellerSchema = z.object({
  id: z.string(),
  companyName: z.string(),
  inviteCode: z.string(),
  inviteUrl: z.string(),
  trialEndsAt: z.string(),
  subscriptionStatus: z.enum(['TRIALING', 'INACTIVE']),
});
const settingsSchema = z.object({
  smsMarkup: z.number().describe('In percent'),
  emailMarkup: z.number(),
  platformFeePercent: z.number(),
  timeZone: z.string(),
  branding: z.partialRecord(z.enum(brandingKeys), z.string()),
});

export const shownSettings = (seller: Seller): z.infer<typeof settingsSchema> => ({
  smsMarkup: basisPointsToPercent(seller.smsMarkupBasisPoints),
  emailMarkup: basisPointsToPercent(seller.emailMarkupBasisPoints),
  platformFeePercent: basisPointsToPercent(seller.platformFeeBasisPoints),
  timeZone: seller.timeZone,
  branding: Object.fromEntries(
    brandingKeys.flatMap((key) => {
      const value = seller.branding[key];
      return value === undefined ? [] : [[key, value]];
    }),
  ),
});

/** What of the settings is changed. Throws 400. */
export function settingsOf(given: Given): SellerChange {
  const { smsMarkup, emailMarkup, ...rest } = read(changes, given);
  return {
    ...rest,
    ...(smsMarkup === undefined ? {} : { smsMarkupBasisPoints: smsMarkup }),
    ...(emailMarkup === undefined ? {} : { emailMarkupBasisPoints: emailMarkup }),
  };
}

export function sellerRoutes(
  { db, config }: Pick<Runtime, 'db' | 'config'>,
  access: Access,
): FastifyPluginAsyncZod {
  const onRequest = access.market('seller');
  const sellerOfRequest = async (request: FastifyRequest): Promise<Seller> => {
    const seller = await findSeller(db, sellerOf(request).organizationId);
    if (!seller) throw missing('Seller not found');
    return seller;
  };
  const shownSeller = (seller: Seller): z.infer<typeof sellerSchema> => ({
    id: seller.id,
    companyName: seller.companyName,
    inviteCode: seller.inviteCode,
    inviteUrl: inviteUrl(config.publicUrl, seller.inviteCode),
    trialEndsAt: iso(seller.trialEndsAt),
    subscriptionStatus: subscriptionStatusOf(seller.trialEndsAt, new Date()),
  });
  return async (app) => {
    app.get(
      '/api/sellers/me',
      {
        onRequest,
        schema: {
          tags: ['seller'],
          summary: 'Read the seller and the invite code of its buyers',
          response: {
            200: z.object({ seller: sellerSchema }).meta({ examples: [{ seller: examples.seller }] }),
            ...contractProblems(401, 403, 429, 503),
          },
        },
      },
      async (request) => ({ seller: shownSeller(await sellerOfRequest(request)) }),
    );
    app.post(
      '/api/sellers/invite-code',
      {
        onRequest,
        schema: {
          tags: ['seller'],
          summary: 'Replace the invite code; the former one is refused at once',
          response: {
            200: z
              .object({
                message: z.literal('Invite code rotated successfully'),
                seller: sellerSchema,
              })
              .meta({ examples: [{ message: 'Invite code rotated successfully', seller: examples.seller }] }),
            ...contractProblems(401, 403, 429, 503),
          },
        },
      },
      async (request) => {
        const { organizationId, person } = sellerOf(request);
        await rotateInviteCode({ db }, organizationId, person.id);
        const seller = shownSeller(await sellerOfRequest(request));
        return { message: 'Invite code rotated successfully' as const, seller };
      },
    );
    app.get(
      '/api/sellers/settings',
      {
        onRequest,
        schema: {
          tags: ['seller'],
          summary: 'Read the settings of the seller',
          response: {
            200: z.object({ settings: settingsSchema }).meta({ examples: [{ settings: examples.settings }] }),
            ...contractProblems(401, 403, 429, 503),
          },
        },
      },
      async (request) => ({ settings: shownSettings(await sellerOfRequest(request)) }),
    );
    for (const method of ['PUT', 'PATCH'] as const) {
      app.route({
        method,
        url: '/api/sellers/settings',
        onRequest,
        schema: {
          tags: ['seller'],
          summary: 'Change the given settings of the seller',
          body: z
            .object({
              smsMarkup: z.number(),
              emailMarkup: z.number(),
              timeZone: z.string(),
              branding: z.partialRecord(z.enum(brandingKeys), z.string().nullable()).nullable(),
            })
            .partial()
            .meta({
              examples: [examples.newSettings],
            }),
          response: {
            200: z
              .object({
                message: z.literal('Settings updated successfully'),
                settings: settingsSchema,
              })
              .meta({
                examples: [{ message: 'Settings updated successfully', settings: examples.settings }],
              }),
            ...contractProblems(400, 401, 403, 413, 415, 429, 503),
          },
        },
        handler: async (request) => {
          const { organizationId, person } = sellerOf(request);
          await changeSeller(db, organizationId, settingsOf(bodyOf(request)), person.id);
          const settings = shownSettings(await sellerOfRequest(request));
          return { message: 'Settings updated successfully' as const, settings };
        },
      });
    }
  };
}
