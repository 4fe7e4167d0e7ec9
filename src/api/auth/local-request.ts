import type { IncomingHttpHeaders } from 'node:http';

const proxyHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
  'cf-connecting-ip',
];
const localNames = new Set(['localhost', '127.0.0.1', '[::1]']);

type Incoming = { headers: IncomingHttpHeaders; socket: { remoteAddress?: string | undefined } };

/**
 * Whether a request comes from a program on this machine: from a loopback address, through no proxy, and by a local
 * host name. A foreign name that resolves to 127.0.0.1 (DNS rebinding) or another site's Origin is a web page that
 * reaches into the machine.
 */
export function isLocalRequest({ headers, socket }: Incoming): boolean {
  if (!/^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '')) return false;
  if (proxyHeaders.some((name) => headers[name] !== undefined)) return false;
  const host = (headers.host ?? '').replace(/:\d+$/, '');
  if (!localNames.has(host)) return false;
  return headers.origin === undefined || headers.origin === `http://${headers.host}`;
}

/** Whether an installation serves this machine only, by its own address. */
export const isLocalUrl = (url: string): boolean => localNames.has(new URL(url).hostname);

/**
 * Whether a request may do without a key. In production none may, and neither may one of an installation with a public
 * address: a proxy on the same machine that adds no header makes every request look local.
 */
export const needsNoKey = (
  { production, publicUrl }: { production: boolean; publicUrl: string },
  request: Incoming,
): boolean => !production && isLocalUrl(publicUrl) && isLocalRequest(request);
