import { expect } from 'vitest';
import { freshCodeFor } from './authenticator.ts';
import type { TestSystem } from './system.ts';

/** Second factors: set up, demanded, and what a session opens without one. */

type Site = Pick<TestSystem, 'publicUrl'>;
export type Factor = { uri: string; codes: string[] };

/** The header of a page of this installation. */
export const originOf = ({ publicUrl }: Site) => ({ origin: new URL(publicUrl).origin });

export const sendJson = (
  { publicUrl }: Site,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
) =>
  fetch(publicUrl + path, {
    method,
    redirect: 'manual',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** The Cookie header that follows from an answer. */
export const cookieOf = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .filter((line) => !/max-age=0/i.test(line))
    .map((line) => line.split(';')[0]!)
    .join('; ');

/** Sets up a factor in the session of this cookie, and returns the cookie of the session that has it. */
export async function setUpFactor(
  site: Site,
  { cookie, password }: { cookie: string; password: string },
): Promise<Factor & { cookie: string }> {
  const as = { cookie, ...originOf(site) };
  const made = await sendJson(site, 'POST', '/api/auth/two-factor/enable', as, { password });
  const { totpURI: uri, backupCodes: codes } = await made.json();
  const confirmed = await sendJson(site, 'POST', '/api/auth/two-factor/verify-totp', as, {
    code: freshCodeFor(uri),
  });
  expect(confirmed.status, await confirmed.clone().text()).toBe(200);
  return { uri, codes, cookie: cookieOf(confirmed) };
}

export const demandFactor = ({ rows }: Pick<TestSystem, 'rows'>, organizationId: string) =>
  rows('UPDATE organizations SET requires_two_factor = true WHERE id = $1', [organizationId]);

/** What a session of a seller opens that lacks nothing. */
export const allOpened = ['market', 'session', 'company API', 'pages'];

/** What a credential must not open, each by its own guard. */
export async function openedBy(site: Site, headers: Record<string, string>): Promise<string[]> {
  const found: string[] = [];
  const json = { ...headers, ...originOf(site), accept: 'application/json' };
  const isCookie = headers.cookie !== undefined;
  const note = (name: string, isOpen: boolean) => (isOpen ? found.push(name) : 0);
  const market = await sendJson(site, 'PUT', '/api/sellers/security', json, {});
  note('market', ![401, 403].includes(market.status));
  note('session', 'user' in (await (await sendJson(site, 'GET', '/api/auth/session', json)).json()));
  if (!isCookie) return found;
  // Without a session this machine acts for the demo company.
  const { companies } = (await (await sendJson(site, 'GET', '/api/companies', json)).json()) as {
    companies?: unknown[];
  };
  note('company API', companies?.length === 0);
  const home = await sendJson(site, 'GET', '/', { ...headers, accept: 'text/html' });
  note('pages', home.headers.get('location') === '/market');
  return found;
}
