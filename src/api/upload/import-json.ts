import { z } from 'zod';
import type { ImportFacts, SyncCounts } from '../../db/imports/imports.ts';
import type { CsvPreview } from '../../domain/csv/preview.ts';
import { isReadToEnd, shownStatus, shownStatuses, waitingReason } from '../../domain/imports/status.ts';
import type { DryRun } from '../../usecases/imports/dry-run.ts';
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
  warnings: z
    .record(z.string(), z.number().int())
    .describe(
      'Leads with a warning, by field. email: the address could not be read, so the lead was stored without it. phone: not a valid number, so it cannot be texted. country: not sent to a CRM that takes codes only',
    ),
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

const dryRunSchema = z
  .object({
    rows: z.number().int(),
    new: z.number().int(),
    duplicates: z.number().int(),
    rejected: z.number().int(),
    complete: z.boolean().describe('False when only the first rows of a long file were counted'),
  })
  .describe('What the import would do, counted over the file. Null before the mapping is complete');

const previewSchema = z.object({
  encoding: z.string(),
  encodings: z
    .array(z.object({ encoding: z.string(), words: z.array(z.string()) }))
    .describe(
      'When several encodings fit: each with words of the file as it reads them. Name one of them as encoding, or start the import to keep the first',
    ),
  delimiter: z.string(),
  header_row: z.number().int().describe('The row of the column names; 0: the file has none'),
  rows_before_header: z
    .array(z.object({ row: z.number().int(), cells: z.array(z.string()) }))
    .describe('Rows before the column names, which are not imported; the first ones'),
  columns: z.array(
    z.object({
      header: z.string(),
      target: z.string().nullable(),
      confidence: z.number(),
      because: z.string().nullable(),
    }),
  ),
  looks_like_data: z
    .boolean()
    .describe('The first row looks like data, not like a header; it is imported unless header_row names it'),
  problem: z.string().nullable().describe('What is missing from the mapping'),
  rows: z.array(
    z.object({
      row: z.number().int(),
      cells: z.array(z.string()),
      other_phones: z.array(z.string()).describe('Further numbers of the row, kept in a note of the contact'),
      errors: z.record(z.string(), z.array(z.string())).nullable(),
      warnings: z
        .record(z.string(), z.array(z.string()))
        .nullable()
        .describe('What the lead would be stored without or cannot be used for, by field'),
    }),
  ),
  dry_run: dryRunSchema.nullable(),
  dropped: z
    .array(z.object({ column: z.number().int(), header: z.string() }))
    .describe('Columns with contents that no field is made of; the first column is 0'),
  warnings: z
    .record(z.string(), z.number().int())
    .nullable()
    .describe('Rows of this preview with a warning, by field; null while the mapping is incomplete'),
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
    warnings: row.warnings,
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

export function previewView(
  preview: CsvPreview,
  counted: DryRun | null = null,
): z.infer<typeof previewSchema> {
  const { encoding, readings, delimiter, headerRow, firstRows, columns, looksLikeData } = preview;
  const { problem, rows, sample, dropped, warnings } = preview;
  return {
    encoding,
    encodings: readings,
    delimiter,
    header_row: headerRow,
    rows_before_header: firstRows
      .filter(({ row }) => row < headerRow)
      .map(({ row, cells }) => ({ row, cells: cells.slice(0, 20).map((cell) => cell.slice(0, 200)) })),
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
      return {
        row,
        cells,
        other_phones: judged?.ok ? judged.lead.otherPhones : [],
        errors: judged && !judged.ok ? judged.errors : null,
        warnings: (judged?.ok && judged.warnings) || null,
      };
    }),
    dry_run: counted && {
      rows: counted.rows,
      new: counted.created,
      duplicates: counted.duplicates,
      rejected: counted.rejected,
      complete: counted.complete,
    },
    dropped,
    warnings,
  };
}

export const receivedView = ({
  row,
  preview,
  dryRun,
  sameFile,
}: ReceivedFile): z.infer<typeof receivedSchema> => ({
  import: importView(row),
  preview: previewView(preview, dryRun ?? null),
  same_file: sameFile ? importView(sameFile) : null,
});
