import { createRequire } from 'node:module';
import { vi } from 'vitest';
import { visit } from './console-client.ts';

/** What the React client of next-auth 4 offers to a page. */
export type NextAuth = {
  signIn(
    provider: string,
    options: Record<string, unknown>,
  ): Promise<{ error: string | null; status: number; ok: boolean; url: string | null } | undefined>;
  signOut(options: { redirect: false; callbackUrl?: string }): Promise<{ url: string }>;
  getSession(): Promise<{ user: Record<string, unknown>; expires: string } | null>;
  getCsrfToken(): Promise<string | undefined>;
  getProviders(): Promise<Record<string, Record<string, string>> | null>;
};

export type Browser = {
  client: NextAuth;
  /** The answers that the client got, in order. */
  answers: Response[];
  cookie(): string;
  location: { href: string };
};

/**
 * The unmodified package in a page of this origin: relative addresses, cookies and an Origin header as a browser has them.
 * `vi.unstubAllGlobals()` takes the page away.
 */
export function openNextAuth(publicUrl: string): Browser {
  const visitor = visit({ publicUrl });
  const location = { href: `${publicUrl}/somewhere` };
  const answers: Response[] = [];
  const page = async (path: string, init: RequestInit = {}) => {
    const headers = Object.fromEntries(new Headers(init.headers));
    const answer = init.method
      ? await visitor.post(path, Object.fromEntries(init.body as URLSearchParams), {
          accept: '*/*',
          ...headers,
        })
      : await visitor.get(path, { accept: '*/*', ...headers });
    answers.push(answer.clone());
    return answer;
  };
  const network = globalThis.fetch;
  vi.stubGlobal('window', { location });
  vi.stubGlobal('fetch', (input: string | URL, init?: RequestInit) =>
    typeof input === 'string' && input.startsWith('/') ? page(input, init) : network(input, init),
  );
  const client = createRequire(import.meta.url)('next-auth/react') as NextAuth;
  return { client, answers, cookie: visitor.cookie, location };
}
