import { readFile, rename, writeFile } from 'node:fs/promises';

/** A file that holds the state of simulated vendors from one start to the next. */
export type StateFile = {
  /** Null before anything was written. Throws when the file is not JSON. */
  read(): Promise<unknown>;
  /** Writes the state soon. Several changes share a write. */
  changed(): void;
  /** Writes what has changed and was not written yet. Later changes are not kept. */
  close(): Promise<void>;
};

const shortestPauseMs = 100;

/** `take` returns the state as JSON can hold it. */
export function createStateFile(path: string, take: () => unknown): StateFile {
  let timer: NodeJS.Timeout | null = null;
  let isStale = false;
  let isClosed = false;
  let writing: Promise<void> = Promise.resolve();
  let pauseMs = shortestPauseMs;
  const write = async () => {
    if (!isStale) return;
    isStale = false;
    const began = performance.now();
    await writeFile(`${path}.new`, JSON.stringify(take()), { mode: 0o600 });
    // A process that is killed leaves the former file or this one, never a part.
    await rename(`${path}.new`, path);
    // A large state takes a small part of the time.
    pauseMs = Math.max(shortestPauseMs, 20 * (performance.now() - began));
  };
  const writeNext = () => {
    timer = null;
    writing = writing.then(write).catch((error: unknown) => {
      process.stderr.write(`${path} could not be written: ${String(error)}\n`);
    });
  };
  return {
    async read() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      return text === null ? null : JSON.parse(text);
    },
    changed() {
      if (isClosed) return;
      isStale = true;
      timer ??= setTimeout(writeNext, pauseMs).unref();
    },
    async close() {
      isClosed = true;
      if (timer) clearTimeout(timer);
      writeNext();
      await writing;
    },
  };
}
