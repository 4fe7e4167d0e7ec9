import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import {
  chooseOrganization,
  demandSecondFactor,
  endOtherSessions,
  endSession,
  listOrganizations,
  listSessions,
} from '../../db/account/sessions.ts';
import { ContractError } from '../../domain/errors.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import { bodyOf, contractProblems, missing, read, refused, speakContract } from '../http/contract.ts';
import { text } from '../http/fields.ts';
import type { Access } from './access.ts';
import { browserName } from './browser-name.ts';
import { sellerOf, sessionOf } from './caller.ts';
import * as examples from './examples.ts';

type Deps = Pick<Runtime, 'db' | 'log'>;
type App = Parameters<FastifyPluginAsync>[0];

const tags = ['Sessions'];
const message = z.string();

/** What a session says and changes about itself: where its person is signed in, and which organization it acts for. */
export function sessionsApi(deps: Deps, access: Access): FastifyPluginAsync {
  return async (app) => {
    speakContract(app, deps);
    app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
    sessionRoutes(app, deps, access);
    organizationRoutes(app, deps, access);
    securityRoute(app, deps, access);
  };
}

const openSession = z.object({
  id: z.string(),
  device: z.string().describe('Browser and system, as far as they are known'),
  ipAddress: z.string().nullable(),
  createdAt: z.string(),
  expiresAt: z.string(),
  secondFactor: z.boolean().describe('Whether a second factor was given'),
  current: z.boolean().describe('Whether it is the session of this request'),
});

function sessionRoutes(app: App, { db }: Deps, access: Access): void {
  app.get(
    '/api/auth/sessions',
    {
      onRequest: access.session,
      schema: {
        tags,
        summary: 'List where you are signed in, newest first',
        response: {
          200: z
            .object({ sessions: z.array(openSession) })
            .meta({ examples: [{ sessions: [examples.session] }] }),
          ...contractProblems(401, 429),
        },
      },
    },
    async (request) => {
      const own = sessionOf(request);
      const all = await listSessions(db, own.person.id);
      return {
        sessions: all.map(({ id, userAgent, address, createdAt, expiresAt, hasSecondFactor }) => ({
          id,
          device: browserName(userAgent ?? ''),
          ipAddress: address,
          createdAt: createdAt.toISOString(),
          expiresAt: expiresAt.toISOString(),
          secondFactor: hasSecondFactor,
          current: id === own.id,
        })),
      };
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/api/auth/sessions/:id',
    {
      onRequest: access.session,
      schema: {
        tags,
        summary: 'Sign out one session',
        response: {
          200: z.object({ message }).meta({ examples: [{ message: 'Session revoked successfully' }] }),
          ...contractProblems(401, 404, 429),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const ended =
        z.uuid().safeParse(id).success && (await endSession(db, sessionOf(request).person.id, id));
      if (!ended) throw missing('Session not found');
      return { message: 'Session revoked successfully' };
    },
  );
  app.delete(
    '/api/auth/sessions',
    {
      onRequest: access.session,
      schema: {
        tags,
        summary: 'Sign out all sessions but this one',
        response: {
          200: z
            .object({ message, revoked: z.int() })
            .meta({ examples: [{ message: 'Other sessions revoked successfully', revoked: 2 }] }),
          ...contractProblems(401, 429),
        },
      },
    },
    async (request) => {
      const { id, person } = sessionOf(request);
      const revoked = await endOtherSessions(db, person.id, id);
      return { message: 'Other sessions revoked successfully', revoked };
    },
  );
}

const organization = z.object({
  slug: z.string(),
  name: z.string(),
  role: z.string().describe('SELLER, BUYER, SUPPLIER or COMPANY'),
  current: z.boolean().describe('Whether this session acts for it'),
});

function organizationRoutes(app: App, { db }: Deps, access: Access): void {
  app.get(
    '/api/auth/organizations',
    {
      onRequest: access.session,
      schema: {
        tags,
        summary: 'List the organizations you belong to',
        response: {
          200: z
            .object({ organizations: z.array(organization) })
            .meta({ examples: [{ organizations: [examples.organization] }] }),
          ...contractProblems(401, 429),
        },
      },
    },
    async (request) => {
      const { person, organizationId } = sessionOf(request);
      const all = await listOrganizations(db, person.id);
      const current = all.find(({ id }) => id === organizationId) ?? all[0];
      return {
        organizations: all.map(({ id, slug, name, role }) => ({
          slug,
          name,
          role: role.toUpperCase(),
          current: id === current?.id,
        })),
      };
    },
  );
  for (const method of ['PUT', 'PATCH'] as const)
    app.route({
      method,
      url: '/api/auth/organization',
      onRequest: access.session,
      schema: {
        tags,
        summary: 'Choose the organization that this session acts for',
        body: z
          .object({ organization: z.string().describe('Its slug') })
          .meta({ examples: [{ organization: examples.organization.slug }] }),
        response: {
          200: z.object({ message }).meta({ examples: [{ message: 'Organization selected successfully' }] }),
          ...contractProblems(400, 401, 404, 429),
        },
      },
      handler: async (request) => {
        const { id, person } = sessionOf(request);
        const given = read(z.object({ organization: text(200).optional() }), bodyOf(request));
        if (!given.organization) throw refused('Organization is required');
        if (!(await chooseOrganization(db, { id, userId: person.id }, given.organization)))
          throw missing('Organization not found');
        return { message: 'Organization selected successfully' };
      },
    });
}

function securityRoute(app: App, { db }: Deps, access: Access): void {
  for (const method of ['PUT', 'PATCH'] as const)
    app.route({
      method,
      url: '/api/sellers/security',
      onRequest: access.market('seller'),
      schema: {
        tags,
        summary: 'Ask all members of your organization for a second factor, or stop asking',
        body: z.object({ requireTwoFactor: z.boolean() }).meta({ examples: [{ requireTwoFactor: true }] }),
        response: {
          200: z.object({ message, security: z.object({ requireTwoFactor: z.boolean() }) }).meta({
            examples: [
              { message: 'Security settings updated successfully', security: { requireTwoFactor: true } },
            ],
          }),
          ...contractProblems(400, 401, 403, 429),
        },
      },
      handler: async (request) => {
        const { organizationId, person } = sellerOf(request);
        const { requireTwoFactor } = read(z.object({ requireTwoFactor: z.boolean() }), bodyOf(request));
        const demand = { organizationId, userId: person.id, demanded: requireTwoFactor };
        if (!(await demandSecondFactor(db, demand))) throw noSecondFactor();
        return { message: 'Security settings updated successfully', security: { requireTwoFactor } };
      },
    });
}

/** Only a person who has one may ask others for it, so that the organization cannot lock out all of its people. */
const noSecondFactor = () =>
  new ContractError(
    403,
    'second_factor_required',
    'Forbidden',
    'Set up a second factor on your account page before you ask your members for one.',
  );
