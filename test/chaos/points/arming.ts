import { appendFileSync } from 'node:fs';
import { points, type Side, type Step, steps } from './catalogue.ts';

/**
 * The crash points a process gets at its start. After `afterMs` it dies at the first of them it reaches for the nth time.
 * Without the delay it would die at its first step, and no work would get to the later ones.
 */
export type Arming = { file: string; afterMs: number; points: Record<string, number> };

export const armingVariable = 'CHAOS_POINTS';

/** The armed points of this process, by step. `hit` does not return when the process dies there. */
export type ArmedPoints = {
  readonly steps: readonly Step[];
  hit(step: Step, side: Side): void;
};

export function armed(text: string | undefined): ArmedPoints | null {
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

/** Records the point synchronously before the signal, so that the file is complete. */
function die(file: string, name: string): never {
  appendFileSync(file, `${process.pid} ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
