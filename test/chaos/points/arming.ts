import { appendFileSync } from 'node:fs';
import { points, type Side, type Step, steps } from './catalogue.ts';

/**
 * What a process is told at its start: once it has worked for `afterMs`, it dies at whichever of these it reaches first
 * (at the nth time). One that died at its very first step would never let any work get to the later ones.
 */
export type Arming = { file: string; afterMs: number; points: Record<string, number> };

export const armingVariable = 'CHAOS_POINTS';

/** The armed points of this process, by step. Reaching the last time of one never returns. */
export type Trap = {
  readonly steps: readonly Step[];
  hit(step: Step, side: Side): void;
};

export function armed(text: string | undefined): Trap | null {
  if (!text) return null;
  const { file, afterMs, points: left } = JSON.parse(text) as Arming;
  const wanted = new Set(points.filter((point) => point.name in left).map((point) => point.step));
  let began: number | undefined;
  return {
    steps: steps.filter((step) => wanted.has(step.name)),
    hit(step, side) {
      const name = `${side} ${step.name}`;
      began ??= performance.now();
      if (!(name in left) || performance.now() - began < afterMs) return;
      left[name]! -= 1;
      if (left[name] === 0) die(file, name);
    },
  };
}

/** Written before the signal, and nothing runs between the two: the file says what the process died of. */
function die(file: string, name: string): never {
  appendFileSync(file, `${process.pid} ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
