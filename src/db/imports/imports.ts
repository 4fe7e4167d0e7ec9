import { sql } from 'drizzle-orm';
import type { Mapping } from '../../domain/csv/mapping.ts';
import { type EndedStatus, type ImportStatus, importMoves, isStopped } from '../../domain/imports/status.ts';
import { type Before, statesBefore } from '../../domain/moves.ts';
import { subjects } from '../../events/subjects.ts';
import { insertCounted } from '../account/stored.ts';
import type { Database, Queryable } from '../client.ts';
import { type Change, type Part, run } from '../commit.ts';
import { ownConnection } from '../crm/connections.ts';
import { quoted } from '../schema/columns.ts';

/** One uploaded file of a company: stored completely, then read row by row. */
export type Import = {
  id: string;
  organizationId: string;
  status: ImportStatus;
  fileName: string;
  /** SHA-256 of its bytes; null until the upload is complete. */
  fileHash: string | null;
  bytes: number;
  chunks: number;
  /** File options given by the uploader; absent ones are detected. */
  dialect: ImportDialect;
  /** How the file was read when it was uploaded or corrected, and so must be read again. Null in older imports. */
  readAs: ReadAs | null;
  mapping: Mapping | null;
  /** Column names: `Column 1` and so on for a file without them. */
  header: string[] | null;
  /** All rows before this one are committed. The header is row 1. */
  nextRow: number;
  totalRows: number;
  created: number;
  duplicates: number;
  rejected: number;
  /** Rejected rows that are stored with their cells; the others are only counted. */
  rejectsKept: number;
  /** The number of rejected rows that are not stored, by reason. */
  rejectReasons: Record<string, number>;
  /** Leads that were stored with a warning, by field. */
  warnings: Record<string, number>;
  /** Started, and waiting until earlier imports of the organization have ended. */
  waiting: boolean;
  /** Why the import failed or is stuck, as a sentence for users. */
  problem: string | null;
  createdAt: Date;
  updatedAt: Date;
  startedAt: Date | null;
  /** When the file was read or given up; a later stop does not change it. */
  endedAt: Date | null;
  /** The status before its sending was stopped, when the file had been read or had failed by then. */
  stoppedFrom: 'done' | 'failed' | null;
  stoppedAt: Date | null;
  /** When the rest of a stopped import was last sent. */
  resumedAt: Date | null;
};

/** An import as lists and progress show it. A header can have 256 KB, which would be read for every row or poll. */
export type ImportFacts = Omit<Import, 'header'>;

/** `headerRow`: the row of the column names, 0 for a file without them. */
export type ImportDialect = { encoding?: string; delimiter?: string; headerRow?: number };
/** `otherEncodings`: those that fit as well, when the uploader named none. */
export type ReadAs = Required<ImportDialect> & { otherEncodings: string[] };

/** An upload without progress for this long counts as interrupted. */
export const cutOffAfterMinutes = 15;
const forgottenAfterDays = 7;

export const cutOffProblem =
  'The upload was interrupted before the whole file arrived. Nothing was stored. Upload the file again.';
const stuckProblem =
  'Reading the file stopped because of an internal error, not because of the file. The rows read so far are kept, and an operator was notified. The import continues from there once the error is fixed.';
const supersededProblem = 'The same file was uploaded again before this one was started.';
const forgottenProblem = `The import was not started within ${forgottenAfterDays} days and the file was deleted. Upload it again.`;

/** Imports of one organization read at the same time; the others wait in the order of their start. */
export const readTogether = 2;
/** A file of no more rows is read in a moment, so that it waits for no other. */
const smallFileRows = 1_000;

/** Whether the leads of import `i` are kept from the CRM: see `isStopped`. */
export const importStopped = (i: string) =>
  sql.raw(`(${i}.status = 'cancelled' AND ${i}.resumed_at IS NULL)`);

/** Whether the work of import `i` is parked. */
const isStuck = (i: string) => `EXISTS (SELECT 1 FROM outbox o
    JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
    WHERE o.parked_at IS NOT NULL AND o.worker = 'importer' AND e.subject = 'import:' || ${i}.id)`;

