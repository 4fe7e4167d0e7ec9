import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { serverAccount } from '../../src/embedded-postgres/binaries.ts';
import { freePort } from '../../src/system.ts';

export type PgBouncer = {
  /** The given URL through the pooler. Another path reaches another database of the server. */
  url: string;
  directUrl: string;
  traffic(): Promise<PoolTraffic>;
  stop(): Promise<void>;
};

export type PoolTraffic = {
  poolMode: string;
  poolSize: number;
  /** Since the start, over all databases. */
  transactions: number;
  databases: number;
  /** Current connections to the server of the database that has the most. */
  servers: number;
};

const startTimeoutMs = 10_000;

/**
 * Starts PgBouncer in transaction mode before a server. Its pools are smaller than ours, so that clients share
 * connections, and it forwards no session settings, so that code that depends on one fails.
 */
export async function startPgBouncer(postgresUrl: string, { poolSize = 24 } = {}): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-pgbouncer-'));
  // Like PostgreSQL it refuses to run as root and runs as another user, who must be able to read its settings.
  await chmod(folder, 0o755);
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, settings(new URL(postgresUrl), port, poolSize), { mode: 0o644 });
  const url = new URL(postgresUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  let child: ChildProcess | undefined;
  const stop = async () => {
    if (child?.pid && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      // SIGTERM ends it immediately; SIGINT would wait for clients.
      child.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    child = launch(file);
    await waitUntilReady(child, url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: url.href, directUrl: postgresUrl, traffic: () => traffic(url), stop };
}

function settings(server: URL, port: number, poolSize: number): string {
  const quoted = (text: string) => `'${decodeURIComponent(text).replaceAll("'", "''")}'`;
  const target = {
    host: server.hostname,
    port: server.port || '5432',
    user: quoted(server.username || 'postgres'),
    ...(server.password ? { password: quoted(server.password) } : {}),
  };
  const values = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: poolSize,
    max_client_conn: 1_000,
    // With the default of 15 s all clients wait that long after a restart of the server.
    server_login_retry: 1,
  };
  const lines = (record: object) => Object.entries(record).map(([name, value]) => `${name} = ${value}`);
  const database = Object.entries(target).map(([name, value]) => `${name}=${value}`);
  return ['[databases]', `* = ${database.join(' ')}`, '[pgbouncer]', ...lines(values), ''].join('\n');
}

function launch(file: string): ChildProcess {
  const account = serverAccount();
  return spawn('pgbouncer', [file], {
    ...(account ? { uid: account.uid, gid: account.gid } : {}),
    // Debian installs it outside the PATH of ordinary users.
    env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Polls every 50 ms until PgBouncer responds, because it does not signal that it is ready. */
async function waitUntilReady(child: ChildProcess, url: URL): Promise<void> {
  let output = '';
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  child.stderr!.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    if (failed) throw failed;
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}:\n${output}`);
    try {
      await show(url, 'VERSION');
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Queries PgBouncer's admin console, which supports the simple protocol only. */
async function show(url: URL, what: string): Promise<Record<string, string>[]> {
  const console = new URL(url);
  console.pathname = '/pgbouncer';
  const client = new pg.Client({ connectionString: console.href });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(`SHOW ${what}`)).rows as Record<string, string>[];
  } finally {
    await client.end();
  }
}

async function traffic(url: URL): Promise<PoolTraffic> {
  const config = new Map((await show(url, 'CONFIG')).map(({ key, value }) => [key, value]));
  const stats = (await show(url, 'STATS')).filter(({ database }) => database !== 'pgbouncer');
  const servers = new Map<string, number>();
  for (const { database = '' } of await show(url, 'SERVERS'))
    servers.set(database, (servers.get(database) ?? 0) + 1);
  return {
    poolMode: config.get('pool_mode') ?? '',
    poolSize: Number(config.get('default_pool_size')),
    transactions: stats.reduce((sum, row) => sum + Number(row.total_xact_count), 0),
    databases: stats.length,
    servers: Math.max(0, ...servers.values()),
  };
}
