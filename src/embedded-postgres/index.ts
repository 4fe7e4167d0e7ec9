import { mkdir, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, EmbeddedPostgresError, exists, prepareBinaries, serverAccount } from './binaries.ts';
import { hasCode, waitForLock } from './folder-lock.ts';
import { chooseHome, temporaryFolder } from './location.ts';
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
  startServer,
  stopServer,
} from './server.ts';

export { EmbeddedPostgresError } from './binaries.ts';
export { FolderInUseError, lockDataFolder } from './folder-lock.ts';

export type EmbeddedOptions = {
  /** Where leadgate keeps its data (`.leadgate`). The cluster lies inside, or where a note in it says. */
  dataDir: string;
  /** Chosen free when not given. A server found running keeps its own. */
  port?: number;
  /** Created when missing. */
  database?: string;
  /** throwaway turns fsync off: survives the crash of any process, not of the machine. */
  durability?: 'safe' | 'throwaway';
  log?: (line: string) => void;
};

export type EmbeddedPostgres = {
  url: string;
  /** Where the cluster really is. */
  dataDir: string;
  port: number;
  /** A server left running by an earlier process was taken over, or is shared with another. */
  attached: boolean;
  /** Stops the server, unless another live process uses it: the last one out stops it. fast by default. */
  stop(mode?: StopMode): Promise<void>;
  /** Same port, same data. immediate is a crash: the next start recovers from the write-ahead log. */
  restart(mode?: StopMode): Promise<void>;
};

let handles = 0;

/** Starts PostgreSQL from the npm binaries, or attaches to the one that already serves this folder. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  return (await start(options)).handle;
}

async function start(options: EmbeddedOptions): Promise<{ handle: EmbeddedPostgres; home: string }> {
  const { database = 'leadgate', durability = 'safe', log = () => undefined } = options;
  const dataDir = await ownFolder(options.dataDir);
  return exclusively(dataDir, async () => {
    const home = await chooseHome(dataDir, serverAccount());
    const cluster = await openCluster(home, durability);
    const found = await findServer(cluster.folder);
    const port = found ? found.port : await startServer(cluster, options.port);
    await createDatabase(port, database);
    handles += 1;
    const user = `postgres-user.${process.pid}.${handles}`;
    await writeFile(join(dataDir, user), JSON.stringify(markOf(process.pid)));
    log(`PostgreSQL ${found ? 'found running' : 'started'} on 127.0.0.1:${port}, data in ${cluster.folder}`);
    const handle = {
      ...{ url: serverUrl(port, database), dataDir: cluster.folder, port, attached: found !== null },
      stop: (mode: StopMode = 'fast') => exclusively(dataDir, () => leave(cluster, dataDir, user, mode, log)),
      restart: (mode: StopMode = 'fast') =>
        exclusively(dataDir, async () => {
          await stopServer(cluster, mode);
          await startServer(cluster, port);
        }),
    };
    return { handle, home };
  });
}

/**
 * A server whose data goes away with `stop()`. What earlier runs left behind when they were killed is stopped and
 * removed first.
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

/** Every step that looks at the server and then acts on it, one process at a time. */
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
    if (!hasCode(cause, 'EACCES', 'EPERM', 'EROFS')) throw cause;
    throw new EmbeddedPostgresError(`leadgate cannot write to its data folder ${path}.`, { cause });
  }
}

async function openCluster(home: string, durability: 'safe' | 'throwaway'): Promise<Cluster> {
  const folder = join(home, 'postgres');
  const old = await exists(folder);
  const account = old ? await accountOf(folder) : serverAccount();
  const binaries = await prepareBinaries(home, account);
  const cluster = { folder, logFile: join(home, 'postgres.log'), account, binaries, durability };
  if (!old) await initCluster(cluster);
  await checkCluster(cluster);
  return cluster;
}

/** As root, whoever the files belong to: which system users exist may have changed since the first boot. */
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

/** Ours, at least a minute old, and no live process uses it. Others' folders in /tmp are none of our business. */
async function abandoned(folder: string): Promise<boolean> {
  try {
    const { uid, mtimeMs } = await stat(folder);
    if (process.getuid && uid !== process.getuid()) return false;
    return Date.now() - mtimeMs > 60_000 && (await otherUsers(folder, '')).length === 0;
  } catch (error) {
    // Another process sweeps at the same time.
    if (hasCode(error, 'ENOENT')) return false;
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
      { folder: cluster, logFile: join(folder, 'postgres.log'), account, binaries, durability: 'throwaway' },
      'immediate',
    );
  }
  await lock.release();
  await rm(folder, { recursive: true, force: true });
}