/**
 * Reports a running import as stuck when its outbox row is parked, and an interrupted upload as failed even before the
 * sweep has marked it.
 */
const facts = sql.raw(`i.id, i.organization_id AS "organizationId",
  CASE WHEN stale THEN 'failed' ELSE i.status END AS status, i.file_name AS "fileName", i.file_hash AS "fileHash",
  i.bytes::float8 AS bytes, i.chunks, i.dialect, i.read_as AS "readAs", i.mapping, i.next_row AS "nextRow", i.total_rows AS "totalRows",
  i.created, i.duplicates, i.rejected, i.rejects_kept AS "rejectsKept", i.reject_reasons AS "rejectReasons", i.warnings, waiting, CASE WHEN stale THEN '${cutOffProblem}' WHEN stuck THEN '${stuckProblem}' ELSE i.problem END AS problem,
  i.created_at AS "createdAt", i.updated_at AS "updatedAt", i.started_at AS "startedAt", i.ended_at AS "endedAt",
  i.stopped_from AS "stoppedFrom", i.stopped_at AS "stoppedAt", i.resumed_at AS "resumedAt"`);
const columns = sql`${facts}, i.header`;
const imports = sql.raw(`imports i CROSS JOIN LATERAL (SELECT i.status = 'uploading'
  AND i.updated_at < now() - interval '${cutOffAfterMinutes} minutes' AS stale) s
  CROSS JOIN LATERAL (SELECT i.status = 'running' AND ${isStuck('i')} AS stuck) p
  CROSS JOIN LATERAL (SELECT i.status = 'running' AND i.total_rows > ${smallFileRows} AND (SELECT count(*) FROM imports a WHERE a.organization_id = i.organization_id
    AND a.status = 'running' AND (a.started_at, a.id) < (i.started_at, i.id) AND NOT ${isStuck('a')}) >= ${readTogether} AS waiting) w`);

/** Returns null when there is none or, with `organizationId`, when it belongs to another organization. */
export async function findImport(db: Queryable, id: string, organizationId?: string): Promise<Import | null> {
  const owner = organizationId === undefined ? sql`` : sql` AND i.organization_id = ${organizationId}::uuid`;
  const [row] = await run<Import>(
    db,
    sql`SELECT ${columns} FROM ${imports} WHERE i.id = ${id}::uuid${owner}`,
  );
  return row ?? null;
}

/** Returns null when there is none. */
export async function findImportFacts(db: Queryable, id: string): Promise<ImportFacts | null> {
  const [row] = await run<ImportFacts>(db, sql`SELECT ${facts} FROM ${imports} WHERE i.id = ${id}::uuid`);
  return row ?? null;
}

/** The state alone, for polling. Returns null when there is no such import. */
export async function importStatus(db: Queryable, id: string): Promise<ImportStatus | null> {
  const [row] = await run<{ status: ImportStatus }>(
    db,
    sql`SELECT status FROM imports WHERE id = ${id}::uuid`,
  );
  return row?.status ?? null;
}

/** Newest first. `after` is the cursor of the last row of the previous page. */
export async function listImports(
  db: Queryable,
  organizationId: string,
  page: { limit: number; after?: { micros: string; id: string } | null; fileHash?: string },
): Promise<(ImportFacts & { micros: string })[]> {
  const where = [sql`i.organization_id = ${organizationId}::uuid`];
  if (page.fileHash !== undefined) where.push(sql`i.file_hash = ${page.fileHash}::text`);
  if (page.after) {
    where.push(
      sql`(i.created_at, i.id) < ('epoch'::timestamptz + ${page.after.micros}::text::bigint * interval '1 microsecond', ${page.after.id}::uuid)`,
    );
  }
  return run(
    db,
    sql`SELECT ${facts}, (extract(epoch FROM i.created_at) * 1000000)::bigint::text AS micros FROM ${imports}
      WHERE ${sql.join(where, sql` AND `)} ORDER BY i.created_at DESC, i.id DESC LIMIT ${page.limit}::integer`,
  );
}

