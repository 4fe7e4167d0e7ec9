import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findImport, type Import, importStatus, leadsOfImport } from '../../db/imports/imports.ts';
import { listRejects, type RejectedRow } from '../../db/imports/rejects.ts';
import { rowData } from '../../domain/csv/rows.ts';
import { RefusedError } from '../../domain/errors.ts';
import { hasEnded } from '../../domain/imports/status.ts';
import { encodingQuestion } from '../../usecases/imports/preview.ts';
import { dropFile } from '../../usecases/imports/receive.ts';
import type { Access } from '../auth/access.ts';
import { acceptFiles } from '../http/file-bodies.ts';
import { problemResponses } from '../http/problem.ts';
import { receiveUpload, type UploadRuntime } from './receive.ts';

/** Up to this many rows the response waits for the result; a longer file is followed by its import. */
const smallRows = 5_000;
const patienceMs = 8_000;
const pollEveryMs = { first: 25, last: 250 };
/** Requests of one organization that wait in a process, where each polls the database; beyond that the answer is a 202. */
const mostWaiting = 10;
const mostReported = 1_000;
/** Of the rejected rows in an answer: a row repeats the names of its columns, so a small file could make a huge answer. */
const mostReportedCharacters = 1_000_000;
/** What a cell costs besides its text: an answer is checked cell by cell, and written with quotes. */
const charactersPerCell = 20;

const summary = z.object({
  message: z.string(),
  summary: z.object({
    total_rows: z.number().int(),
    valid_rows: z.number().int(),
    invalid_rows: z.number().int(),
    duplicates: z.number().int(),
    leads_created: z.number().int(),
    leads_enqueued: z.number().int(),
    leads_failed: z.number().int(),
  }),
  invalid_rows: z
    .array(
      z.object({
        row: z.number().int(),
        data: z.record(z.string(), z.string()),
        errors: z.record(z.string(), z.array(z.string())),
      }),
    )
    .describe(
      'The first 1,000, fewer when they are long; the header is row 1. For all of them: GET /api/imports/{import_id}/rejects.csv',
    ),
  warnings: z
    .record(z.string(), z.number().int())
    .optional()
    .describe('Present when leads were stored with a warning: their number by field, such as email'),
  job_ids: z.array(z.string()).describe('The first 1,000, for GET /api/jobs/{job_id}'),
  import_id: z.string(),
});

type Summary = z.infer<typeof summary>;

const accepted = z.object({
  message: z.string(),
  import_id: z.string(),
  status_url: z.string(),
  total_rows: z.number().int(),
});

/** The upload of existing clients: a small file is answered with its result, a large one with the address of its import. */
export function leadsCsvRoute(runtime: UploadRuntime, access: Access): FastifyPluginAsyncZod {
  const waiting = new Map<string, number>();
  return async (app) => {
    await acceptFiles(app);
    app.post(
      '/leads/csv',
      {
        onRequest: access.company('leads:write'),
        schema: {
          tags: ['uploads'],
          summary: 'Upload leads as CSV',
          description:
            'multipart/form-data: file and company_id. Columns are matched by name; optional fields: mapping (JSON), encoding, delimiter, header_row (the row of the column names; 0: none), and again ("true") to import a file a second time.',
          consumes: ['multipart/form-data', 'text/csv'],
          response: {
            200: summary,
            202: accepted,
            ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503),
          },
        },
      },
      async (request, reply) => {
        const file = await receiveUpload(runtime, request, { start: true });
        const { row, preview, sameFile } = file;
        // A program cannot correct the file in the browser: drop it, so that its Idempotency-Key can be used again.
        if (row.status === 'ready') await dropFile(runtime, file);
        if (row.status === 'ready' && row.mapping === null) {
          const names = preview.columns.map(({ header }) => header).join(', ');
          throw new RefusedError(
            400,
            'invalid_mapping',
            `${preview.problem} The file's columns: ${names.slice(0, 500)}`,
          );
        }
        const question = encodingQuestion(preview);
        if (row.status === 'ready' && question !== null)
          throw new RefusedError(400, 'encoding_unclear', `${question} Nothing was stored.`);
        if (row.status === 'ready' && sameFile)
          throw new RefusedError(
            409,
            'same_file',
            `This file was imported before (import ${sameFile.id}, ${sameFile.created} leads), so this upload was not kept. To import it again, send again=true.`,
          );
        const ended = row.totalRows <= smallRows ? await waitForEnd(runtime, row, waiting) : null;
        if (ended?.status === 'failed')
          throw new RefusedError(400, 'import_failed', ended.problem ?? 'The import failed.');
        if (ended?.status === 'cancelled')
          throw new RefusedError(409, 'cancelled', `This import (${row.id}) was cancelled.`);
        if (ended) return reply.status(200).send(await summaryOf(runtime, ended));
        return reply.status(202).send({
          message: 'The file is stored and is being imported. Follow it at status_url.',
          import_id: row.id,
          status_url: `${runtime.config.publicUrl}/api/imports/${row.id}`,
          total_rows: row.totalRows,
        });
      },
    );
  };
}

