import {
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { hasErrorCode } from '../domain/errors.ts';
import { type Account, type Binaries, EmbeddedPostgresError, exists, runAs } from './binaries.ts';
import { writeAdmission } from './password.ts';
import { isRunning, markOf, programOf } from './process-mark.ts';

/** A cluster on disk, with the binaries and the user that run it. */
export type Cluster = {
  folder: string;
  logFile: string;
  account: Account;
  binaries: Binaries;
  /** `throwaway` disables fsync. synchronous_commit stays on, because every boot asserts it. */
  durability: 'safe' | 'throwaway';
  /** Null for a cluster of an earlier version, until it has one. */
  password: string | null;
};

export type StopMode = 'fast' | 'immediate';

/** Without a password only for a cluster of an earlier version, which asks for none. */
export const serverUrl = (port: number, database: string, password: string | null) =>
  `postgres://postgres${password === null ? '' : `:${password}`}@127.0.0.1:${port}/${encodeURIComponent(database)}`;

/**
 * Returns the server that already runs on this folder, for example after a `kill -9` of leadgate, or null.
 * `pg_ctl status` is not sufficient: it takes any process that reused the old id for the server, and PostgreSQL then
 * refuses to start. A stale postmaster.pid is removed.
 */
export async function findServer({
  folder,
  password,
}: Pick<Cluster, 'folder' | 'password'>): Promise<{ port: number; pid: number } | null> {
  const pidFile = join(folder, 'postmaster.pid');
  const lines = (await readOrNull(pidFile))?.split('\n');
  if (!lines) return null;
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!isRunning(markOf(pid))) return null;
  if ((await servesFolder(pid, folder)) && (await answersFor(port, folder, password))) return { port, pid };
  await rm(pidFile, { force: true });
  return null;
}

export async function initCluster(cluster: Cluster): Promise<void> {
  const { folder, account, binaries } = cluster;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  const passwordFile = `${folder}.password`;
  await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
  if (account) for (const path of [unfinished, passwordFile]) await chown(path, account.uid, account.gid);
  const { code, output } = await runAs(account, join(binaries.folder, 'bin', 'initdb'), [
    ...['-D', unfinished, '-U', 'postgres', '--encoding=UTF8'],
    // One iteration: what a random password of 256 bits has in it needs no stretching, and each connection pays for it.
    ...['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '-c', 'scram_iterations=1'],
    // Collation and case rules must not depend on the machine's locales.
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
    ...(cluster.durability === 'throwaway' ? ['--no-sync'] : []),
  ]);
  await rm(passwordFile, { force: true });
  if (code !== 0) throw new EmbeddedPostgresError(`initdb failed in ${folder}: ${output.trim()}`);
  await writeAdmission(unfinished, 'scram-sha-256', account);
  // Renamed last, so that an interrupted first start leaves the unfinished folder only.
  await rename(unfinished, folder);
}

/**
 * Throws EmbeddedPostgresError when the files belong to another user or were created by another major version. The
 * server would report it in its log only.
 */
export async function checkCluster({ folder, account, binaries }: Cluster): Promise<void> {
  const { uid } = await stat(folder);
  const mine = account?.uid ?? process.getuid?.();
  if (mine !== undefined && uid !== mine) {
    throw new EmbeddedPostgresError(
      `The database in ${folder} belongs to user ${uid}, and leadgate runs as ${mine}. Run it as that user (root, for example), or move the folder away.`,
    );
  }
  const major = Number(
    (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => `${binaries.major}`)).trim(),
  );
  if (major !== binaries.major) {
    throw new EmbeddedPostgresError(
      `The database in ${folder} was made by PostgreSQL ${major}, the installed binaries are ${binaries.major}. Move the folder away, or dump and restore it with version ${major}.`,
    );
  }
}

/** Returns the port. A wanted port is kept in every attempt, because clients already use it. */
export async function startServer(cluster: Cluster, wanted?: number): Promise<number> {
  await prepareLog(cluster);
  let output = '';
  // Retries, because a free port may be taken before the start, and children of a killed server may still be exiting.
  for (let attempt = 0; attempt < 4; attempt += 1) {
    if (attempt > 0) await delay(300 * attempt);
    const port = wanted ?? (await freePort());
    const args = [
      'start',
      '-w',
      '-t',
      '60',
      '-D',
      cluster.folder,
      '-l',
      cluster.logFile,
      '-o',
      settings(cluster, port),
    ];
    const result = await runAs(cluster.account, pgCtl(cluster), args);
    if (result.code === 0) return port;
    output = result.output;
  }
  const log = ((await readOrNull(cluster.logFile)) ?? '').trim().split('\n').slice(-8).join('\n');
  throw new EmbeddedPostgresError(`PostgreSQL did not start on ${cluster.folder}: ${output.trim()}\n${log}`);
}