/** Syncs to the company's own CRM. */
const syncsOfImport = (importId: string) => sql`import_id = ${importId}::uuid AND connection_id = (
  SELECT k.id FROM imports i JOIN crm_connections k ON ${ownConnection('i.organization_id')} WHERE i.id = ${importId}::uuid)`;

/** An import's leads by the state of their sync. `pending`: the sync has not started. */
export type SyncCounts = {
  pending: number;
  processing: number;
  success: number;
  failed: number;
  cancelled: number;
};

/** Leads that a stop keeps from the CRM are cancelled at once, also while their rows are still being ended. */
export async function importCounts(
  db: Queryable,
  row: Pick<Import, 'id' | 'created' | 'status' | 'resumedAt'>,
): Promise<SyncCounts> {
  const rows = await run<{ status: keyof SyncCounts; n: number }>(
    db,
    sql`SELECT status, count(*)::int AS n FROM lead_syncs WHERE ${syncsOfImport(row.id)} GROUP BY status`,
  );
  const of = (status: keyof SyncCounts) => rows.find((each) => each.status === status)?.n ?? 0;
  const begun = rows.reduce((sum, { n }) => sum + n, 0);
  const waiting = Math.max(0, row.created - begun) + of('pending');
  const stopped = isStopped(row);
  return {
    pending: stopped ? 0 : waiting,
    processing: of('processing'),
    success: of('success'),
    failed: of('failed'),
    cancelled: of('cancelled') + (stopped ? waiting : 0),
  };
}

/** The latest import of the same bytes that created leads or is running, to confirm a repeated import. */
export async function findSameFile(db: Queryable, row: Import): Promise<Import | null> {
  if (row.fileHash === null) return null;
  const [same] = await run<Import>(
    db,
    sql`SELECT ${columns} FROM ${imports} WHERE ${sameFile(row)} ORDER BY i.created_at DESC LIMIT 1`,
  );
  return same ?? null;
}

const sameFile = (row: Pick<Import, 'id' | 'organizationId' | 'fileHash'>) =>
  sql`i.organization_id = ${row.organizationId}::uuid AND i.file_hash = ${row.fileHash}::text AND i.id <> ${row.id}::uuid
    AND (i.status IN ('running', 'done') OR i.created > 0)`;

export type NewImport = Pick<Import, 'id' | 'organizationId' | 'fileName' | 'dialect'>;

/** Returns false when the company already has `mostOpen` unfinished files. Two counts, each with an index of its states. */
export async function openUpload(
  db: Pick<Database, 'withTx'>,
  row: NewImport,
  mostOpen: number,
): Promise<boolean> {
  const { organizationId } = row;
  const rows = await insertCounted(db, { name: 'files_waiting', organizationId }, (tx) =>
    run(
      tx,
      sql`INSERT INTO imports (id, organization_id, status, file_name, dialect)
      SELECT ${row.id}::uuid, ${row.organizationId}::uuid, 'uploading', ${row.fileName}::text, ${JSON.stringify(row.dialect)}::jsonb
      WHERE (SELECT count(*) FROM imports WHERE organization_id = ${row.organizationId}::uuid AND status IN ('uploading', 'ready'))
        + (SELECT count(*) FROM imports WHERE organization_id = ${row.organizationId}::uuid AND status = 'running')
        < ${mostOpen}::bigint RETURNING id`,
    ),
  );
  return rows.length > 0;
}

export type WholeFile = Pick<Import, 'chunks' | 'header' | 'totalRows' | 'dialect' | 'readAs' | 'mapping'> & {
  fileHash: string;
};

/**
 * Marks an upload as complete. It supersedes an earlier, unstarted upload of the same bytes, so that a client that
 * ignores responses does not accumulate files. `mapping`: the detected columns; null when one is missing. */
