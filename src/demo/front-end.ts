import type { z } from 'zod';

/** Where an installation is reached, and the origin that its cookies and forms belong to. */
export type Address = { url: string; origin: string };

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Wanted<T> = {
  body?: unknown;
  /** 200 unless given. */
  status?: number;
  shape: z.ZodType<T>;
};

/** One call of the public API. Throws when the answer has another status or shape than wanted. */
export type Ask = <T>(method: Method, path: string, wanted: Wanted<T>) => Promise<T>;

/** Calls as a front end or a program of another company does: over HTTP, with these headers. */
export const asker =
  ({ url, origin }: Address, own: Record<string, string>): Ask =>
  async (method, path, { body, status = 200, shape }) => {
    const answer = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', origin, ...own },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status !== status)
      throw new Error(`${method} ${path}: expected ${status}, got ${answer.status} ${text.slice(0, 500)}`);
    const read = shape.safeParse(JSON.parse(text));
    if (!read.success) throw new Error(`${method} ${path}: ${read.error.message} in ${text.slice(0, 500)}`);
    return read.data;
  };

/** Signs in by NextAuth's protocol. Returns null when the address or the password is wrong. */
export async function signIn(
  address: Address,
  { email, password }: { email: string; password: string },
): Promise<Ask | null> {
  const { url, origin } = address;
  const csrf = await fetch(`${url}/api/auth/csrf`);
  const { csrfToken } = (await csrf.json()) as { csrfToken: string };
  const form = new URLSearchParams({ email, password, csrfToken, callbackUrl: origin, json: 'true' });
  const answer = await fetch(`${url}/api/auth/callback/credentials`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin,
      cookie: cookiesOf(csrf)
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    },
    body: form.toString(),
  });
  if (answer.status === 401) return null;
  const session = cookiesOf(answer).find(({ name }) => name.includes('session_token'));
  if (!answer.ok || !session) throw new Error(`signing in ${email}: ${answer.status} ${await answer.text()}`);
  return asker(address, { authorization: `Bearer ${session.value}` });
}

function cookiesOf(response: Response): { name: string; value: string }[] {
  return response.headers.getSetCookie().map((cookie) => {
    const [pair = ''] = cookie.split(';');
    const at = pair.indexOf('=');
    return { name: pair.slice(0, at), value: pair.slice(at + 1) };
  });
}

/** Reads until `ok`, for at most ten seconds; returns what was read last. */
export async function until<T>(read: () => Promise<T>, ok: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = await read();
    if (ok(value) || Date.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
