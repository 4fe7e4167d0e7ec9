import type { FastifyReply, FastifyRequest } from 'fastify';
import { organizationsOf } from '../../db/account/members.ts';
import type { Queryable } from '../../db/client.ts';
import { RefusedError } from '../../domain/errors.ts';
import { type Auth, type Person, personOf } from './better-auth.ts';
import { wantsPage, webHeaders } from './operator.ts';
import { assertSameOrigin } from './origin.ts';

/** Who asks for a company's page. `organizations`: what they may see; null: an operator, who sees all. */
export type Visitor = { person: Person; organizations: readonly string[] | null };

const visitors = new WeakMap<FastifyRequest, Visitor>();

/** Only inside routes behind `signedIn`. */
export function visitorOf(request: FastifyRequest): Visitor {
  const visitor = visitors.get(request);
  if (!visitor) throw new Error('this route is not behind signedIn');
  return visitor;
}

export const maySee = ({ organizations }: Visitor, organizationId: string): boolean =>
  organizations === null || organizations.includes(organizationId);

/** Whose session a request carries, with what they may see. Null: nobody's. */
export async function findVisitor(
  deps: { auth: Auth; db: Queryable },
  request: FastifyRequest,
): Promise<Visitor | null> {
  const person = await personOf(deps.auth, webHeaders(request));
  if (!person) return null;
  return {
    person,
    organizations: person.role === 'operator' ? null : await organizationsOf(deps.db, person.id),
  };
}

/**
 * onRequest hook: nobody → 401 (a browser is sent to the sign-in page), and no write that another site's page asked
 * for. What somebody signed in may see is for the route to ask.
 */
export function signedIn(deps: { auth: Auth; db: Queryable }, trusted: readonly string[]) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    assertSameOrigin(request, trusted);
    reply.header('cache-control', 'no-store');
    const visitor = await findVisitor(deps, request);
    if (!visitor) {
      if (wantsPage(request)) return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);
      throw new RefusedError(401, 'unauthorized', 'Sign in first.');
    }
    visitors.set(request, visitor);
  };
}

/** preHandler hook behind `signedIn`: members → 403. */
export async function operatorsToo(request: FastifyRequest): Promise<void> {
  if (visitorOf(request).organizations !== null)
    throw new RefusedError(403, 'forbidden', 'This is for operators.');
}
