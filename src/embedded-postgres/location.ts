import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasErrorCode } from '../domain/errors.ts';
import { type Account, EmbeddedPostgresError, exists, runAs } from './binaries.ts';

type Location = { dataDir: string; home: string };

/**
 * Returns the folder of the cluster: `dataDir`, unless leadgate runs as root and the server's user cannot access it, as
 * in a home folder of mode 700. In that case it is a folder under /var/lib, or a temporary one when /var/lib is not
 * writable, stored in `<dataDir>/postgres-location.json` for later starts.
 */
export async function chooseHome(dataDir: string, account: Account): Promise<string> {
  if (!account) return dataDir;
  const noted = await notedHome(dataDir);
  if (noted) return noted;
  const { mode, uid } = await stat(dataDir);
  // The server only needs to traverse the folder; execute permission does not let it list or read other files.
  if (uid === process.getuid?.() && (mode & 0o001) === 0) await chmod(dataDir, (mode & 0o777) | 0o011);
  if (await reachable(dataDir, account)) return dataDir;

  const home = (await underVarLib(dataDir, account)) ?? (await underTemporary(account));
  const location: Location = { dataDir, home };
  await writeFile(notePath(dataDir), `${JSON.stringify(location, null, 2)}\n`);
  return home;
}

/** Creates a temporary folder that the server's user can access. Throws EmbeddedPostgresError when there is none. */
export async function temporaryFolder(prefix: string, account: Account): Promise<string> {
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    const usable = account === null || (await reachable(parent, account));
    if (!usable) continue;
    // The real path, because /tmp is a symlink on macOS and the server reports its real path.
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
    // A copy of the project folder contains the note too, but must not share the original's database.
    const copied = noted.dataDir !== dataDir && (await exists(noted.dataDir));
    return !copied && (await exists(noted.home)) ? noted.home : null;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
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
    if (hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOENT')) return null;
    throw error;
  }
  const { uid } = await lstat(home);
  return uid === 0 && (await reachable(home, account)) ? home : null;
}

const underTemporary = (account: Account) => temporaryFolder('leadgate-data-', account);

const reachable = async (folder: string, account: Account): Promise<boolean> =>
  (await runAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', folder])).code === 0;
