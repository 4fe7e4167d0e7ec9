import { createHash } from 'node:crypto';
import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import { readChunks } from '../../db/imports/chunks.ts';
import type { Import } from '../../db/imports/imports.ts';
import type { Encoding } from '../../domain/csv/encoding.ts';
import type { Mapping } from '../../domain/csv/mapping.ts';
import { type CsvFile, type CsvOptions, type CsvRow, openCsv } from '../../domain/csv/reader.ts';
import { type JudgedRow, rowJudge, warningsOf } from '../../domain/csv/rows.ts';
import { uploadLeads } from '../lead/upload.ts';
import type { Runtime } from '../runtime.ts';
import { keepHeapSmall } from './heap-limit.ts';
import { rejectKeeper } from './kept-rejects.ts';
import { openFiles, readingTurns, yieldingPace } from './turns.ts';

/** Limits per file; a file beyond them is refused with an explanation. */
export const csvLimits = { maxRows: 5_000_000, maxColumns: 500, maxRowBytes: 256 * 1024 } as const;
/** Rows per statement, and so the most that a killed process has to repeat. */
export const rowsTogether = 1_000;
/** Longer files are read with a limited heap (heap-limit.ts). */
export const longFileBytes = 2 * 2 ** 20;

/** Time of one slice, after which another organization's import has its turn. */
const sliceMs = 250;
/** A file is stopped when this many rows were rejected and none became a lead. */
export const mostRefused = 10_000;
/** Rows judged before a look at the clock. */
const judgedTogether = 20;

type Deps = Pick<Runtime, 'db' | 'vault' | 'relay' | 'config'>;

/**
 * How a file is read: as it was when it was uploaded or corrected, so that every run finds the same rows. A new file is
 * read with the options of its uploader; in files of older releases the first row that is not blank is the header.
 */
export function csvOptionsOf({ dialect, readAs }: Pick<Import, 'dialect' | 'readAs'>): CsvOptions {
  const { encoding, delimiter, headerRow = 'first' } = readAs ?? dialect;
  return { ...csvLimits, encoding: encoding as Encoding | undefined, delimiter, headerRow };
}

/** The bytes of a stored file. */
export async function* keptBytes(
  { db, vault }: Pick<Runtime, 'db' | 'vault'>,
  importId: string,
): AsyncGenerator<Uint8Array> {
  for await (const body of readChunks(db, importId)) yield vault.openBytes(body);
}

export type RunEnd =
  /** All rows are committed; `nextRow` is the number after the last one. */
  | { kind: 'whole'; nextRow: number; rows: number }
  | { kind: 'more'; nextRow: number }
  /** Not one of the first rows became a lead, so that reading on is useless. */
  | { kind: 'refused'; nextRow: number }
  /** Another run continues the import, or it was cancelled. */
  | { kind: 'lost' };

/** How long a run lasts, and how many files can be open at once in this process. */
export type RunLimits = { runMs: number; timeoutMs: number; places: number };

/** A run returns this long before its timeout, after which it would be repeated while it goes on. */
const marginMs = 60_000;
const shortestRunMs = 1_000;

/**
 * The time of a run after its first row was reached. `alone`: while other files find a place. `shared`: when all places
 * are taken, so that a place is soon free for a file that waits; a run still costs little more than its own reading.
 */
export function runTimes(reachMs: number, { runMs }: Pick<RunLimits, 'runMs'>) {
  const alone = Math.max(runMs, reachMs);
  return { alone, shared: Math.min(alone, Math.max(shortestRunMs, 4 * reachMs)) };
}

/**
 * Reads rows into leads for about `runMs`, starting after the last commit. Each batch commits its rows, counts and
 * position in one statement, so that the next run continues exactly where a crashed run stopped. While one batch is
 * stored, the next is read and validated. A run takes at least as long as reaching its first row, so that every run
 * of a long file makes progress. It works in slices of `sliceMs`, for which the organizations of this process take turns.
 */
export async function readRows(
  deps: Deps,
  row: Import & { mapping: Mapping },
  company: Company,
  limits: RunLimits,
): Promise<RunEnd> {
  const taken = openFiles(deps);
  taken.files += 1;
  try {
    return await readFile(deps, row, company, limits);
  } finally {
    taken.files -= 1;
  }
}

