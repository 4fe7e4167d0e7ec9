import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasErrorCode } from '../domain/errors.ts';
import { isRunning, markOf, type ProcessMark } from './process-mark.ts';

/** Another leadgate process uses this folder. */
export class FolderInUseError extends Error {
  readonly pid: number;
  constructor(folder: string, pid: number) {
    super(
      `another leadgate (process ${pid}) is already running with the data in ${folder}. ` +
        'Stop it first, or give this one a folder of its own.',
    );
    this.name = 'FolderInUseError';
    this.pid = pid;
  }
}

export type FolderLock = { release(): Promise<void> };

/**
 * Locks the data folder, so that only one `npm start` uses it. The lock is held until it is released or this process
 * ends, even by a crash. Throws FolderInUseError with the id of the process that holds it.
 */
export async function lockDataFolder(dataDir: string): Promise<FolderLock> {
  const folder = resolve(dataDir);
  const outcome = await take(folder, 'leadgate');
  if ('heldBy' in outcome) throw new FolderInUseError(folder, outcome.heldBy);
  return outcome;
}

/** Waits for the lock `name` of a folder. Throws FolderInUseError after `timeoutMs`. */
export async function waitForLock(folder: string, name: string, timeoutMs = 90_000): Promise<FolderLock> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const outcome = await take(folder, name);
    if (!('heldBy' in outcome)) return outcome;
    if (Date.now() > deadline) throw new FolderInUseError(folder, outcome.heldBy);
    await delay(40 + Math.random() * 20);
  }
}

/*
 * A lock is a file `<name>.lock.<n>`, created exclusively; the highest n is the current one. It is never removed, only
 * marked as released, and it is free when its process has ended. Acquiring it creates n + 1, so that only one of two
 * processes that find the lock free succeeds. Deleting and re-creating a single file would let both succeed.
 */
async function take(folder: string, name: string): Promise<FolderLock | { heldBy: number }> {
  for (;;) {
    const current = Math.max(0, ...(await generations(folder, name)));
    const holder = current === 0 ? 'free' : await readHolder(lockPath(folder, name, current));
    if (holder !== 'free') return { heldBy: holder.pid };

    const mine = current + 1;
    const path = lockPath(folder, name, mine);
    try {
      await writeFile(path, JSON.stringify(markOf(process.pid)), { flag: 'wx', mode: 0o644 });
    } catch (error) {
      if (hasErrorCode(error, 'EEXIST')) continue;
      throw error;
    }
    const others = await generations(folder, name);
    // A higher number exists: its process acquired the lock and may already have removed our file.
    if (Math.max(...others) > mine) {
      await rm(path, { force: true });
      continue;
    }
    for (const older of others.filter((n) => n < mine))
      await rm(lockPath(folder, name, older), { force: true });
    return { release: () => release(path) };
  }
}

async function release(path: string): Promise<void> {
  try {
    await writeFile(path, '{"released":true}', { flag: 'r+' });
  } catch (error) {
    // A temporary folder may have been removed together with its locks.
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
}

async function readHolder(path: string): Promise<ProcessMark | 'free'> {
  try {
    const text = await readFile(path, 'utf8');
    const mark = parseMark(text);
    if (mark === 'released') return 'free';
    if (mark) return isRunning(mark) ? mark : 'free';
    // Created but still empty: after two seconds the process is assumed to have ended before writing.
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs < 2_000 ? { pid: 0, started: null } : 'free';
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return 'free';
    throw error;
  }
}

function parseMark(text: string): ProcessMark | 'released' | null {
  // Releasing overwrites in place, so the end of the longer previous text may follow.
  if (text.startsWith('{"released":true}')) return 'released';
  try {
    const value = JSON.parse(text) as Partial<ProcessMark>;
    return typeof value.pid === 'number' ? { pid: value.pid, started: value.started ?? null } : null;
  } catch {
    return null;
  }
}

async function generations(folder: string, name: string): Promise<number[]> {
  const prefix = `${name}.lock.`;
  const names = (await readdir(folder)).filter((file) => file.startsWith(prefix));
  return names.map((file) => Number(file.slice(prefix.length))).filter(Number.isInteger);
}

const lockPath = (folder: string, name: string, generation: number) =>
  join(folder, `${name}.lock.${generation}`);
