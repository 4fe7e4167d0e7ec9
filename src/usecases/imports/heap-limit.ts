import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Growth of the heap, in percent of the live data, that triggers a collection. */
const growthPercent = 30;

let holders = 0;

/**
 * By default V8 lets garbage grow to several times the live data, so that a file of a million rows doubles the size of
 * the process. While the limit is held, garbage is collected earlier and incrementally. The first holder triggers a full
 * collection, because V8 sets its next limit only then. Returns a function that releases the limit.
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