async function readFile(
  deps: Deps,
  row: Import & { mapping: Mapping },
  company: Company,
  limits: RunLimits,
): Promise<RunEnd> {
  const turns = readingTurns(deps);
  const inTurn = <T>(step: () => Promise<T>) => turns.run(row.organizationId, step);
  const began = performance.now();
  const latest = began + limits.timeoutMs - marginMs;
  const taken = openFiles(deps);
  const file = await inTurn(() =>
    openCsv(keptBytes(deps, row.id), { ...csvOptionsOf(row), batchSize: rowsTogether, pace: yieldingPace() }),
  );
  const letGrow = row.bytes > longFileBytes ? keepHeapSmall() : () => undefined;
  try {
    const reading = startReading(deps, row, company, file);
    let until: { alone: number; shared: number } | null = null;
    for (;;) {
      if (performance.now() > latest) return { kind: 'more', nextRow: reading.nextRow };
      const end = await inTurn(() => readSlice(reading));
      if (end) return end;
      const now = performance.now();
      if (reading.batch === null && until === null) continue;
      if (until === null) {
        const { alone, shared } = runTimes(now - began, limits);
        until = { alone: now + alone, shared: now + shared };
      }
      if (now > (taken.files < limits.places ? until.alone : until.shared))
        return { kind: 'more', nextRow: reading.nextRow };
    }
  } finally {
    letGrow();
    await file.close();
  }
}

type Reading = {
  next(): Promise<JudgedRow[] | 'skipped' | 'end'>;
  store(batch: readonly JudgedRow[], expectedRow: number): Promise<number | null>;
  /** The batch to store next; null until the first row that is not committed yet was reached. */
  batch: JudgedRow[] | null;
  nextRow: number;
  rows: number;
  /** No row became a lead, and this many were rejected. */
  refusedInRow: number;
};

function startReading(
  deps: Deps,
  row: Import & { mapping: Mapping },
  company: Company,
  file: CsvFile,
): Reading {
  const judge = rowJudge(file.header, row.mapping, company.defaultRegion as CountryCode);
  const keep = rejectKeeper(deps, row);
  const reading: Reading = {
    batch: null,
    nextRow: row.nextRow,
    rows: 0,
    refusedInRow: row.created + row.duplicates > 0 ? Number.NEGATIVE_INFINITY : row.rejected,
    async next() {
      const { value, done } = await file.batches.next();
      if (done) return 'end';
      reading.rows += value.length;
      const fresh = value.filter((each) => each.row >= row.nextRow);
      return fresh.length > 0 ? judgeAll(fresh, judge) : 'skipped';
    },
    async store(batch, expectedRow) {
      const leads = batch.flatMap((judged) => (judged.ok ? [judged.lead] : []));
      const kept = await keep(batch.filter((judged) => !judged.ok));
      reading.refusedInRow =
        leads.length > 0 ? Number.NEGATIVE_INFINITY : reading.refusedInRow + kept.rejected;
      const nextRow = batch.at(-1)!.row + 1;
      const stored = await uploadLeads(deps, company, leads, {
        importId: row.id,
        publish: false,
        checkpoint: { importId: row.id, expectedRow, nextRow, ...kept, warnings: warningsOf(batch) },
      });
      return stored === null ? null : nextRow;
    },
  };
  return reading;
}

/** Returns null when the slice is over and the file is not. */
async function readSlice(reading: Reading): Promise<RunEnd | null> {
  const until = performance.now() + sliceMs;
  do {
    if (reading.batch === null) {
      const first = await reading.next();
      if (first === 'end') return { kind: 'whole', nextRow: reading.nextRow, rows: reading.rows };
      if (first !== 'skipped') reading.batch = first;
      continue;
    }
    const storing = reading.store(reading.batch, reading.nextRow);
    // Handled below; without this, an error while reading the next batch would leave an unhandled rejection.
    storing.catch(() => undefined);
    const following = await reading.next();
    const reached = await storing;
    // With nothing written: another run moved the position.
    if (reached === null) return { kind: 'lost' };
    reading.nextRow = reached;
    if (following === 'end') return { kind: 'whole', nextRow: reached, rows: reading.rows };
    if (reading.refusedInRow >= mostRefused) return { kind: 'refused', nextRow: reached };
    reading.batch = following === 'skipped' ? null : following;
  } while (performance.now() < until);
  return null;
}

/** Judges the rows of a batch, and lets other work of the process run between them. */
async function judgeAll(rows: readonly CsvRow[], judge: (row: CsvRow) => JudgedRow): Promise<JudgedRow[]> {
  const judged: JudgedRow[] = [];
  const pace = yieldingPace();
  for (let first = 0; first < rows.length; first += judgedTogether)
    await pace(async () => {
      for (const row of rows.slice(first, first + judgedTogether)) judged.push(judge(row));
    });
  return judged;
}

/** Computes the SHA-256 of the bytes passing through. */
export function hashing(): { add(bytes: Uint8Array): void; hex(): string } {
  const hash = createHash('sha256');
  return { add: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}
