import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, markOf, type ProcessMark } from './process-mark.ts';

/** Another leadgate process works in this folder. */
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
 * One `npm start` per data folder: held until released or until this process is gone, however it went.
 * Throws FolderInUseError, naming the process that holds it.
 */
export async function lockDataFolder(dataDir: string): Promise<FolderLock> {
  const folder = resolve(dataDir);
  const outcome = await take(folder, 'leadgate');
  if ('heldBy' in outcome) throw new FolderInUseError(folder, outcome.heldBy);
  return outcome;
}

/** Waits for its turn. `name` tells locks of one folder apart. */
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
 * A lock is a file `<name>.lock.<n>` created exclusively; the highest n is the current one and is never removed,
 * only marked as released or found to belong to a process that is gone. Taking over means creating n + 1, so two
 * processes that both find a dead holder cannot both win, which deleting and re-creating one file would allow.
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
      if (hasCode(error, 'EEXIST')) continue;
      throw error;
    }
    const others = await generations(folder, name);
    // We were slow: whoever holds a higher number has already cleaned ours away once.
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
    // A temporary folder may be gone by now, and its locks with it.
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

async function readHolder(path: string): Promise<ProcessMark | 'free'> {
  try {
    const text = await readFile(path, 'utf8');
    const mark = parseMark(text);
    if (mark === 'released') return 'free';
    if (mark) return isRunning(mark) ? mark : 'free';
    // Created but not yet written: give its process two seconds, then it died between the two.
    const { mtimeMs } = await stat(path);
    return Date.now() - mtimeMs < 2_000 ? { pid: 0, started: null } : 'free';
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'free';
    throw error;
  }
}

function parseMark(text: string): ProcessMark | 'released' | null {
  // Releasing overwrites in place, so the end of a longer, older text may follow.
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

export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));