export const markReady = (
  { id, organizationId }: Pick<Import, 'id' | 'organizationId'>,
  file: WholeFile,
): Change => ({
  guard:
    () => sql`UPDATE imports SET status = 'ready', file_hash = ${file.fileHash}::text, header = ${json(file.header)},
      mapping = ${json(file.mapping)}, dialect = ${json(file.dialect)}, read_as = ${json(file.readAs)}, total_rows = ${file.totalRows}::integer,
      updated_at = now()
    WHERE id = ${id}::uuid AND status IN (${quoted(statesBefore(importMoves, 'ready'))})
      AND chunks = ${file.chunks}::integer RETURNING id`,
  writes: [
    {
      name: 'superseded',
      statement: (
        when,
      ) => sql`UPDATE imports SET status = 'cancelled', problem = ${supersededProblem}::text, header = NULL, mapping = NULL, ended_at = now(), updated_at = now()
        WHERE organization_id = ${organizationId}::uuid AND file_hash = ${file.fileHash}::text AND status = 'ready'
          AND id <> ${id}::uuid AND ${when} RETURNING id`,
    },
    {
      name: 'superseded_pieces',
      statement: (when) =>
        sql`DELETE FROM import_chunks WHERE import_id IN (SELECT id FROM superseded) AND ${when}`,
    },
  ],
});

/** Changes how the file is read, before the import is started. */
export const redescribe = (
  id: string,
  file: Pick<Import, 'header' | 'dialect' | 'readAs' | 'mapping' | 'totalRows'>,
): Change => ({
  guard: () => sql`UPDATE imports SET header = ${json(file.header)}, mapping = ${json(file.mapping)},
      dialect = ${json(file.dialect)}, read_as = ${json(file.readAs)}, total_rows = ${file.totalRows}::integer, updated_at = now()
    WHERE id = ${id}::uuid AND status = 'ready' RETURNING id`,
});

/**
 * Moves from ready to running. Without `again` the guard fails when the same bytes were imported before. With a
 * `headerKey` the mapping is remembered for files with these column names.
 */
export const markStarted = (
  row: Import,
  start: { mapping: Mapping; again: boolean; headerKey: string | null },
): Change => ({
  guard:
    () => sql`UPDATE imports SET status = 'running', mapping = ${json(start.mapping)}, started_at = now(), updated_at = now()
    WHERE id = ${row.id}::uuid AND organization_id = ${row.organizationId}::uuid
      AND status IN (${quoted(statesBefore(importMoves, 'running'))})
      AND (${start.again}::boolean OR NOT EXISTS (SELECT 1 FROM imports i WHERE ${sameFile(row)})) RETURNING id`,
  writes:
    start.headerKey === null ? [] : [rememberMapping(row.organizationId, start.headerKey, start.mapping)],
  events: [
    {
      type: 'import.started',
      organizationId: row.organizationId,
      subject: subjects.import(row.id),
      data: { importId: row.id },
    },
  ],
});

/**
 * Ends an import: its chunks are deleted and its rejects kept. The guard requires one of the states in `from` and, if
 * given, an unchanged `nextRow`, so that a run that lost the import to another run changes nothing.
 */
export const markEnded = <To extends EndedStatus>(
  row: Pick<Import, 'id' | 'organizationId'>,
  end: {
    status: To;
    from: readonly Before<typeof importMoves, To>[];
    problem?: string;
    nextRow?: number;
    totalRows?: number;
  },
): Change => ({
  guard:
    () => sql`UPDATE imports SET status = ${end.status}::text, problem = ${end.problem ?? null}::text, ended_at = now(),
      stopped_at = CASE WHEN ${end.status}::text = 'cancelled' THEN now() ELSE stopped_at END, updated_at = now(), total_rows = coalesce(${end.totalRows ?? null}::integer, total_rows),
      header = CASE WHEN ${neverRead(end.status)} THEN NULL ELSE header END,
      mapping = CASE WHEN ${neverRead(end.status)} THEN NULL ELSE mapping END
    WHERE id = ${row.id}::uuid AND status = ANY(${sql.param([...end.from])}::text[])
      AND next_row = coalesce(${end.nextRow ?? null}::integer, next_row) RETURNING id`,
  writes: [
    {
      name: 'pieces',
      statement: (when) => sql`DELETE FROM import_chunks WHERE import_id = ${row.id}::uuid AND ${when}`,
    },
    wakeNext(row),
  ],
  events: [
    {
      type: 'import.ended',
      organizationId: row.organizationId,
      subject: subjects.import(row.id),
      data: { importId: row.id, status: end.status },
    },
  ],
});

