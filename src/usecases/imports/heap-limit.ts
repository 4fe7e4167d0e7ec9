import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By how much of what lives the heap may grow with garbage before it is collected. */
const growthPercent = 30;

let holders = 0;

/**
 * Left alone, V8 lets garbage grow to several times of what lives, and a file of a million rows makes a process twice its
 * size that needs almost none of it. While somebody holds this, it is collected sooner, a little at a time; the first
 * holder has what lies about collected at once, since only then the next limit is set. The answer lets go.
 */
export function keepHeapSmall(): () => void {
  holders += 1;
  if (holders === 1) {
    setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
    collect();
  }
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    holders -= 1;
    if (holders === 0) setFlagsFromString('--heap-growing-percent=0');
  };
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  gc();
}
