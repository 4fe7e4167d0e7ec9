import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Loaded into a process of the product with `--import`: reports the longest turn of its event loop and its memory to the
 * parent process. On a machine with other load a turn also waits for a processor, so its CPU time is what counts.
 */
export type Sample = { stallMs: number; stallCpuMs: number; rssMb: number };

/** The answer to the message 'heap': what is left in the heap after a collection. */
export type Heap = { heapMb: number };

const tickMs = 10;
const reportEveryMs = 200;

/** CPU time of the main thread in milliseconds; of the whole process where Linux's /proc is missing. */
function cpuMs(): number {
  try {
    const [nanoseconds = '0'] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ');
    return Number(nanoseconds) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3;
  }
}

let stallMs = 0;
let stallCpuMs = 0;
let rssMb = 0;
let before = { at: performance.now(), cpu: cpuMs() };

setInterval(() => {
  const now = { at: performance.now(), cpu: cpuMs() };
  stallMs = Math.max(stallMs, now.at - before.at - tickMs);
  // The CPU time between two ticks that were on time belongs to several turns, none of which was long.
  if (now.at - before.at > 3 * tickMs) stallCpuMs = Math.max(stallCpuMs, now.cpu - before.cpu);
  before = now;
}, tickMs).unref();

setInterval(() => {
  rssMb = Math.max(rssMb, process.memoryUsage.rss() / 2 ** 20);
  if (process.connected) process.send?.({ stallMs, stallCpuMs, rssMb } satisfies Sample);
  stallMs = 0;
  stallCpuMs = 0;
  rssMb = 0;
}, reportEveryMs).unref();
process.on('message', (message) => {
  if (message !== 'heap') return;
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  process.send?.({ heapMb: process.memoryUsage().heapUsed / 2 ** 20 } satisfies Heap);
});
// An attack that was interrupted leaves no process behind.
process.on('disconnect', () => process.exit());
process.channel?.unref();
