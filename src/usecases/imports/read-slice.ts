import { createHash } from 'node:crypto';
import type { CountryCode } from 'libphonenumber-js';
import type { Company } from '../../db/account/companies.ts';
import { type Import, readChunks } from '../../db/imports/imports.ts';
import type { Encoding } from '../../domain/csv/encoding.ts';
import type { Mapping } from '../../domain/csv/mapping.ts';
import { type CsvFile, type CsvOptions, openCsv } from '../../domain/csv/reader.ts';
import { type JudgedRow, rowJudge } from '../../domain/csv/rows.ts';
import type { LeadCandidate } from '../../domain/lead/candidate.ts';
import { uploadLeads } from '../lead/upload.ts';
import type { Runtime } from '../runtime.ts';
import { keepHeapSmall } from './heap-limit.ts';

/** Limits per file; a file beyond them is refused with an explanation. */
export const csvLimits = { maxRows: 5_000_000, maxColumns: 500, maxRowBytes: 256 * 1024 } as const;
/** Rows per statement, and so the most that a killed process has to repeat. */
export const rowsTogether = 1_000;
/** Longer files are read with a limited heap (heap-limit.ts). */
export const longFileBytes = 2 * 2 ** 20;

type Deps = Pick<Runtime, 'db' | 'vault' | 'relay'>;

/** The file options given by the uploader. */
export const csvOptionsOf = ({ dialect }: Pick<Import, 'dialect'>): CsvOptions => ({
  ...csvLimits,
  encoding: dialect.encoding as Encoding | undefined,
  delimiter: dialect.delimiter,
});

/** The bytes of a stored file. */
export async function* keptBytes(
  { db, vault }: Pick<Deps, 'db' | 'vault'>,
  importId: string,
): AsyncGenerator<Uint8Array> {
  for await (const body of readChunks(db, importId)) yield vault.openBytes(body);
}

export type SliceEnd =
  /** All rows are committed; `nextRow` is the number after the last one. */
  | { kind: 'whole'; nextRow: number; rows: number }
  | { kind: 'more'; nextRow: number }
  /** Another run continues the import, or it was cancelled. */
  | { kind: 'lost' };

/**
 * Reads rows into leads for about `sliceMs`, starting after the last commit. Each batch commits its rows, counts and
 * position in one statement, so that the next run continues exactly where a crashed run stopped. While one batch is
 * stored, the next is read and validated. A slice takes at least as long as reaching its first row, so that every slice
 * of a long file makes progress.
 */
export async function readSlice(
  deps: Deps,
  row: Import & { mapping: Mapping },
  company: Company,
  sliceMs: number,
): Promise<SliceEnd> {
  const began = performance.now();
  const file = await openCsv(keptBytes(deps, row.id), { ...csvOptionsOf(row), batchSize: rowsTogether });
  const letGrow = row.bytes > longFileBytes ? keepHeapSmall() : () => undefined;
  try {
    const batches = judgedBatches(file, row, company.defaultRegion as CountryCode);
    let nextRow = row.nextRow;
    let batch = await batches.next();
    const wayMs = performance.now() - began;
    const until = performance.now() + Math.max(sliceMs, wayMs);
    while (batch.value) {
      if (performance.now() > until) return { kind: 'more', nextRow };
      const storing = storeBatch(deps, row.id, company, nextRow, batch.value);
      // Handled below; without this, an error while reading the next batch would leave an unhandled rejection.
      storing.catch(() => undefined);
      const following = await batches.next();
      const reached = await storing;
      if (reached === null) return { kind: 'lost' };
      nextRow = reached;
      batch = following;
    }
    return { kind: 'whole', nextRow, rows: batches.count() };
  } finally {
    letGrow();
    await file.close();
  }
}

/** Only the rows that are not committed yet. */
function judgedBatches(file: CsvFile, row: Import & { mapping: Mapping }, region: CountryCode) {
  const judge = rowJudge(file.header, row.mapping, region);
  let rows = 0;
  return {
    count: () => rows,
    async next(): Promise<{ value: JudgedRow[] | null }> {
      for (;;) {
        const { value, done } = await file.batches.next();
        if (done) return { value: null };
        rows += value.length;
        const fresh = value.filter((each) => each.row >= row.nextRow);
        if (fresh.length > 0) return { value: fresh.map(judge) };
      }
    },
  };
}

/** Returns the first row of the next batch, or null, with nothing written, when another run moved the position. */
async function storeBatch(
  deps: Deps,
  importId: string,
  company: Company,
  expectedRow: number,
  batch: readonly JudgedRow[],
): Promise<number | null> {
  const leads: LeadCandidate[] = [];
  const rejects: { row: number; cells: string; errors: Record<string, string[]> }[] = [];
  for (const judged of batch) {
    if (judged.ok) leads.push(judged.lead);
    else rejects.push({ row: judged.row, cells: deps.vault.sealJson(judged.cells), errors: judged.errors });
  }
  const nextRow = batch.at(-1)!.row + 1;
  const stored = await uploadLeads(deps, company, leads, {
    importId,
    publish: false,
    checkpoint: { importId, expectedRow, nextRow, rejected: rejects.length, rejects },
  });
  return stored === null ? null : nextRow;
}

/** Computes the SHA-256 of the bytes passing through. */
export function hashing(): { add(bytes: Uint8Array): void; hex(): string } {
  const hash = createHash('sha256');
  return { add: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}
