import { z } from 'zod';
import type { ImportFacts, SyncCounts } from '../../db/imports/imports.ts';
import type { CsvPreview } from '../../domain/csv/preview.ts';
import { isReadToEnd, shownStatus, shownStatuses, waitingReason } from '../../domain/imports/status.ts';
import type { ReceivedFile } from '../../usecases/imports/preview.ts';

/** An import as the API returns it. */
export const importSchema = z.object({
  import_id: z.string(),
  status: z
    .enum(shownStatuses)
    .describe('waiting: started, and earlier imports of the company are read first'),
  waiting_because: z.string().nullable().describe('Why it is waiting'),
  file_name: z.string(),
  file_hash: z.string().nullable().describe('SHA-256 of the file, once it is complete'),
  bytes: z.number(),
  total_rows: z.number().int(),
  processed_rows: z.number().int(),
  created: z.number().int(),
  duplicates: z.number().int(),
  rejected: z.number().int(),
  rejected_listed: z
    .number()
    .int()
    .describe('Rejected rows in rejects.csv; the others are counted by reason in its last line'),
  progress: z.number().describe('0 to 1'),
  mapping: z.array(z.string().nullable()).nullable(),
  problem: z.string().nullable().describe('Why it failed'),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable().describe('When the file was read or given up'),
  read_to_end: z.boolean().describe('Whether every row of the file was read'),
  stopped_at: z.string().nullable().describe('Since when its leads are kept from the CRM'),
});

const syncsSchema = z
  .object({
    pending: z.number().int(),
    processing: z.number().int(),
    success: z.number().int(),
    failed: z.number().int(),
    cancelled: z.number().int(),
  })
  .describe('Leads of the import by their state in the CRM');

export const progressSchema = z.object({ import: importSchema, syncs: syncsSchema });

const previewSchema = z.object({
  encoding: z.string(),
  delimiter: z.string(),
  columns: z.array(
    z.object({
      header: z.string(),
      target: z.string().nullable(),
      confidence: z.number(),
      because: z.string().nullable(),
    }),
  ),
  looks_like_data: z.boolean().describe('The first row looks like data, not like a header'),
  problem: z.string().nullable().describe('What is missing from the mapping'),
  rows: z.array(
    z.object({
      row: z.number().int(),
      cells: z.array(z.string()),
      errors: z.record(z.string(), z.array(z.string())).nullable(),
    }),
  ),
});

export const receivedSchema = z.object({
  import: importSchema,
  preview: previewSchema,
  same_file: importSchema.nullable().describe('An earlier import of the same file'),
});

export function importView(row: ImportFacts): z.infer<typeof importSchema> {
  const processed = row.created + row.duplicates + row.rejected;
  const whole = isReadToEnd(row);
  return {
    import_id: row.id,
    status: shownStatus(row),
    waiting_because: shownStatus(row) === 'waiting' ? waitingReason : null,
    file_name: row.fileName,
    file_hash: row.fileHash,
    bytes: row.bytes,
    total_rows: row.totalRows,
    processed_rows: processed,
    created: row.created,
    duplicates: row.duplicates,
    rejected: row.rejected,
    rejected_listed: row.rejectsKept,
    progress: whole ? 1 : row.totalRows > 0 ? Math.min(1, processed / row.totalRows) : 0,
    mapping: row.mapping ? [...row.mapping] : null,
    problem: row.problem,
    created_at: row.createdAt.toISOString(),
    started_at: row.startedAt?.toISOString() ?? null,
    ended_at: row.endedAt?.toISOString() ?? null,
    read_to_end: isReadToEnd(row),
    stopped_at: row.stoppedAt?.toISOString() ?? null,
  };
}

export const progressView = ({ row, syncs }: { row: ImportFacts; syncs: SyncCounts }) => ({
  import: importView(row),
  syncs,
});

export function previewView(preview: CsvPreview): z.infer<typeof previewSchema> {
  const { encoding, delimiter, columns, looksLikeData, problem, rows, sample } = preview;
  return {
    encoding,
    delimiter,
    columns: columns.map(({ header, target, confidence, because }) => ({
      header,
      target,
      confidence,
      because,
    })),
    looks_like_data: looksLikeData,
    problem,
    rows: rows.map(({ row, cells }, i) => {
      const judged = sample?.[i];
      return { row, cells, errors: judged && !judged.ok ? judged.errors : null };
    }),
  };
}

export const receivedView = ({ row, preview, sameFile }: ReceivedFile): z.infer<typeof receivedSchema> => ({
  import: importView(row),
  preview: previewView(preview),
  same_file: sameFile ? importView(sameFile) : null,
});
