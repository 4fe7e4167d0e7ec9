import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isPrivateHost } from './private-host.ts';

/**
 * A database address as hosts give it, read once for both drivers: each of them reads addresses differently, and one
 * sends parameters that it does not know to the server, which then refuses the connection.
 */
export type DatabaseServer = {
  /** A name, an address without brackets, or the folder of a Unix socket. */
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  tls: false | DatabaseTls;
  /** Whether TLS begins at once, without asking the server first. */
  tlsDirect: boolean;
  /** The startup parameter `options`, such as `-c search_path=x` or Neon's `endpoint=…`. */
  options: string | null;
  applicationName: string | null;
  connectTimeoutMs: number | null;
  /** The address says that it leads through a transaction pooler. */
  pooled: boolean;
};

export type DatabaseTls = {
  rejectUnauthorized: boolean;
  /** True when the certificate may be for another name. */
  anyName?: true;
  ca?: string;
  cert?: string;
  key?: string;
  passphrase?: string;
};

/** `notes`: parameters that are not used, as sentences without secrets. */
export type ReadDatabaseUrl =
  | { ok: true; server: DatabaseServer; notes: string[] }
  | { ok: false; problem: string };

const shape = 'must be a postgres:// URL, such as postgres://user:password@host:5432/name.';
const encodedShape =
  'cannot be read. A character of the user name or password that has a meaning in URLs must be percent-encoded: # as %23, / as %2F, ? as %3F, [ as %5B.';

const severalHosts = 'names several hosts. Name one: its pooler, or the address that follows the primary.';

