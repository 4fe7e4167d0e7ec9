import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { listInvitations, revokeInvitation } from '../../db/account/invitations.ts';
import { listTeam, removeFromTeam } from '../../db/account/team.ts';
import { type MemberRole, memberRoles } from '../../domain/account/roles.ts';
import { inviteByMail } from '../../usecases/account/invitations.ts';
import type { Runtime } from '../../usecases/runtime.ts';
import {
  assertGiven,
  bodyOf,
  contractProblems,
  type Given,
  isBlank,
  missing,
  pageOf,
  pagination,
  paginationSchema,
  read,
  refused,
} from '../http/contract.ts';
import { text, uuidShape } from '../http/fields.ts';
import type { Access } from './access.ts';
import { sellerOf } from './caller.ts';
import * as examples from './examples.ts';
import { emailOf } from './register.ts';

type Deps = Pick<Runtime, 'db' | 'relay' | 'quotas'>;

const mostInvitations = 200;
const roleNames = memberRoles.map((role) => role.toUpperCase()) as [string, ...string[]];
const nameOf = (role: MemberRole) => role.toUpperCase();

const member = z.object({
  userId: z.string(),
  name: z.string(),
  email: z.string(),
  role: z.enum(roleNames),
  buyerId: z.string().nullable(),
  supplierId: z.string().nullable(),
  createdAt: z.date(),
});
const invitation = member.omit({ userId: true }).extend({ id: z.string(), expiresAt: z.date() });
const said = z.object({ message: z.string() });

const asked = z.object({ name: text(200), role: z.string(), buyerId: z.string(), supplierId: z.string() });

/** The people of a seller's organization, and their invitations. */
export function teamRoutes(deps: Deps, access: Access): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', access.market('seller'));
    memberRoutes(app, deps);
    invitationRoutes(app, deps);
  };
}

function memberRoutes(app: FastifyInstance, { db }: Deps): void {
  app.get(
    '/api/members',
    {
      schema: {
        summary: 'The people of the organization',
        tags: ['accounts'],
        response: {
          200: z.object({ members: z.array(member), pagination: paginationSchema }).meta({
            examples: [
              { members: [examples.member], pagination: { page: 1, limit: 50, total: 1, pages: 1 } },
            ],
          }),
          ...contractProblems(400, 401, 403),
        },
      },
    },
    async (request) => {
      const page = pageOf(request);
      const { organizationId } = sellerOf(request);
      const { members, total } = await listTeam(db, organizationId, {
        limit: page.limit,
        offset: (page.page - 1) * page.limit,
      });
      return {
        members: members.map((each) => ({ ...each, role: nameOf(each.role) })),
        pagination: pagination(page, total),
      };
    },
  );

  app.delete<{ Params: { user_id: string } }>(
    '/api/members/:user_id',
    {
      schema: {
        summary: 'Remove a person from the organization',
        tags: ['accounts'],
        response: {
          200: said.meta({ examples: [{ message: 'Member removed successfully' }] }),
          ...contractProblems(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const { organizationId, person } = sellerOf(request);
      const { user_id: userId } = request.params;
      const by = { organizationId, actor: person.id };
      if (!uuidShape.test(userId) || !(await removeFromTeam(db, by, userId)))
        throw missing('Member not found');
      return { message: 'Member removed successfully' };
    },
  );
}

function invitationRoutes(app: FastifyInstance, deps: Deps): void {
  const { db } = deps;
  app.get(
    '/api/members/invitations',
    {
      schema: {
        summary: 'Invitations that were not accepted yet',
        tags: ['accounts'],
        response: {
          200: z
            .object({ invitations: z.array(invitation) })
            .meta({ examples: [{ invitations: [examples.invitation] }] }),
          ...contractProblems(401, 403),
        },
      },
    },
    async (request) => {
      const { organizationId } = sellerOf(request);
      const invitations = await listInvitations(db, organizationId, mostInvitations);
      return { invitations: invitations.map((each) => ({ ...each, role: nameOf(each.role) })) };
    },
  );

  app.post(
    '/api/members/invitations',
    {
      schema: {
        summary: 'Invite a person by e-mail, or send the invitation again',
        tags: ['accounts'],
        body: z
          .object({
            email: z.string(),
            role: z.enum(roleNames),
            name: z.string().optional(),
            buyerId: z.string().optional().describe('Needed for BUYER'),
            supplierId: z.string().optional().describe('Needed for SUPPLIER'),
          })
          .meta({ examples: [examples.newInvitation] }),
        response: {
          201: said
            .extend({ id: z.string() })
            .meta({ examples: [{ message: 'Invitation sent successfully', id: examples.invitationId }] }),
          ...contractProblems(400, 401, 403, 404, 429),
        },
      },
    },
    async (request, reply) => {
      const { organizationId, person } = sellerOf(request);
      const invited = readInvitation(bodyOf(request));
      const id = await inviteByMail(deps, { organizationId, actor: person.id }, invited);
      return reply.status(201).send({ message: 'Invitation sent successfully', id });
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/api/members/invitations/:id',
    {
      schema: {
        summary: 'Revoke an invitation',
        tags: ['accounts'],
        response: {
          200: said.meta({ examples: [{ message: 'Invitation revoked successfully' }] }),
          ...contractProblems(401, 403, 404),
        },
      },
    },
    async (request) => {
      const { organizationId, person } = sellerOf(request);
      const { id } = request.params;
      if (!uuidShape.test(id) || !(await revokeInvitation(db, organizationId, person.id, id)))
        throw missing('Invitation not found');
      return { message: 'Invitation revoked successfully' };
    },
  );
}

/** Throws 400, and 404 for what cannot be the id of a buyer or supplier. */
export function readInvitation(given: Given) {
  assertGiven(given, ['email', 'role'], 'Email and role are required');
  const email = emailOf(given.email);
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => !isBlank(value)));
  const fields = read(asked.partial({ name: true, buyerId: true, supplierId: true }), known);
  const role = memberRoles.find((each) => nameOf(each) === fields.role.toUpperCase());
  if (!role) throw refused('Invalid role', `role: must be one of ${roleNames.join(', ')}.`);
  const buyerId = role === 'buyer' ? partyOf(fields.buyerId, 'Buyer') : null;
  const supplierId = role === 'supplier' ? partyOf(fields.supplierId, 'Supplier') : null;
  return { email, name: fields.name ?? '', role, buyerId, supplierId };
}

function partyOf(id: string | undefined, kind: 'Buyer' | 'Supplier'): string {
  if (id === undefined) throw refused(`${kind} ID is required`);
  if (!uuidShape.test(id)) throw missing(`${kind} not found`);
  return id;
}
