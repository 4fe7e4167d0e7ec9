import type { FastifyRequest } from 'fastify';
import type { Person } from '../../domain/account/person.ts';

export const wantsPage = (request: FastifyRequest): boolean =>
  request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');

/** Where to redirect after signing in or after an action: one of our own pages, never another site. */
export function localPath(wanted: unknown, fallback = '/console'): string {
  if (typeof wanted !== 'string' || wanted.length > 500) return fallback;
  const known = /^\/(?:(?:console|queues|dashboard|companies|company|account|market)(?=[/?#]|$)|$)/.test(
    wanted,
  );
  // A Location header cannot hold other characters.
  return known && /^[\x21-\x7e]*$/.test(wanted) && !/\\|\/\//.test(wanted) ? wanted : fallback;
}

/** Where a person is sent after signing in: the page they asked for, or home when that page is for operators only. */
export function landing(role: Person['role'], wanted: unknown): string {
  const path = localPath(wanted, role === 'operator' ? '/console' : '/');
  return role === 'operator' || !/^\/(console|queues|companies|company)\b/.test(path) ? path : '/';
}
