/**
 * Turns of the subscriptions of a campaign. Whatever happened before, over any run of leads for which the same
 * subscriptions are eligible, each one's count differs from its exact share by at most 1.
 *
 * With equal weights the strides are equal, and stride scheduling is a line: the eligible one with the lowest `pass` is
 * next, and then goes to the end. One that is new, was paused or could not buy for long is in front and buys one lead, so
 * it is not flooded. A line keeps the promise for any run.
 *
 * With weights, each has a stride of `unit / weight` and a `pass`, the start of its next turn in the virtual time of the
 * fluid schedule. Choosing the lowest pass alone serves one of weight 10 nine times in a row beside ten of weight 1, which
 * is off by 4.5. Therefore, among those whose turn has started, the one whose turn ends first is next (earliest eligible
 * virtual deadline first, Stoica and Abdel-Wahab 1995). What is carried over from runs before may still add up to almost 2,
 * so a run counts its own sales too, and the choice by passes stands only if all can then stay within 1 of their shares.
 */

/** Divisible by each weight from 1 to 10, so that strides are integers. */
export const unit = 2_520;

export type Turn = { id: string; weight: number; pass: number };
/** `count`: sales in this run. */
export type CountedTurn = Turn & { count: number };

/** Order in the line. */
export const byPass = (a: Pick<Turn, 'id' | 'pass'>, b: Pick<Turn, 'id' | 'pass'>): number =>
  a.pass - b.pass || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** The pass of one that goes to the end of the line. */
export const endOfLine = (all: readonly Pick<Turn, 'pass'>[]): number =>
  all.reduce((last, { pass }) => Math.max(last, pass), 0) + unit;

const strideOf = ({ weight }: Turn) => unit / weight;

/** Who is next among those eligible, and its pass after that. `turns` is not empty. */
export function nextWeighted<T extends CountedTurn>(turns: readonly T[]): { turn: T; pass: number } {
  const places = placesOf(turns);
  const weights = turns.reduce((sum, { weight }) => sum + weight, 0);
  const sold = turns.reduce((sum, { count }) => sum + count, 0);
  // One that had more than its share of this run waits until the run is long enough.
  const free = places.filter(({ turn }) => turn.count * weights <= (sold + 1) * turn.weight);
  const first = free.reduce((best, place) => (compare(place, best) < 0 ? place : best));
  const chosen = canFollow(turns, first.turn, weights, sold + 1) ? first : mostUrgent(free, weights);
  return { turn: chosen.turn, pass: chosen.end };
}

/** `start` and `end` of the next turn in virtual time. `isLate`: it has not started. */
type Place<T extends Turn> = { turn: T; start: number; end: number; isLate: boolean };

/**
 * Passes count as if none was owed more than one lead below the level of the others. That changes nothing while the same
 * ones stay eligible.
 */
function placesOf<T extends Turn>(turns: readonly T[]): Place<T>[] {
  let level = Number.NEGATIVE_INFINITY;
  for (const turn of turns) level = Math.max(level, turn.pass - strideOf(turn));
  const places = turns.map((turn) => {
    const start = Math.max(turn.pass, level - strideOf(turn));
    return { turn, start, end: start + strideOf(turn), isLate: false };
  });
  // Sums of differences stay small, so they are exact.
  let weights = 0;
  let started = 0;
  for (const { turn, start } of places) {
    weights += turn.weight;
    started += turn.weight * (start - level);
  }
  for (const place of places) place.isLate = (place.start - level) * weights > started;
  return places;
}

const compare = (a: Place<Turn>, b: Place<Turn>): number =>
  Number(a.isLate) - Number(b.isLate) || a.end - b.end || byPass(a.turn, b.turn);

/** The last lead of the run by which one must have had `sales`, to stay within 1 of its share. */
const deadline = (sales: number, weight: number, weights: number) =>
  Math.floor((sales * weights) / weight) + 1;

function mostUrgent<P extends Place<CountedTurn>>(free: readonly P[], weights: number): P {
  const due = ({ turn }: P) => deadline(turn.count + 1, turn.weight, weights);
  return free.reduce((best, place) => {
    const sooner = due(place) - due(best) || compare(place, best);
    return sooner < 0 ? place : best;
  });
}

/**
 * Whether everyone's share can still be kept when `next` has the `sold`-th lead of the run: up to each later lead, no more
 * sales are due than there are leads. Once none is ahead of its share, that holds by itself.
 */
function canFollow(turns: readonly CountedTurn[], next: CountedTurn, weights: number, sold: number): boolean {
  const countOf = (turn: CountedTurn) => turn.count + (turn === next ? 1 : 0);
  let horizon = sold;
  for (const turn of turns) horizon = Math.max(horizon, Math.floor((countOf(turn) * weights) / turn.weight));
  const due = new Uint32Array(horizon - sold + 1);
  for (const turn of turns)
    for (let sales = countOf(turn) + 1; ; sales += 1) {
      const by = deadline(sales, turn.weight, weights);
      if (by > horizon) break;
      if (by <= sold) return false;
      due[by - sold]! += 1;
    }
  let open = 0;
  return due.every((sales, leads) => {
    open += sales;
    return open <= leads;
  });
}