export async function stopServer(cluster: Cluster, mode: StopMode): Promise<void> {
  if (!(await exists(join(cluster.folder, 'postmaster.pid')))) return;
  const args = ['stop', '-w', '-t', '60', '-m', mode, '-D', cluster.folder];
  const { code, output } = await runAs(cluster.account, pgCtl(cluster), args);
  if (code !== 0 && (await findServer(cluster))) {
    throw new EmbeddedPostgresError(`PostgreSQL on ${cluster.folder} did not stop: ${output.trim()}`);
  }
}

export const createDatabase = (cluster: Cluster, port: number, database: string): Promise<void> =>
  asSuperuser(cluster, port, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (!rowCount) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  });

/** Gives a running server of an earlier version the password; `stored` is called when it has it. */
export const setPassword = (
  cluster: Cluster,
  port: number,
  password: string,
  stored: () => Promise<void>,
): Promise<void> =>
  asSuperuser(cluster, port, async (client) => {
    await client.query(
      `SET scram_iterations = 1; ALTER ROLE postgres PASSWORD ${client.escapeLiteral(password)}`,
    );
    await stored();
    await client.query('SELECT pg_reload_conf()');
  });

async function asSuperuser(
  { password }: Cluster,
  port: number,
  act: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({
    connectionString: serverUrl(port, 'postgres', password),
    connectionTimeoutMillis: 10_000,
  });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

const pgCtl = ({ binaries }: Cluster) => join(binaries.folder, 'bin', 'pg_ctl');

function settings({ durability }: Cluster, port: number): string {
  const values = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: durability === 'throwaway' ? 400 : 200,
    max_prepared_transactions: 0,
    synchronous_commit: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durability === 'throwaway' ? { fsync: 'off', full_page_writes: 'off' } : {}),
  };
  return Object.entries(values)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

async function prepareLog({ logFile, account }: Cluster): Promise<void> {
  const file = await open(logFile, 'a', 0o600);
  if (account) await file.chown(account.uid, account.gid);
  await file.close();
}

/** Returns false only when the process is certainly not a server on this folder. */
async function servesFolder(pid: number, folder: string): Promise<boolean> {
  const program = programOf(pid);
  if (program !== null && program !== 'postgres') return false;
  if (process.platform !== 'linux') return true;
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(folder));
  } catch (error) {
    if (hasErrorCode(error, 'EACCES', 'EPERM', 'ENOENT')) return true;
    throw error;
  }
}

/** Waits for a recovery to finish. Returns false when another cluster uses the port, or after ten seconds without a server. */
async function answersFor(port: number, folder: string, password: string | null): Promise<boolean> {
  const deadline = Date.now() + 60_000;
  let silentUntil = Date.now() + 10_000;
  while (Date.now() < Math.min(deadline, silentUntil)) {
    const client = new pg.Client({
      connectionString: serverUrl(port, 'postgres', password),
      connectionTimeoutMillis: 2_000,
    });
    // A broken connection also rejects below; without a listener the event would end the process.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
      return (await realpath(rows[0]?.data_directory ?? '/')) === (await realpath(folder));
    } catch (error) {
      if (isRefusedPassword(error))
        throw new EmbeddedPostgresError(
          `The database in ${folder} is running on port ${port} and refuses the password in postgres-password beside it. Stop that server and start again: a missing file is then replaced; remove a wrong one.`,
        );
      // 57P03: starting, stopping or recovering.
      if (hasErrorCode(error, '57P03')) silentUntil = Date.now() + 10_000;
      await delay(100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  return false;
}

/** 28P01 is a wrong password; without one, the driver itself refuses to answer. */
const isRefusedPassword = (error: unknown): boolean =>
  hasErrorCode(error, '28P01', '28000') ||
  (error instanceof Error && error.message.includes('client password must be a string'));

async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

/** Returns the ids of the live processes that use the server. Removes the files of processes that have ended. */
export async function otherUsers(dataDir: string, except: string): Promise<number[]> {
  const pids: number[] = [];
  for (const name of (await readdir(dataDir)).filter((file) => file.startsWith('postgres-user.'))) {
    if (name === except) continue;
    const text = (await readOrNull(join(dataDir, name))) ?? '';
    const mark = text === '' ? null : (JSON.parse(text) as Parameters<typeof isRunning>[0]);
    if (mark && isRunning(mark)) pids.push(mark.pid);
    else await rm(join(dataDir, name), { force: true });
  }
  return pids;
}
