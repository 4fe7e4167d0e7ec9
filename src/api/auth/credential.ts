import type { IncomingMessage } from 'node:http';

/*
 * One address may answer two families of clients: those with an API key, and those with a session. The credential decides,
 * before anything of the request is judged, so that each family gets its own refusals.
 */

/** Whether a request brings a session and no API key: a Bearer of another form, or a cookie without any key. */
export function bringsSession({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { authorization, cookie } = headers;
  if (authorization !== undefined) {
    const bearer = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    return bearer !== undefined && !/^(?:lg|sk)_/.test(bearer);
  }
  if (headers['x-api-key'] !== undefined) return false;
  return cookie !== undefined && /(?:^|;\s*)(?:__Secure-)?leadgate\.session_token=/.test(cookie);
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
