import type { IncomingMessage } from 'node:http';

/*
 * One address may answer two families of clients: those with an API key, and those with a session. The credential decides,
 * before anything of the request is judged, so that each family gets its own refusals.
 */

type Asked = Pick<IncomingMessage, 'headers'>;

const bearerOf = (authorization: string): string | undefined => /^Bearer +(\S+)$/i.exec(authorization)?.[1];

/** Whether a request brings an API key: a Bearer of its form, or X-API-Key without any Authorization. */
export function bringsKey({ headers }: Asked): boolean {
  const { authorization } = headers;
  if (authorization === undefined) return headers['x-api-key'] !== undefined;
  return /^(?:lg|sk)_/.test(bearerOf(authorization) ?? '');
}

/** Whether a request brings a session and no API key: a Bearer of another form, or a cookie without any key. */
export function bringsSession({ headers }: Asked): boolean {
  if (bringsKey({ headers })) return false;
  const { authorization, cookie = '' } = headers;
  if (authorization !== undefined) return bearerOf(authorization) !== undefined;
  return /(?:^|;\s*)(?:__Secure-)?leadgate\.session_token=/.test(cookie);
}

/** Routes with `constraints: bySession` are found by requests that bring a session; others by all that no such route takes. */
export const bySession = { credential: 'session' } as const;

/** The router's strategy for them. */
export const credentialStrategy = {
  name: 'credential',
  storage<T>() {
    const handlers = new Map<string, T>();
    return {
      get: (credential: string) => handlers.get(credential) ?? null,
      set: (credential: string, handler: T) => {
        handlers.set(credential, handler);
      },
    };
  },
  validate(value: unknown): void {
    if (value !== bySession.credential) throw new Error('routes are found by a session, or by no credential');
  },
  deriveConstraint: (request: IncomingMessage) => (bringsSession(request) ? bySession.credential : 'none'),
};
