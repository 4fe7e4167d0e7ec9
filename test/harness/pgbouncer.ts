import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { serverAccount } from '../../src/embedded-postgres/binaries.ts';
import { freePort } from '../../src/system.ts';

export type PgBouncer = {
  /** The given URL by way of the pooler. Other databases of the server are reached by changing the path. */
  url: string;
  directUrl: string;
  traffic(): Promise<PoolTraffic>;
  stop(): Promise<void>;
};

export type PoolTraffic = {
  poolMode: string;
  poolSize: number;
  /** Since the start, all databases together. */
  transactions: number;
  databases: number;
  /** Most connections to the server that one database ever had at the same time, as seen when asked. */
  servers: number;
};

const patienceMs = 10_000;

/**
 * PgBouncer in transaction mode before a given server. Its pools are smaller than ours, so that clients do share
 * connections, and it lets no session setting through: what needs one fails here.
 */
export async function startPgBouncer(postgresUrl: string, { poolSize = 8 } = {}): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'leadgate-pgbouncer-'));
  // Like PostgreSQL it does not run as root; then it must be able to read its settings as somebody else.
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
      // At once; SIGINT would wait for clients.
      child.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    child = launch(file);
    await answers(child, url);
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
    // Its default of 15 s leaves everybody waiting that long after a restart of the server.
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
    // Debian keeps it where ordinary users do not look.
    env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** It has no way to call us when it is ready: it is asked, every 50 ms. */
async function answers(child: ChildProcess, url: URL): Promise<void> {
  let output = '';
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  child.stderr!.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
  const deadline = Date.now() + patienceMs;
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

/** Its own console, which knows the simple protocol only. */
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
