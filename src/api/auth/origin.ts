import { RefusedError } from '../../domain/errors.ts';

const loopback = ['127.0.0.1', 'localhost', '[::1]'];

/** The origins of our own pages: the public URL's, and on a developer's machine every loopback name. */
export function trustedOrigins(publicUrl: string): string[] {
  const { origin, protocol, hostname, port } = new URL(publicUrl);
  if (!loopback.includes(hostname)) return [origin];
  return loopback.map((name) => `${protocol}//${name}${port ? `:${port}` : ''}`);
}

type Incoming = { method: string; headers: Record<string, string | string[] | undefined> };

/**
 * Throws 403 for a write from another site's page. Browsers send Origin with every POST; where a referrer policy blanks
 * it they still send Sec-Fetch-Site, which no page can forge.
 */
export function assertSameOrigin(request: Incoming, trusted: readonly string[]): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const { origin } = request.headers;
  if (typeof origin === 'string' && trusted.includes(origin)) return;
  const blank = origin === undefined || origin === 'null';
  if (blank && request.headers['sec-fetch-site'] === 'same-origin') return;
  throw new RefusedError(403, 'wrong_origin', 'This request did not come from one of our own pages.');
}