/**
 * Returns null when the import is still running, because too many of its organization are waited for or because it takes
 * long; with the queue down it starts once the queue is back.
 */
async function waitForEnd(
  { db }: Pick<UploadRuntime, 'db'>,
  { id, organizationId: owner }: Import,
  waiting: Map<string, number>,
): Promise<Import | null> {
  const others = waiting.get(owner) ?? 0;
  if (others >= mostWaiting) return null;
  waiting.set(owner, others + 1);
  try {
    const until = performance.now() + patienceMs;
    for (let ms = pollEveryMs.first; ; ms = Math.min(pollEveryMs.last, ms * 1.2)) {
      const status = await importStatus(db, id);
      if (status && hasEnded(status)) return await findImport(db, id);
      if (performance.now() > until) return null;
      await pause(ms);
    }
  } finally {
    const left = waiting.get(owner)! - 1;
    if (left === 0) waiting.delete(owner);
    else waiting.set(owner, left);
  }
}

async function summaryOf(runtime: UploadRuntime, row: Import): Promise<Summary> {
  const rejects =
    row.rejected > 0 ? await listRejects(runtime, row.id, { afterRow: 0, limit: mostReported }) : [];
  const { created, duplicates, rejected } = row;
  const taken = created + duplicates;
  const warned = Object.keys(row.warnings).length > 0;
  return {
    message: `${created} of ${row.totalRows} rows became leads; ${duplicates} were duplicates, ${rejected} were not valid.${leftOut(row)}`,
    summary: {
      total_rows: row.totalRows,
      valid_rows: taken,
      invalid_rows: rejected,
      duplicates,
      leads_created: created,
      leads_enqueued: created,
      leads_failed: 0,
    },
    invalid_rows: reported(row.header ?? [], rejects),
    ...(warned ? { warnings: row.warnings } : {}),
    job_ids: await leadsOfImport(runtime.db, row.id, mostReported),
    import_id: row.id,
  };
}

/** Says which rows are neither leads nor rejects because they stand before the column names. */
function leftOut({ readAs }: Import): string {
  const before = (readAs?.headerRow ?? 1) - 1;
  return before > 0 ? ` Row ${before + 1} holds the column names; rows before it were left out.` : '';
}

function reported(header: readonly string[], rejects: readonly RejectedRow[]): Summary['invalid_rows'] {
  const rows: Summary['invalid_rows'] = [];
  const names = header.join('').length + charactersPerCell * header.length;
  let characters = 0;
  for (const { row, cells, errors } of rejects) {
    characters += names + cells.join('').length;
    if (rows.length > 0 && characters > mostReportedCharacters) break;
    rows.push({ row, data: rowData(header, cells), errors });
  }
  return rows;
}
