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

/** What one file may be; what is beyond is refused with a sentence. */
export const csvLimits = { maxRows: 5_000_000, maxColumns: 500, maxRowBytes: 256 * 1024 } as const;
/** Rows of one statement: what a killed process may have to do again. */
export const rowsTogether = 1_000;
/** Longer files are read with a limited heap (heap-limit.ts). */
export const longFileBytes = 2 * 2 ** 20;

type Deps = Pick<Runtime, 'db' | 'vault' | 'relay'>;

/** How the file is to be read, as the uploader said. */
export const csvOptionsOf = ({ dialect }: Pick<Import, 'dialect'>): CsvOptions => ({
  ...csvLimits,
  encoding: dialect.encoding as Encoding | undefined,
  delimiter: dialect.delimiter,
});

/** The bytes of a file that was kept. */
export async function* keptBytes(
  { db, vault }: Pick<Deps, 'db' | 'vault'>,
  importId: string,
): AsyncGenerator<Uint8Array> {
  for await (const body of readChunks(db, importId)) yield vault.openBytes(body);
}

export type SliceEnd =
  /** The last row is settled; `nextRow` is where a further one would be. */
  | { kind: 'whole'; nextRow: number; rows: number }
  | { kind: 'more'; nextRow: number }
  /** Somebody else reads on, or it was cancelled. */
  | { kind: 'lost' };

/**
 * Reads rows into leads for about `sliceMs`, beginning where the last commit ended. Rows, counts and the place are one
 * statement for each batch, so that a run that dies anywhere is gone on with exactly. While one batch is being stored
 * the next is read and judged. A slice is no shorter than the way to its first row: a long file is not read in vain.
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
      // Handled below; a batch that cannot be read must not leave it alone meanwhile.
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

/** Only what is not settled yet. */
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

/** The row the next batch begins at; null: the place was not ours any more, and nothing was written. */
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

/** SHA-256 of the bytes as they pass. */
export function hashing(): { add(bytes: Uint8Array): void; hex(): string } {
  const hash = createHash('sha256');
  return { add: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
}
