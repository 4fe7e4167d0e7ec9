import { resolve } from 'node:path';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';

/**
 * Runs one of our programs unchanged and reports its memory to the parent process every five seconds.
 * `program.ts <file of the program>`
 */

/** Bytes. `live` is the heap after the last full garbage collection, which grows with a leak. */
export type Memory = { rss: number; heap: number; live: number; external: number };

const everyMs = 5_000;
let live = 0;
const collections = new PerformanceObserver((list) => {
  const full = (list.getEntries() as (PerformanceEntry & { detail?: { kind?: number } })[]).some(
    ({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR,
  );
  if (full) live = process.memoryUsage().heapUsed;
});
collections.observe({ entryTypes: ['gc'] });

setInterval(() => {
  if (!process.connected) return;
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({ memory: { rss, heap: heapUsed, live, external } satisfies Memory });
}, everyMs).unref();
process.channel?.unref();

const [file] = process.argv.splice(2, 1);
await import(pathToFileURL(resolve(file!)).href);
