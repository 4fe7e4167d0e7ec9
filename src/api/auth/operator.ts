import type { FastifyReply, FastifyRequest } from 'fastify';
import { RefusedError } from '../../domain/errors.ts';
import { addressOf } from '../http/limits.ts';
import { type Auth, addressHeader, type Person, personOf } from './better-auth.ts';
import { assertSameOrigin } from './origin.ts';

/** A request's headers as the sign-in library reads them, with the address we saw ourselves. */
export function webHeaders(request: FastifyRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  headers.set(addressHeader, addressOf(request));
  return headers;
}

const people = new WeakMap<FastifyRequest, Person>();

/** Who asks. Only inside routes behind `operatorsOnly`. */
export function operatorOf(request: FastifyRequest): Person {
  const person = people.get(request);
  if (!person) throw new Error('this route is not behind operatorsOnly');
  return person;
}

export const wantsPage = (request: FastifyRequest): boolean =>
  request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');

/**
 * onRequest hook: nobody → 401 (a browser is sent to the sign-in page), somebody else → 403, and no write that another
 * site's page asked for.
 */
export function operatorsOnly(auth: Auth, trusted: readonly string[]) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    assertSameOrigin(request, trusted);
    const person = await personOf(auth, webHeaders(request));
    reply.header('cache-control', 'no-store');
    if (!person) {
      if (wantsPage(request)) return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);
      throw new RefusedError(401, 'unauthorized', 'Sign in first.');
    }
    if (person.role !== 'operator') throw new RefusedError(403, 'forbidden', 'This is for operators.');
    people.set(request, person);
  };
}

/** Where to go after signing in or acting: a path of our own pages, never another site. */
export function localPath(wanted: unknown, fallback = '/console'): string {
  if (typeof wanted !== 'string' || wanted.length > 500) return fallback;
  const known = /^\/(?:(?:console|queues|dashboard|companies|company)(?=[/?#]|$)|$)/.test(wanted);
  // What no header can hold leads nowhere either.
  return known && /^[\x21-\x7e]*$/.test(wanted) && !/\\|\/\//.test(wanted) ? wanted : fallback;
}

/** Where somebody who signed in goes: where they wanted, unless that is for operators and they are none. */
export function landing(role: Person['role'], wanted: unknown): string {
  const path = localPath(wanted, role === 'operator' ? '/console' : '/');
  return role === 'operator' || !/^\/(console|queues|companies|company)\b/.test(path) ? path : '/';
}
