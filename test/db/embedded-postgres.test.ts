import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type EmbeddedPostgres,
  FolderInUseError,
  lockDataFolder,
  startEmbeddedPostgres,
  startTemporaryPostgres,
} from '../../src/embedded-postgres/index.ts';
import { atServer } from '../harness/database.ts';

const asRoot = process.getuid?.() === 0;
let parent: string;
let dataDir: string;
const cleanUps: (() => unknown)[] = [];

beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'leadgate-test-')));
  await chmod(parent, 0o755);
  dataDir = join(parent, '.leadgate');
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await rm(parent, { recursive: true, force: true });
});

async function start(options: { port?: number } = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, ...options });
  cleanUps.push(() => server.stop('immediate'));
  return server;
}

const module_ = JSON.stringify(new URL('../../src/embedded-postgres/index.ts', import.meta.url).href);

type Owner = { child: ChildProcess; lines: AsyncIterator<string>; server: EmbeddedPostgres };

/** Another leadgate process in its own process group. It stops its server and exits when its input closes. */
async function startOwner(call: string): Promise<Owner> {
  const script = `import * as embedded from ${module_};
    const server = await embedded.${call};
    console.log(JSON.stringify(server));
    process.stdin.on('end', async () => { await server.stop?.(); console.log('ended'); }).resume();`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  cleanUps.push(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  return { child, lines, server: JSON.parse(String(value)) as EmbeddedPostgres };
}

const startExpression = () => `startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} })`;

function exitOf({ child }: Owner): Promise<unknown> {
  return new Promise((resolve) => child.once('exit', resolve));
}

async function setting(url: string, name: string): Promise<string> {
  return atServer(url, async (client) => (await client.query(`SHOW ${name}`)).rows[0][name]);
}

const acceptsConnections = (url: string) => atServer(url, () => Promise.resolve(true)).catch(() => false);

it('starts on an empty folder with the settings leadgate relies on', async () => {
  const lines: string[] = [];
  const server = await startEmbeddedPostgres({ dataDir, log: (line) => lines.push(line) });
  cleanUps.push(() => server.stop('immediate'));
  expect(lines.join()).toContain(server.dataDir);
  const expected = {
    server_encoding: 'UTF8',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    max_prepared_transactions: '0',
    synchronous_commit: 'on',
    fsync: 'on',
    TimeZone: 'UTC',
  };
  for (const [name, value] of Object.entries(expected))
    expect([name, await setting(server.url, name)]).toEqual([name, value]);
  const collation = await atServer(server.url, async (client) => {
    const text = 'SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()';
    return (await client.query(text)).rows;
  });
  expect(collation).toEqual([{ datlocprovider: 'b', datlocale: 'C.UTF-8' }]);
  await server.stop();
  expect(await acceptsConnections(server.url)).toBe(false);
});

/** The same database without the password. */
const withoutPassword = (url: string) => Object.assign(new URL(url), { password: '' }).href;

/** What a cluster of an earlier version looks like: no password, and every account of the machine is let in. */
async function letEveryoneIn(folder: string): Promise<void> {
  await writeFile(join(folder, 'pg_hba.conf'), 'host all all 127.0.0.1/32 trust\n');
  await rm(join(dataDir, 'postgres-password'));
}

it('lets only those in who can read the password, which is the owner of the data folder', async () => {
  const server = await start();
  expect(new URL(server.url).password).toMatch(/^[\w-]{43}$/);
  expect((await stat(join(dataDir, 'postgres-password'))).mode & 0o777).toBe(0o600);
  const wrong = Object.assign(new URL(server.url), { password: 'postgres' }).href;
  for (const url of [wrong, withoutPassword(server.url)])
    await expect(atServer(url, () => Promise.resolve())).rejects.toThrow(/password/);
  const sockets = (await readdir(server.dataDir)).filter((name) => name.startsWith('.s.PGSQL'));
  expect(sockets).toEqual([]);
});

it('gives a cluster of an earlier version a password, and keeps its data', async () => {
  const first = await start();
  await atServer(first.url, (client) => client.query('CREATE TABLE kept ()'));
  await first.stop();
  await letEveryoneIn(first.dataDir);
  const second = await start();
  await atServer(second.url, (client) => client.query('SELECT FROM kept'));
  expect(await acceptsConnections(withoutPassword(second.url))).toBe(false);
});

it('asks processes of an earlier version for no password while they use the server', async () => {
  const owner = await startOwner(startExpression());
  await letEveryoneIn(owner.server.dataDir);
  await atServer(owner.server.url, (client) => client.query('SELECT pg_reload_conf()'));
  const second = await start();
  expect(second).toMatchObject({ attached: true, url: withoutPassword(owner.server.url) });
  expect(await acceptsConnections(second.url)).toBe(true);
});

it('says what to do when the password of a running server is missing', async () => {
  await start();
  await rm(join(dataDir, 'postgres-password'));
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(/refuses the password.*Stop that server/s);
});

it('keeps its data over a stop, and its port over a crash', async () => {
  const first = await start();
  await atServer(first.url, (client) => client.query('CREATE TABLE kept AS SELECT 1 AS n'));
  await first.restart('immediate');
  const rows = (url: string) =>
    atServer(url, async (client) => (await client.query('SELECT n FROM kept')).rows);
  expect(await rows(first.url)).toEqual([{ n: 1 }]);
  await first.stop();
  const second = await start();
  expect(second.attached).toBe(false);
  expect(await rows(second.url)).toEqual([{ n: 1 }]);
});

it('takes over the server that a killed leadgate left running, and stops it', async () => {
  const owner = await startOwner(startExpression());
  const ended = exitOf(owner);
  owner.child.kill('SIGKILL');
  await ended;
  expect(await acceptsConnections(owner.server.url)).toBe(true);
  const successor = await start();
  expect(successor).toMatchObject({ attached: true, port: owner.server.port, dataDir: owner.server.dataDir });
  await successor.stop();
  expect(await acceptsConnections(successor.url)).toBe(false);
});

it('two processes that start together share one server, which the last one stops', async () => {
  const [one, two] = await Promise.all([startOwner(startExpression()), startOwner(startExpression())]);
  expect(one.server.port).toBe(two.server.port);
  expect([one.server.attached, two.server.attached].sort()).toEqual([false, true]);
  one.child.stdin!.end();
  expect((await one.lines.next()).value).toBe('ended');
  expect(await acceptsConnections(two.server.url)).toBe(true);
  two.child.stdin!.end();
  expect((await two.lines.next()).value).toBe('ended');
  expect(await acceptsConnections(two.server.url)).toBe(false);
});

it('a Ctrl-C does not reach the server, so that leadgate can drain first', async () => {
  const owner = await startOwner(startExpression());
  const ended = exitOf(owner);
  process.kill(-owner.child.pid!, 'SIGINT');
  await ended;
  expect(await acceptsConnections(owner.server.url)).toBe(true);
  await (await start()).stop();
});

it('starts although the pid of its dead server now belongs to another process', async () => {
  const first = await start();
  const note = join(first.dataDir, 'postmaster.pid');
  const text = await readFile(note, 'utf8');
  await first.stop();
  // The state a machine leaves when it loses power.
  await writeFile(note, text.replace(/^\d+/, String(process.pid)));
  const second = await start();
  expect(second.attached).toBe(false);
  expect(await acceptsConnections(second.url)).toBe(true);
});

it('runs in a project folder that other users cannot enter, and finds its data on the next start', async () => {
  await chmod(parent, 0o700);
  const first = await start();
  // As root the server runs as another user, who needs a folder it can enter; otherwise the data stays in place.
  const elsewhere = !first.dataDir.startsWith(parent);
  expect(elsewhere).toBe(asRoot);
  if (elsewhere) cleanUps.unshift(() => rm(dirname(first.dataDir), { recursive: true, force: true }));
  await atServer(first.url, (client) => client.query('CREATE TABLE kept ()'));
  await first.stop();
  const second = await start();
  expect(second.dataDir).toBe(first.dataDir);
  await atServer(second.url, (client) => client.query('SELECT FROM kept'));
});

it('refuses data of another major version instead of corrupting it', async () => {
  const first = await start();
  await first.stop();
  await writeFile(join(first.dataDir, 'PG_VERSION'), '9\n');
  await expect(start()).rejects.toThrow(/made by PostgreSQL 9.*Set DATABASE_URL/s);
});

it('a port that is taken is named in the error', async () => {
  const first = await start();
  dataDir = join(parent, 'second');
  await expect(start({ port: first.port })).rejects.toThrow(String(first.port));
});

it('removes a temporary database with its server, also one that a killed run left', async () => {
  const owner = await startOwner('startTemporaryPostgres()');
  const ended = exitOf(owner);
  owner.child.kill('SIGKILL');
  await ended;
  const left = dirname(owner.server.dataDir);
  const longAgo = new Date(Date.now() - 120_000);
  await utimes(left, longAgo, longAgo);

  const own = await startTemporaryPostgres();
  cleanUps.push(() => own.stop());
  expect([existsSync(left), await acceptsConnections(owner.server.url)]).toEqual([false, false]);
  await own.stop();
  expect([existsSync(own.dataDir), await acceptsConnections(own.url)]).toEqual([false, false]);
});

it('refuses a second leadgate on one data folder, and names the first', async () => {
  await mkdir(dataDir);
  const owner = await startOwner(`lockDataFolder(${JSON.stringify(dataDir)})`);
  await expect(lockDataFolder(dataDir)).rejects.toThrow(FolderInUseError);
  await expect(lockDataFolder(dataDir)).rejects.toThrow(`process ${owner.child.pid}`);
  const ended = exitOf(owner);
  owner.child.kill('SIGKILL');
  await ended;
  const lock = await lockDataFolder(dataDir);
  await expect(lockDataFolder(dataDir)).rejects.toThrow(`process ${process.pid}`);
  await lock.release();
  await (await lockDataFolder(dataDir)).release();
});

it('of many processes that find an abandoned lock, one takes it', async () => {
  await mkdir(dataDir);
  await writeFile(
    join(dataDir, 'leadgate.lock.1'),
    JSON.stringify({ pid: process.pid, started: 'at another time' }),
  );
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataFolder(dataDir)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
