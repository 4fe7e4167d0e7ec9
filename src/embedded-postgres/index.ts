import { mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../domain/errors.ts';
import { type Account, EmbeddedPostgresError, exists, prepareBinaries, serverAccount } from './binaries.ts';
import { waitForLock } from './folder-lock.ts';
import { chooseHome, temporaryFolder } from './location.ts';
import { newPassword, readPassword, storePassword, writeAdmission } from './password.ts';
import { markOf } from './process-mark.ts';
import {
  type Cluster,
  checkCluster,
  createDatabase,
  findServer,
  initCluster,
  otherUsers,
  type StopMode,
  serverUrl,
  setPassword,
  startServer,
  stopServer,
} from './server.ts';
import { watchServer } from './watch.ts';

export { EmbeddedPostgresError } from './binaries.ts';
export { FolderInUseError, lockDataFolder } from './folder-lock.ts';

export type EmbeddedOptions = {
  /** leadgate's data folder (`.leadgate`). Contains the cluster, or a note with the cluster's location. */
  dataDir: string;
  /** Defaults to a free port. A server that is already running keeps its port. */
  port?: number;
  /** Created when missing. */
  database?: string;
  /** `throwaway` disables fsync: data survives the crash of a process, but not of the machine. */
  durability?: 'safe' | 'throwaway';
  log?: (line: string) => void;
};

export type EmbeddedPostgres = {
  url: string;
  /** Folder of the cluster. */
  dataDir: string;
  port: number;
  /** True when the server was already running, started by an earlier or another process. */
  attached: boolean;
  /** Stops the server unless another live process uses it; the last one to call it stops the server. Default: fast. */
  stop(mode?: StopMode): Promise<void>;
  /** Restarts on the same port and data. `immediate` acts as a crash: the start recovers from the write-ahead log. */
  restart(mode?: StopMode): Promise<void>;
  /** Calls `ended` when the server ends without `stop`. Returns a function that ends the watch. */
  watch(ended: (pid: number) => void): Promise<() => void>;
  logFile: string;
};

let handles = 0;

/** Starts PostgreSQL from the npm binaries, or attaches to a server that already runs on this folder. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  return (await start(options)).handle;
}

async function start(options: EmbeddedOptions): Promise<{ handle: EmbeddedPostgres; home: string }> {
  const { database = 'leadgate', durability = 'safe', log = () => undefined } = options;
  const dataDir = await ownFolder(options.dataDir);
  return exclusively(dataDir, async () => {
    const home = await chooseHome(dataDir, serverAccount());
    const opened = await openCluster(home, dataDir, durability);
    const found = await findServer(opened);
    const { cluster, port } = await serve(opened, dataDir, found?.port ?? null, options.port);
    await createDatabase(cluster, port, database);
    handles += 1;
    const user = `postgres-user.${process.pid}.${handles}`;
    await writeFile(join(dataDir, user), JSON.stringify(markOf(process.pid)));
    log(`PostgreSQL ${found ? 'found running' : 'started'} on 127.0.0.1:${port}, data in ${cluster.folder}`);
    const handle = {
      url: serverUrl(port, database, cluster.password),
      dataDir: cluster.folder,
      port,
      attached: found !== null,
      stop: (mode: StopMode = 'fast') => exclusively(dataDir, () => leave(cluster, dataDir, user, mode, log)),
      restart: (mode: StopMode = 'fast') =>
        exclusively(dataDir, async () => {
          await stopServer(cluster, mode);
          await startServer(cluster, port);
        }),
      watch: (ended: (pid: number) => void) => watchServer(cluster.folder, ended),
      logFile: cluster.logFile,
    };
    return { handle, home };
  });
}

/**
 * Starts a server whose data is removed by `stop()`. First stops and removes the servers of earlier runs that were
 * killed.
 */
export async function startTemporaryPostgres(
  options: Omit<EmbeddedOptions, 'dataDir' | 'durability'> = {},
): Promise<EmbeddedPostgres> {
  const folder = await temporaryFolder(temporaryPrefix, serverAccount());
  await sweepTemporary(folder);
  const { handle, home } = await start({ ...options, dataDir: folder, durability: 'throwaway' });
  return {
    ...handle,
    async stop(mode: StopMode = 'fast') {
      if (!(await exists(folder))) return;
      await handle.stop(mode);
      for (const path of new Set([folder, home])) await rm(path, { recursive: true, force: true });
    },
  };
}

const temporaryPrefix = 'leadgate-temporary-';

/** Runs a step that inspects the server and then acts on it, in one process at a time. */
async function exclusively<T>(dataDir: string, act: () => Promise<T>): Promise<T> {
  const lock = await waitForLock(dataDir, 'postgres-boot');
  try {
    return await act();
  } finally {
    await lock.release();
  }
}

async function ownFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true });
    return await realpath(path);
  } catch (cause) {
    if (!hasErrorCode(cause, 'EACCES', 'EPERM', 'EROFS')) throw cause;
    throw new EmbeddedPostgresError(`leadgate cannot write to its data folder ${path}.`, { cause });
  }
}

