import type { Company } from '../../db/account/companies.ts';
import {
  findImport,
  findSameFile,
  hasFailedSyncs,
  type Import,
  markStarted,
} from '../../db/imports/imports.ts';
import { checkMapping, headerKey } from '../../domain/csv/mapping.ts';
import { unplacedProblem } from '../../domain/csv/placed.ts';
import { RefusedError } from '../../domain/errors.ts';
import { isStopped } from '../../domain/imports/status.ts';
import type { Cause } from '../../events/envelope.ts';
import { subjects } from '../../events/subjects.ts';
import { type ImportDeps, insistOnReady, previewOf } from './preview.ts';

export type StartRequest = {
  /** Defaults to the mapping of the preview. */
  mapping?: unknown;
  /** Confirms a repeated import of the same bytes. */
  again?: boolean;
  cause?: Cause | null;
};

/** Starts the import of a complete file. Idempotent. */
export async function startImport(
  deps: ImportDeps,
  company: Company,
  row: Import,
  { mapping: given, again = false, cause = null }: StartRequest,
): Promise<Import> {
  if (row.status === 'running' || row.status === 'done') return row;
  insistOnReady(row);
  const header = row.header ?? [];
  const mapping = given === undefined ? row.mapping : checkMapping(given, header);
  if (mapping === null) throw await missingColumn(deps, company, row);
  // Asked again here: the company's fields may have changed since the preview.
  const problem = unplacedProblem(mapping, company.fieldMapping);
  if (problem)
    throw new RefusedError(400, 'invalid_mapping', problem, {
      fields: [{ path: 'mapping', message: problem }],
    });
  // Files without column names are not alike because they have as many columns.
  const key = row.readAs?.headerRow === 0 ? null : headerKey(header);
  const change = markStarted(row, { mapping, again, headerKey: key });
  const { moved } = await deps.relay.commit(change, { cause });
  const now = (await findImport(deps.db, row.id))!;
  if (moved || now.status === 'running' || now.status === 'done') return now;
  insistOnReady(now);
  throw await sameFileRefusal(deps, now);
}

async function missingColumn(deps: ImportDeps, company: Company, row: Import): Promise<RefusedError> {
  const { problem, columns } = await previewOf(deps, company, row);
  const names = columns
    .map(({ header }) => header)
    .join(', ')
    .slice(0, 500);
  return new RefusedError(400, 'invalid_mapping', `${problem} The file's columns: ${names}`);
}

async function sameFileRefusal(deps: ImportDeps, row: Import): Promise<RefusedError> {
  const same = await findSameFile(deps.db, row);
  const before = same
    ? `on ${same.createdAt.toISOString().slice(0, 10)}: ${same.created} leads, import ${same.id}`
    : 'a moment ago';
  return new RefusedError(
    409,
    'same_file',
    `This very file was imported before (${before}). Import ${row.id} waits: start it with "again": true if it is meant.`,
  );
}

/**
 * Requests a retry of every failed sync of the import. Returns false when none failed. Throws RefusedError 409
 * (`stopped`) while the import is stopped.
 */
export async function retryFailed(
  deps: ImportDeps,
  row: Import,
  cause: Cause | null = null,
): Promise<boolean> {
  if (!(await hasFailedSyncs(deps.db, row.id))) return false;
  if (isStopped(row))
    throw new RefusedError(
      409,
      'stopped',
      'Sending of this import is stopped. Send the rest first, then retry.',
    );
  await deps.relay.commit(
    {
      events: [
        {
          type: 'import.retry_requested',
          organizationId: row.organizationId,
          subject: subjects.import(row.id),
          data: { importId: row.id },
        },
      ],
    },
    { cause },
  );
  return true;
}