/** `name`: the variable, for the sentences. Never throws. */
export function readDatabaseUrl(name: string, given: string): ReadDatabaseUrl {
  const refuse = (problem: string): ReadDatabaseUrl => ({ ok: false, problem: `${name} ${problem}` });
  const text = unquoted(given);
  if (!/^postgres(?:ql)?:\/\//i.test(text)) return refuse(shape);
  const [authority = ''] = text.replace(/^[a-z]+:\/\//i, '').split(/[/?#]/);
  if (authority.slice(authority.lastIndexOf('@') + 1).includes(',')) return refuse(severalHosts);
  const url = parsedUrl(text);
  if (url?.hash !== '' || splitPassword(url)) return refuse(encodedShape);
  try {
    const notes: string[] = [];
    const server = serverOf(url, (note) => notes.push(`${name}: ${note}`));
    return { ok: true, server, notes };
  } catch (error) {
    if (error instanceof Refused) return refuse(error.message);
    throw error;
  }
}

class Refused extends Error {}

/** Files of variables are read with their quotes by some programs. */
const unquoted = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/s, '$2');

/** The host of a Unix socket is in a parameter, so that the URL may have none. */
function parsedUrl(text: string): URL | null {
  if (URL.canParse(text)) return new URL(text);
  const hostless = text.replace(/^([a-z]+:\/\/[^/?#]*@)(:\d+)?(?=[/?]|$)/i, `$1${noHost}$2`);
  return URL.canParse(hostless) ? new URL(hostless) : null;
}
const noHost = 'no-host.invalid';

/** The same server, with another database. */
export function withDatabase(given: string, database: string): string {
  const url = parsedUrl(unquoted(given));
  if (!url) throw new Error('not a URL of a database');
  url.pathname = `/${database}`;
  for (const parameter of ['dbname', 'database']) url.searchParams.delete(parameter);
  return url.href.replace(noHost, '');
}

/** A `/` or `?` of a password ends the host early, and what follows looks like a path. */
const splitPassword = ({ pathname, search }: URL): boolean =>
  /@/.test(pathname) || /^[^=&]*@/.test(search.slice(1));

type Note = (sentence: string) => void;

function serverOf(url: URL, note: Note): DatabaseServer {
  const parameters = new Map<string, string>();
  for (const [key, value] of url.searchParams) parameters.set(key, value);
  const taken = (key: string) => {
    const value = parameters.get(key);
    parameters.delete(key);
    return value === undefined || value === '' ? null : value;
  };
  const hostname = url.hostname === noHost ? '' : decoded(url.hostname).replace(/^\[(.*)\]$/, '$1');
  const host = taken('host') ?? taken('hostaddr') ?? (hostname || 'localhost');
  if (host.includes(',')) throw new Refused(severalHosts);
  const port = portOf(taken('port') ?? url.port);
  const user = taken('user') ?? taken('username') ?? (decoded(url.username) || ownName());
  const password = taken('password') ?? decoded(url.password);
  const database = taken('dbname') ?? taken('database') ?? (decoded(url.pathname.slice(1)) || user);
  const { tls, direct } = tlsOf(taken, host, note);
  const server: DatabaseServer = {
    host,
    port,
    user,
    password,
    database,
    tls,
    tlsDirect: direct,
    options: taken('options'),
    applicationName: taken('application_name') ?? taken('fallback_application_name'),
    connectTimeoutMs: timeoutOf(taken('connect_timeout'), note),
    pooled: pooledOf(taken('pgbouncer'), note),
  };
  checkAttributes(taken('target_session_attrs'));
  for (const key of parameters.keys()) noteUnused(key, parameters.get(key)!, note);
  return server;
}

function portOf(text: string): number {
  if (text === '') return 5432;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new Refused('names a port that is no number from 1 to 65535.');
  return port;
}

/** In seconds, as libpq; 0 is no limit there, and leadgate always has one. */
function timeoutOf(text: string | null, note: Note): number | null {
  if (text === null || text === '0') return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return Math.min(30_000, Math.max(1_000, seconds * 1_000));
  note('connect_timeout is not a number of seconds and is not used.');
  return null;
}

function pooledOf(text: string | null, note: Note): boolean {
  if (text === null || /^(?:false|0|no|off)$/i.test(text)) return false;
  note(
    'pgbouncer says that this address leads through a transaction pooler, so statements are not prepared. Set DATABASE_DIRECT_URL to the address of the server itself, for migrations, lists and the queue.',
  );
  return true;
}

function checkAttributes(text: string | null): void {
  if (text === null || /^(?:any|read-write|primary|prefer-standby)$/i.test(text)) return;
  throw new Refused(
    'asks for a server that is not the primary (target_session_attrs). leadgate writes: leave it out.',
  );
}

/** What libpq means by each mode. `ssl` is what other drivers call it. */
const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;
type TlsMode = (typeof modes)[number];
const otherNames: Record<string, TlsMode> = {
  true: 'require',
  '1': 'require',
  on: 'require',
  yes: 'require',
  false: 'disable',
  '0': 'disable',
  off: 'disable',
  no: 'disable',
  verify_ca: 'verify-ca',
  verify_full: 'verify-full',
};

function modeOf(given: string | null, other: string | null): TlsMode | null {
  const text = (given ?? other)?.toLowerCase();
  if (text === undefined) return null;
  const mode = modes.find((each) => each === text) ?? otherNames[text];
  if (!mode) throw new Refused(`has an sslmode that does not exist. Modes: ${modes.slice(0, 6).join(', ')}.`);
  return mode;
}

function tlsOf(
  taken: (key: string) => string | null,
  host: string,
  note: Note,
): { tls: false | DatabaseTls; direct: boolean } {
  const root = taken('sslrootcert');
  const direct = taken('sslnegotiation') === 'direct';
  const given = modeOf(taken('sslmode'), taken('ssl'));
  const accepted = taken('sslaccept');
  const certificate = { cert: taken('sslcert'), key: taken('sslkey'), passphrase: taken('sslpassword') };
  // As libpq: the system's authorities are only useful with a check of the name.
  const implied = root === 'system' ? 'verify-full' : direct || certificate.cert ? 'require' : 'disable';
  const mode = withoutFallback(given ?? implied, host, note);
  if (host.startsWith('/') || mode === 'disable') return { tls: false, direct: false };
  const ca = root === null || root === 'system' ? null : fileOf('sslrootcert', root);
  const verified =
    mode.startsWith('verify') || (mode === 'require' && (root !== null || accepted === 'strict'));
  if (!verified && given !== 'no-verify')
    note(
      `the connection is encrypted, and the server's certificate is not checked (sslmode=${given ?? implied}). Add sslrootcert=<file> and sslmode=verify-full to check it.`,
    );
  return {
    tls: {
      rejectUnauthorized: verified,
      ...(verified && mode !== 'verify-full' && root !== 'system' ? { anyName: true as const } : {}),
      ...(ca === null ? {} : { ca }),
      ...(certificate.cert === null ? {} : { cert: fileOf('sslcert', certificate.cert) }),
      ...(certificate.key === null ? {} : { key: fileOf('sslkey', certificate.key) }),
      ...(certificate.passphrase === null ? {} : { passphrase: certificate.passphrase }),
    },
    direct,
  };
}

/** Neither driver encrypts only if the server can, so these two modes are decided by where the server is. */
function withoutFallback(mode: TlsMode, host: string, note: Note): TlsMode {
  if (mode !== 'allow' && mode !== 'prefer') return mode;
  const instead = host.startsWith('/') || isPrivateHost(host) ? 'disable' : 'require';
  note(
    `sslmode=${mode} is read as ${instead}, because ${host.startsWith('/') ? 'a socket' : host} is ${instead === 'disable' ? 'on this machine or in a private network' : 'reached through the internet'}. Name the mode you want: disable, require, verify-ca or verify-full.`,
  );
  return instead;
}

function fileOf(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new Refused(
      `names a file in ${parameter} that cannot be read. Check the path and its permissions.`,
    );
  }
}

function noteUnused(key: string, value: string, note: Note): void {
  if (key === 'channel_binding') {
    if (value === 'require')
      note(
        'channel_binding is not used: neither driver binds the password to the TLS channel. sslmode=verify-full protects against the same attack.',
      );
  } else if (key === 'schema') {
    if (value !== 'public')
      note(
        'schema is not used. To keep leadgate in a schema of its own: ALTER ROLE <user> SET search_path = <schema>.',
      );
  } else if (key !== 'gssencmode' || value === 'require')
    note(`the parameter ${/^\w{1,60}$/.test(key) ? key : 'with an unusual name'} is not used.`);
}

/** As written when it is no valid encoding: a password may contain a lone percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, (part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
  }
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'postgres';
  }
}
