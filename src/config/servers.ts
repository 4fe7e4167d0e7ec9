import { readDatabaseUrl } from './database-url.ts';
import type { Environment } from './environment.ts';
import { isLoopback, isPublicAddress } from './private-host.ts';
import { weaknessOf } from './randomness.ts';
import { readRedisUrl, redisNodes } from './redis-url.ts';

/** The database and Redis servers that the environment names, and the passwords within their URLs. */
type Server = { name: string; host: string; user: string; password: string; byCertificate: boolean };
const databases = ['DATABASE_URL', 'DATABASE_REPLICA_URL', 'DATABASE_DIRECT_URL'] as const;
/** Shorter passwords are guessed. */
const shortestPassword = 8;

function servers(e: Environment): Server[] {
  const ofDatabases = databases.flatMap((name): Server[] => {
    const read = e[name] === undefined ? null : readDatabaseUrl(name, e[name]);
    if (!read?.ok) return [];
    const { host, user, password, tls } = read.server;
    const byCertificate = tls !== false && tls.cert !== undefined;
    // A socket is on this machine.
    return [{ name, host: host.startsWith('/') ? '' : host, user, password, byCertificate }];
  });
  const ofQueue = redisNodes(e.REDIS_URL ?? '').flatMap((node): Server[] => {
    const read = readRedisUrl(node);
    if (!read.ok) return [];
    const { host, username: user = '', password = '' } = read.server;
    return [{ name: 'REDIS_URL', host, user, password, byCertificate: false }];
  });
  return [...ofDatabases, ...ofQueue];
}

/**
 * Reads the addresses of databases. Returns a sentence for each that cannot be used, and for each parameter that is not.
 */
export function databaseUrlFindings(e: Environment): { problems: string[]; notes: string[] } {
  const read = databases.flatMap((name) => (e[name] === undefined ? [] : [readDatabaseUrl(name, e[name])]));
  return {
    problems: read.flatMap((each) => (each.ok ? [] : [each.problem])),
    notes: read.flatMap((each) => (each.ok ? each.notes : [])),
  };
}

/**
 * A server on this machine, in a private network or known by name may do without a password, as in docker-compose.yml. A
 * password that is set must not be guessable, wherever the server is.
 */
export function serverProblems(e: Environment): string[] {
  const problems = servers(e).flatMap(({ name, host, user, password, byCertificate }) => {
    if (password === '')
      return isPublicAddress(host) && !byCertificate
        ? [`${name} has no password, and ${host} is a public address. Set a password at the server.`]
        : [];
    if (isLoopback(host)) return [];
    const wrong =
      password === user || ['postgres', 'redis', 'valkey'].includes(password)
        ? 'it is the first one that is tried'
        : weaknessOf(password, shortestPassword);
    return wrong ? [`${name} has a password that can be guessed: ${wrong}. Change it at the server.`] : [];
  });
  return [...new Set(problems)];
}

/** Variable and password, once per server: the URLs of one database share theirs. */
export function serverPasswords(e: Environment): [string, string][] {
  return servers(e)
    .filter(({ name }) => name === 'DATABASE_URL' || name === 'REDIS_URL')
    .map(({ name, password }) => [name, password]);
}
