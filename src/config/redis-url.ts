/** One Redis server as an address names it. */
export type RedisServer = {
  host: string;
  port: number;
  username?: string;
  password?: string;
  db: number;
  /** 4 or 6 to use only these addresses, 0 for both. */
  family?: number;
  tls?: { rejectUnauthorized: boolean };
};

/** `notes`: parameters that are not used, as sentences without secrets. */
export type ReadRedisUrl =
  | { ok: true; server: RedisServer; notes: string[] }
  | { ok: false; problem: string };

/** The nodes that REDIS_URL names. A comma that is not followed by a URL is part of a password. */
export const redisNodes = (list: string): string[] => list.split(/\s*,\s*(?=rediss?:\/\/)/i);

const refuse = (problem: string): ReadRedisUrl => ({ ok: false, problem: `REDIS_URL ${problem}` });

const shape =
  'must be a redis:// or rediss:// URL, or such URLs of the nodes of one cluster, separated by commas. A character of the password that has a meaning in URLs must be percent-encoded.';

/** Reads the address of one node. Never throws. */
export function readRedisUrl(text: string): ReadRedisUrl {
  if (!/^rediss?:\/\//i.test(text) || !URL.canParse(text)) return refuse(shape);
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === '' || host.includes(',') || url.hash !== '' || url.pathname.includes('@'))
    return refuse(shape);
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (username === null || password === null)
    return refuse(
      'has a % in the user name or password that is not part of an encoded character: write %25.',
    );
  const { db: named, family, verified, notes } = parametersOf(url.searchParams);
  const path = url.pathname.replace(/^\/+|\/+$/g, '') || named || '0';
  if (!/^\d{1,6}$/.test(path))
    return refuse('must end in the number of a database, such as /0, or in nothing.');
  const server: RedisServer = { host, port: Number(url.port || 6_379), db: Number(path) };
  if (username !== '') server.username = username;
  if (password !== '') server.password = password;
  if (family !== null) server.family = family;
  if (/^rediss:/i.test(url.protocol)) server.tls = { rejectUnauthorized: verified };
  return { ok: true, server, notes };
}

function parametersOf(given: URLSearchParams) {
  const notes: string[] = [];
  let db: string | null = null;
  let family: number | null = null;
  let verified = true;
  for (const [name, value] of given) {
    if (name === 'db') db = value;
    else if (name === 'family' && /^[046]$/.test(value)) family = Number(value);
    else if (/^(?:ssl_cert_reqs|rejectUnauthorized|sslmode)$/i.test(name))
      verified = !/^(?:none|cert_none|false|0|no-verify|require)$/i.test(value);
    else
      notes.push(
        `REDIS_URL: the parameter ${/^\w{1,60}$/.test(name) ? name : 'with an unusual name'} is not used.`,
      );
  }
  if (!verified) notes.push('REDIS_URL: the certificate of the server is not checked.');
  return { db, family, verified, notes };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
