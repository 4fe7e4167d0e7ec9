import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Identifies a process across the reuse of process ids: after a reboot or in a restarted container the same id soon
 * belongs to another process. `started` is an opaque start time, or null where the system does not provide it.
 */
export type ProcessMark = { pid: number; started: string | null };

export const markOf = (pid: number): ProcessMark => ({ pid, started: startOf(pid) });

export function isRunning(mark: ProcessMark): boolean {
  if (!answersSignals(mark.pid)) return false;
  const started = startOf(mark.pid);
  if (started === 'ended') return false;
  return started === null || mark.started === null || started === mark.started;
}

/** Returns the program of a process (`postgres`, `node`), or null where the system does not provide it. */
export function programOf(pid: number): string | null {
  if (process.platform === 'linux') return readOrNull(`/proc/${pid}/comm`)?.trim() ?? null;
  if (process.platform === 'win32') return null;
  const name = ps(pid, 'comm=');
  return name === null ? null : (name.split('/').at(-1) ?? null);
}

function answersSignals(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function startOf(pid: number): string | null {
  if (process.platform === 'linux') {
    const line = readOrNull(`/proc/${pid}/stat`);
    if (line === null) return null;
    // The program name (second field) may contain blanks and parentheses; the fields after its last one do not.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
    const boot = readOrNull('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
    return `${fields[19]}@${boot}`;
  }
  return process.platform === 'win32' ? null : ps(pid, 'lstart=');
}

function ps(pid: number, column: string): string | null {
  const { status, stdout } = spawnSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : null;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
