import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, markOf } from './process-mark.ts';

const everyMs = 1_000;

/**
 * Calls `ended` once when the server of a folder has ended. It is not a child process, so its end sends no signal.
 * Returns a function that stops watching, to be called before the server is stopped on purpose.
 */
export async function watchServer(folder: string, ended: (pid: number) => void): Promise<() => void> {
  const [pid = ''] = (await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n');
  const mark = markOf(Number(pid));
  const look = setInterval(() => {
    if (isRunning(mark)) return;
    clearInterval(look);
    ended(mark.pid);
  }, everyMs).unref();
  return () => clearInterval(look);
}
