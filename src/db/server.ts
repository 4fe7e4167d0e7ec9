import type pg from 'pg';
import { type DatabaseServer, readDatabaseUrl } from '../config.ts';

/** How each driver connects to a database. Neither is given its address, because each reads addresses differently. */

const read = new Map<string, DatabaseServer>();

/** Throws for an address that the configuration refuses at boot. */
export function serverOf(url: string): DatabaseServer {
  const known = read.get(url);
  if (known) return known;
  const found = readDatabaseUrl('The address of the database', url);
  if (!found.ok) throw new Error(found.problem);
  read.set(url, found.server);
  return found.server;
}

const isSocket = ({ host }: DatabaseServer): boolean => host.startsWith('/');

function tlsOf({ tls }: DatabaseServer) {
  if (tls === false) return false as const;
  const { anyName, ...options } = tls;
  return anyName ? { ...options, checkServerIdentity: () => undefined } : options;
}

/** For pg. */
export function pgSettings(url: string) {
  const server = serverOf(url);
  const { host, port, user, password, database, options, applicationName } = server;
  return {
    host,
    port,
    user,
    password,
    database,
    ssl: tlsOf(server),
    ...(server.tlsDirect ? { sslnegotiation: 'direct' as const } : {}),
    ...(options === null ? {} : { options }),
    ...(applicationName === null ? {} : { application_name: applicationName }),
  } satisfies pg.ClientConfig;
}

/** For postgres.js. Host and port are lists, which its types do not tell: it would look for a port in an IPv6 address. */
export function postgresJsSettings(url: string) {
  const server = serverOf(url);
  const { host, port, user, password, database } = server;
  return {
    host: [host] as unknown as string,
    port: [port] as unknown as number,
    ...(isSocket(server) ? { path: `${host}/.s.PGSQL.${port}` } : {}),
    user,
    password,
    database,
    ssl: tlsOf(server),
    ...(server.tlsDirect ? { sslnegotiation: 'direct' as const } : {}),
  };
}
