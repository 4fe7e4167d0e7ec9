import { readFile, writeFile } from 'node:fs/promises';

/** What one process, or a server with all its children, used during the measurement. */
export type Usage = { role: string; cores: number; peakMb: number };

/** `tree`: the process forks (PostgreSQL), and its children are counted with it. */
export type Watched = { role: string; pid: number; tree: boolean };

const ticksPerSecond = 100;
const sampleEveryMs = 1_000;

/**
 * Measures CPU time (utime + stime) and memory of processes from /proc until `end()`. The memory of a single process is its
 * high-water mark (VmHWM, reset at the start); that of a tree is the largest sampled sum, with shared pages counted once.
 * Without /proc all figures are 0.
 */
export async function watchUsage(watched: readonly Watched[]): Promise<{ end(): Promise<Usage[]> }> {
  const began = performance.now();
  const states = await Promise.all(
    watched.map(async (each) => {
      const pids = await pidsOf(each);
      if (!each.tree) await writeFile(`/proc/${each.pid}/clear_refs`, '5').catch(() => undefined);
      return { ...each, before: await cpuSeconds(each.pid, pids), peakMb: 0 };
    }),
  );
  const sample = async () => {
    for (const state of states)
      if (state.tree) state.peakMb = Math.max(state.peakMb, await treeMb(await pidsOf(state)));
  };
  const timer = setInterval(() => void sample(), sampleEveryMs);
  return {
    async end() {
      clearInterval(timer);
      await sample();
      const seconds = (performance.now() - began) / 1000;
      const usages = states.map(async (state): Promise<Usage> => {
        const used = (await cpuSeconds(state.pid, await pidsOf(state))) - state.before;
        const peakMb = state.tree ? state.peakMb : (await memoryOf(state.pid)).peak;
        return { role: state.role, cores: round(used / seconds, 2), peakMb: round(peakMb, 0) };
      });
      return Promise.all(usages);
    },
  };
}

/** CPU time of these processes per unit of work, which other load on the machine hardly affects. */
export const cpuMsPer = (usages: readonly Usage[], perSecond: number): string =>
  `${((usages.reduce((sum, { cores }) => sum + cores, 0) * 1_000) / perSecond).toFixed(2)} ms`;

const round = (value: number, digits: number) => Number(value.toFixed(digits));

async function pidsOf({ pid, tree }: Watched): Promise<number[]> {
  if (!tree) return [pid];
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return [pid, ...children.split(' ').filter(Boolean).map(Number)];
}

/** The CPU time of exited children is included in their parent's cutime and cstime. */
async function cpuSeconds(root: number, pids: readonly number[]): Promise<number> {
  const ticks = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // The process name may contain parentheses, so fields are counted after the last one.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
      return utime + stime + (pid === root && pids.length > 1 ? cutime + cstime : 0);
    }),
  );
  return ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond;
}

async function memoryOf(pid: number): Promise<{ peak: number; own: number; shared: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const mb = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { peak: mb('VmHWM'), own: mb('RssAnon'), shared: mb('RssFile') + mb('RssShmem') };
}

async function treeMb(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(memoryOf));
  const shared = Math.max(0, ...each.map((memory) => memory.shared));
  return each.reduce((sum, memory) => sum + memory.own, shared);
}
