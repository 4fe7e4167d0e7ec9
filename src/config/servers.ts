import { isIP } from 'node:net';
import { type Environment, redisNodes } from './environment.ts';
import { weaknessOf } from './randomness.ts';

/** The database and Redis servers that the environment names, and the passwords within their URLs. */
type Server = { name: string; url: URL };
const databases = ['DATABASE_URL', 'DATABASE_REPLICA_URL', 'DATABASE_DIRECT_URL'] as const;
/** Shorter passwords are guessed. */
const shortestPassword = 8;

function servers(e: Environment): Server[] {
  const given: [string, string][] = [
    ...databases.map((name): [string, string] => [name, e[name] ?? '']),
    ...redisNodes(e.REDIS_URL ?? '').map((url): [string, string] => ['REDIS_URL', url]),
  ];
  return given.flatMap(([name, url]) => (URL.canParse(url) ? [{ name, url: new URL(url) }] : []));
}

/**
 * A server on this machine, in a private network or known by name may do without a password, as in docker-compose.yml. A
 * password that is set must not be guessable, wherever the server is.
 */
export function serverProblems(e: Environment): string[] {
  const problems = servers(e).flatMap(({ name, url }) => {
    const password = passwordOf(url);
    if (password === '')
      return isPublicAddress(url.hostname) && !url.searchParams.has('sslcert')
        ? [`${name} has no password, and ${url.hostname} is a public address. Set a password at the server.`]
        : [];
    if (isLoopback(url.hostname)) return [];
    const wrong =
      password === decoded(url.username) || ['postgres', 'redis', 'valkey'].includes(password)
        ? 'it is the first one that is tried'
        : weaknessOf(password, shortestPassword);
    return wrong ? [`${name} has a password that can be guessed: ${wrong}. Change it at the server.`] : [];
  });
  const malformed = databases
    .filter((name) => e[name] !== undefined && !/^postgres(?:ql)?:\/\//.test(e[name]))
    .map((name) => `${name} must be a postgres:// URL, such as postgres://user:password@host:5432/name.`);
  return [...new Set([...malformed, ...problems])];
}

/** Variable and password, once per server: the URLs of one database share theirs. */
export function serverPasswords(e: Environment): [string, string][] {
  return servers(e)
    .filter(({ name }) => name === 'DATABASE_URL' || name === 'REDIS_URL')
    .map(({ name, url }) => [name, passwordOf(url)]);
}

const passwordOf = ({ password }: URL): string => decoded(password);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function isLoopback(hostname: string): boolean {
  return hostname === '' || /^(?:localhost|127\.[\d.]+|\[::1\])$/i.test(hostname);
}

/**
 * Whether the host is an address of the internet. A name is not judged: names of private networks cannot be told from
 * public ones (a managed cache, a service mesh, a company's own zone).
 */
function isPublicAddress(hostname: string): boolean {
  if (isLoopback(hostname)) return false;
  if (isIP(hostname) === 4)
    return !/^(?:10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
      hostname,
    );
  return hostname.startsWith('[') && !/^\[f[cde]/i.test(hostname);
}
