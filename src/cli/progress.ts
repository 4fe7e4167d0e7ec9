/** A bar on a terminal, a line every few seconds elsewhere. On stderr, because stdout is for results. */
type Progress = { show(done: number, of: number): void; end(): void };

const barWidth = 30;
const redrawEveryMs = 100;
/** Elsewhere than on a terminal, where lines cannot be redrawn. */
const lineEveryMs = 5_000;

export function startProgress(
  what: string,
  unit: string,
  out: NodeJS.WriteStream = process.stderr,
): Progress {
  const began = performance.now();
  const everyMs = out.isTTY ? redrawEveryMs : lineEveryMs;
  let shownAt = Number.NEGATIVE_INFINITY;
  let last: { done: number; of: number } | null = null;
  const draw = ({ done, of }: { done: number; of: number }) => {
    const share = of > 0 ? Math.min(1, done / of) : 0;
    const perSecond = done / Math.max(0.001, (performance.now() - began) / 1000);
    const words = `${what} ${String(Math.floor(share * 100)).padStart(3)} %  ${amount(done)} of ${amount(of)} ${unit}, ${amount(perSecond)} ${unit}/s${left(done, of, perSecond)}`;
    if (!out.isTTY) {
      out.write(`${words}\n`);
      return;
    }
    const full = Math.round(share * barWidth);
    out.write(`\r\x1b[2K[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${words}`);
  };
  return {
    show(done, of) {
      last = { done, of };
      if (performance.now() - shownAt < everyMs) return;
      shownAt = performance.now();
      draw(last);
    },
    end() {
      if (last) draw(last);
      if (last && out.isTTY) out.write('\n');
      last = null;
    },
  };
}

const amount = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value < 100 && !Number.isInteger(value) ? 1 : 0 });

function left(done: number, of: number, perSecond: number): string {
  if (done >= of || perSecond <= 0) return '';
  const seconds = Math.ceil((of - done) / perSecond);
  return seconds < 90 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`;
}