/** Whether an import ends without a row of it having been read. Its header and mapping have no further use, and are large. */
const neverRead = (status: EndedStatus) =>
  status === 'done' ? sql`false` : sql`created + duplicates + rejected = 0`;

/** Makes the imports due that wait for this one to end. Without it they look again by themselves, but up to a minute later. */
const wakeNext = ({ id, organizationId }: Pick<Import, 'id' | 'organizationId'>): Part => ({
  name: 'woken',
  statement: (when) => sql`UPDATE outbox SET due_at = now() WHERE id IN (
    SELECT o.id FROM outbox o JOIN events e ON e.id = o.event_id AND e.occurred_at = o.event_at
    WHERE o.worker = 'importer' AND o.organization_id = ${organizationId}::uuid AND NOT o.queued AND o.parked_at IS NULL
      AND NOT o.lined_up AND o.due_at > o.created_at AND o.due_at > now() AND e.subject IN (SELECT 'import:' || n.id FROM (
        SELECT i.id FROM imports i WHERE i.organization_id = ${organizationId}::uuid AND i.status = 'running' AND i.id <> ${id}::uuid
          AND NOT ${sql.raw(isStuck('i'))} ORDER BY i.started_at, i.id LIMIT ${readTogether}::integer) n)
    FOR UPDATE OF o SKIP LOCKED) AND ${when}`,
});

function rememberMapping(organizationId: string, headerKey: string, mapping: Mapping): Part {
  return {
    name: 'remembered',
    statement: (when) => sql`INSERT INTO remembered_mappings (organization_id, header_key, mapping)
      SELECT ${organizationId}::uuid, ${headerKey}::text, ${json(mapping)} WHERE ${when}
      ON CONFLICT (organization_id, header_key) DO UPDATE SET mapping = excluded.mapping, updated_at = now()`,
  };
}

export async function rememberedMapping(
  db: Queryable,
  organizationId: string,
  headerKey: string,
): Promise<Mapping | null> {
  const [row] = await run<{ mapping: Mapping }>(
    db,
    sql`SELECT mapping FROM remembered_mappings WHERE organization_id = ${organizationId}::uuid AND header_key = ${headerKey}::text`,
  );
  return row?.mapping ?? null;
}

/** In the order of the file. */
export async function leadsOfImport(db: Queryable, importId: string, limit: number): Promise<string[]> {
  const rows = await run<{ id: string }>(
    db,
    sql`SELECT id FROM leads WHERE import_id = ${importId}::uuid ORDER BY id LIMIT ${limit}::integer`,
  );
  return rows.map(({ id }) => id);
}

export async function hasFailedSyncs(db: Queryable, importId: string): Promise<boolean> {
  const rows = await run(
    db,
    sql`SELECT 1 FROM lead_syncs WHERE ${syncsOfImport(importId)} AND status = 'failed' LIMIT 1`,
  );
  return rows.length > 0;
}

/** Fails interrupted uploads and expired unstarted imports, and deletes their bytes. Safe to run concurrently. */
export async function sweepImports(db: Queryable): Promise<number> {
  const rows = await run(
    db,
    sql`WITH over AS (
      UPDATE imports SET ended_at = now(), status = 'failed', header = NULL, mapping = NULL,
        problem = CASE status WHEN 'uploading' THEN ${cutOffProblem}::text ELSE ${forgottenProblem}::text END
      WHERE status IN ('uploading', 'ready') AND updated_at < now() - interval '${sql.raw(String(cutOffAfterMinutes))} minutes'
        AND (status = 'uploading' OR updated_at < now() - interval '${sql.raw(String(forgottenAfterDays))} days')
      RETURNING id),
    pieces AS (DELETE FROM import_chunks c USING over WHERE c.import_id = over.id)
    SELECT id FROM over`,
  );
  return rows.length;
}

const json = (value: unknown) => sql`${value === null ? null : JSON.stringify(value)}::jsonb`;
