import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, EmbeddedPostgresError, exists, runAs } from './binaries.ts';
import { hasCode } from './folder-lock.ts';

type Location = { dataDir: string; home: string };

/**
 * The folder that holds the cluster. `dataDir` itself, unless the server runs as another user (we are root) who
 * cannot reach it, as under a home folder of mode 700: then a folder under /var/lib, or a temporary one where there
 * is no writable /var/lib, noted in `<dataDir>/postgres-location.json` so that every later start finds it again.
 */
export async function chooseHome(dataDir: string, account: Account): Promise<string> {
  if (!account) return dataDir;
  const noted = await notedHome(dataDir);
  if (noted) return noted;
  const { mode, uid } = await stat(dataDir);
  // Passing through is all the server needs; it cannot list or read what else lies there.
  if (uid === process.getuid?.() && (mode & 0o001) === 0) await chmod(dataDir, (mode & 0o777) | 0o011);
  if (await reachable(dataDir, account)) return dataDir;

  const home = (await underVarLib(dataDir, account)) ?? (await underTemporary(account));
  const location: Location = { dataDir, home };
  await writeFile(notePath(dataDir), `${JSON.stringify(location, null, 2)}\n`);
  return home;
}

/** A temporary folder the server's user can reach, for a database that does not outlive this run. */
export async function temporaryFolder(prefix: string, account: Account): Promise<string> {
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const usable = account === null || (await reachable(parent, account));
    if (!usable) continue;
    // The real path: on macOS /tmp is a link, and the server reports where it really is.
    const folder = await mkdtemp(join(await realpath(parent), prefix));
    if (account) await chmod(folder, 0o711);
    return folder;
  }
  throw new EmbeddedPostgresError(`The user "${account?.name}" can reach no temporary folder.`);
}

const notePath = (dataDir: string) => join(dataDir, 'postgres-location.json');

async function notedHome(dataDir: string): Promise<string | null> {
  try {
    const noted = JSON.parse(await readFile(notePath(dataDir), 'utf8')) as Location;
    // A copy of the whole project carries the note along, and must not share the original's database.
    const copied = noted.dataDir !== dataDir && (await exists(noted.dataDir));
    return !copied && (await exists(noted.home)) ? noted.home : null;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

async function underVarLib(dataDir: string, account: Account): Promise<string | null> {
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const home = join('/var/lib/leadgate', key);
  try {
    await mkdir(home, { recursive: true });
    for (const folder of [join(home, '..'), home]) await chmod(folder, 0o755);
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOENT')) return null;
    throw error;
  }
  const { uid } = await lstat(home);
  return uid === 0 && (await reachable(home, account)) ? home : null;
}

const underTemporary = (account: Account) => temporaryFolder('leadgate-data-', account);

const reachable = async (folder: string, account: Account): Promise<boolean> =>
  (await runAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', folder])).code === 0;
