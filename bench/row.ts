/** One line of the table: what was measured, beside its floor from the same run. */
export type Backend = 'redis' | 'postgres';

export type Figure = { value: number; unit: string };

export type Row = {
  /** Name on the command line: `npm run bench -- <name>`. */
  name: string;
  /** What was done, for a reader who knows only the README: load, counts, special conditions. */
  work: string;
  backend: Backend | null;
  ours: Figure;
  /** The same durable work with nothing of ours (bench/floor/), or the same work under the condition compared with. */
  floor: Figure | null;
  /** ours / floor, as the goal counts it. */
  ratio: number | null;
  goal: string;
  met: boolean;
  /** Per process role (`api`, `worker 1`, `postgres` …) while measured: CPU seconds used per second, and peak memory. */
  processes: { role: string; cores: number; peakMb: number }[];
  /** Further figures worth a line: percentiles, counts. */
  notes: string[];
};

export type RowOptions = { backends: Backend[]; quick: boolean; say: (line: string) => void };

/** A row not measurable here (no redis-server) is left out, and said. */
export type Measure = (options: RowOptions) => Promise<Row[]>;
