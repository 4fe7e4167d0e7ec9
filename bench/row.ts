/** One line of the table: a measurement and its floor from the same run. */
export type Backend = 'redis' | 'postgres';

export type Figure = { value: number; unit: string };

export type Row = {
  /** Name on the command line: `npm run bench -- <name>`. */
  name: string;
  /** The work, for a reader who knows only the README: load, counts, special conditions. */
  work: string;
  backend: Backend | null;
  ours: Figure;
  /** The same durable work without our code (bench/floor/), or the product's figure under the condition compared with. */
  floor: Figure | null;
  /** ours / floor, as the goal counts it. */
  ratio: number | null;
  goal: string;
  met: boolean;
  /** By role (`api`, `worker 1`, `postgres` …): CPU seconds per second, and peak memory during the measurement. */
  processes: { role: string; cores: number; peakMb: number }[];
  /** Further figures: percentiles, counts. */
  notes: string[];
};

export type RowOptions = { backends: Backend[]; quick: boolean; say: (line: string) => void };

/** Resolves with no rows when the backend is missing (no redis-server). */
export type Measure = (options: RowOptions) => Promise<Row[]>;
