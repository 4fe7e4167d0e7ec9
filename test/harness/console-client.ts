import type { TestSystem } from './system.ts';

/** A minimal browser: it keeps cookies, sends an Origin, and does not follow redirects. */
export type Visitor = {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, form?: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
  signIn(email: string, password: string): Promise<Response>;
  cookie(): string;
};

export function visit(system: Pick<TestSystem, 'publicUrl'>, startWith = ''): Visitor {
  const jar = new Map<string, string>();
  if (startWith) jar.set(startWith.split('=')[0]!, startWith.slice(startWith.indexOf('=') + 1));
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const send = async (path: string, init: RequestInit & { headers: Record<string, string> }) => {
    const cookies: Record<string, string> = jar.size > 0 ? { cookie: cookie() } : {};
    const response = await fetch(system.publicUrl + path, {
      ...init,
      redirect: 'manual',
      headers: { accept: 'text/html', ...cookies, ...init.headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const name = pair.slice(0, pair.indexOf('='));
      if (/max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, pair.slice(pair.indexOf('=') + 1));
    }
    return response;
  };
  const visitor: Visitor = {
    cookie,
    get: (path, headers = {}) => send(path, { method: 'GET', headers }),
    post: (path, form = {}, headers = {}) =>
      send(path, {
        method: 'POST',
        body: new URLSearchParams(form).toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: new URL(system.publicUrl).origin,
          ...headers,
        },
      }),
    signIn: (email, password) => visitor.post('/login', { email, password }),
  };
  return visitor;
}