async function openCluster(
  home: string,
  dataDir: string,
  durability: 'safe' | 'throwaway',
): Promise<Cluster> {
  const folder = join(home, 'postgres');
  const old = await exists(folder);
  const account = old ? await accountOf(folder) : serverAccount();
  const binaries = await prepareBinaries(home, account);
  let password = await readPassword(dataDir);
  if (!old && password === null) {
    password = newPassword();
    await storePassword(dataDir, password);
  }
  const cluster = { folder, logFile: join(home, 'postgres.log'), account, binaries, durability, password };
  if (!old) await initCluster(cluster);
  await checkCluster(cluster);
  return cluster;
}

/**
 * Starts the server unless it runs, and makes it ask for a password. A cluster without one was made by an earlier
 * version, whose processes connect without: it gets one when none of them uses it.
 */
async function serve(
  cluster: Cluster,
  dataDir: string,
  running: number | null,
  wanted: number | undefined,
): Promise<{ cluster: Cluster; port: number }> {
  const { folder, account } = cluster;
  const admission = cluster.password === null ? 'trust' : 'scram-sha-256';
  if (running === null) await writeAdmission(folder, admission, account);
  const port = running ?? (await startServer(cluster, wanted));
  if (cluster.password !== null || (await otherUsers(dataDir, '')).length > 0) return { cluster, port };
  const password = newPassword();
  await setPassword(cluster, port, password, async () => {
    await storePassword(dataDir, password);
    await writeAdmission(folder, 'scram-sha-256', account);
  });
  return { cluster: { ...cluster, password }, port };
}

/** As root, uses the owner of the files: the system users may have changed since the cluster was created. */
async function accountOf(folder: string): Promise<Account> {
  const account = serverAccount();
  if (!account) return null;
  const { uid, gid } = await stat(folder);
  return uid === 0 || uid === account.uid ? account : { name: `user ${uid}`, uid, gid };
}

async function leave(
  cluster: Cluster,
  dataDir: string,
  user: string,
  mode: StopMode,
  log: (line: string) => void,
): Promise<void> {
  await rm(join(dataDir, user), { force: true });
  const others = await otherUsers(dataDir, user);
  if (others.length > 0) log(`PostgreSQL left running for process ${others.join(', ')}`);
  else await stopServer(cluster, mode);
}

async function sweepTemporary(own: string): Promise<void> {
  const parent = join(own, '..');
  for (const name of (await readdir(parent)).filter((entry) => entry.startsWith(temporaryPrefix))) {
    const folder = join(parent, name);
    if (folder !== own && (await abandoned(folder))) await removeTemporary(folder);
  }
}

/** Whether a temporary folder belongs to this user, is over a minute old and is not used by a live process. */
async function abandoned(folder: string): Promise<boolean> {
  try {
    const { uid, mtimeMs } = await stat(folder);
    if (process.getuid && uid !== process.getuid()) return false;
    return Date.now() - mtimeMs > 60_000 && (await otherUsers(folder, '')).length === 0;
  } catch (error) {
    // Removed by another process that sweeps at the same time.
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeTemporary(folder: string): Promise<void> {
  const lock = await waitForLock(folder, 'postgres-boot');
  const cluster = join(folder, 'postgres');
  if (await exists(cluster)) {
    const account = await accountOf(cluster);
    const binaries = await prepareBinaries(folder, account);
    await stopServer(
      {
        folder: cluster,
        logFile: join(folder, 'postgres.log'),
        account,
        binaries,
        durability: 'throwaway',
        password: await readPassword(folder),
      },
      'immediate',
    );
  }
  await lock.release();
  await rm(folder, { recursive: true, force: true });
}
