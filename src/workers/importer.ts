import { findCompany } from '../db/account/companies.ts';
import { rejectReasons } from '../db/crm/processing-log.ts';
import { requestSync } from '../db/crm/syncs.ts';
import { findImport, type Import, markEnded } from '../db/imports/imports.ts';
import type { Mapping } from '../domain/csv/mapping.ts';
import { RefusedError } from '../domain/errors.ts';
import { defineWorker, eventOnly } from '../engine/define.ts';
import { continueNow, finish, type Outcome, park, patience, skip, snooze } from '../engine/outcome.ts';
import { mostRefused, readRows } from '../usecases/imports/read-slice.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'relay' | 'config'>;

/** Time after which a file gives up its place, sooner when all places are taken; it is continued where it stopped. */
const runMs = 15_000;
const waitMs = 2_000;
// Files open at once. Few of them are read at once: usecases/imports/turns.ts.
const concurrency = 16;
// A run reads the file up to its first row, which takes long near the end of a large file.
const timeoutMs = 600_000;

/** Reads a stored file, row by row, into leads. */
export const importer = defineWorker<'importer', Deps>({
  name: 'importer',
  about: eventOnly,
  concurrency,
  timeoutMs,
  attempts: 12,
  handle: {
    async 'import.started'(event, deps, run) {
      const row = await findImport(deps.db, event.data.importId);
      if (row?.status !== 'running' || row.mapping === null) return skip('not running');
      if (row.waiting)
        return snooze(patience(run, waitMs), 'waiting for earlier imports of the organization');
      const company = await findCompany(deps.db, { organizationId: row.organizationId });
      if (!company) return park('the organization is no company');
      try {
        const end = await readRows(deps, row as Import & { mapping: Mapping }, company, {
          runMs,
          timeoutMs,
          places: concurrency * deps.config.workerCount,
        });
        if (end.kind === 'more') return continueNow(`read up to row ${end.nextRow}`);
        // The run that holds the import continues it; this row checks again in case that run dies.
        if (end.kind === 'lost') return snooze(2_000, 'read by another run');
        if (end.kind === 'refused') return refused(deps, row, end.nextRow);
        const { nextRow, rows } = end;
        assertEveryRow((await findImport(deps.db, row.id)) ?? row, rows);
        return finish(
          markEnded(row, { status: 'done', from: ['running'], nextRow, totalRows: rows }),
          `${rows} rows`,
        );
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        return broken(row, error.message);
      }
    },

    async 'import.retry_requested'(event, deps) {
      const { importId } = event.data;
      const row = await findImport(deps.db, importId);
      if (!row) return skip('no such import');
      const requested = await requestSync(deps.db, { organizationId: row.organizationId, importId });
      return finish({}, `${requested} leads requested again`);
    },
  },
});

/** Throws unless every row of the file became a lead, a duplicate or a rejected row. */
function assertEveryRow({ id, created, duplicates, rejected }: Import, rows: number): void {
  const counted = created + duplicates + rejected;
  if (counted !== rows)
    throw new Error(
      `Import ${id} read ${rows} rows and counted ${counted}: ${created} leads, ${duplicates} duplicates, ${rejected} rejected.`,
    );
}

/** Fails an import on a problem within its file: the rows before it are stored and counted. */
const broken = (row: Import, problem: string): Outcome =>
  finish(markEnded(row, { status: 'failed', from: ['running'], problem }), 'the file is broken');

/** Fails an import of which not one row became a lead. Its first rejected rows are kept, to be looked at. */
async function refused({ db }: Deps, row: Import, nextRow: number): Promise<Outcome> {
  const [most] = await rejectReasons(db, row.id, 1);
  const cause = most ? ` Most of them: ${most.field} ${most.reason}.` : '';
  const problem = `The import was stopped because the first ${mostRefused} rows were all rejected.${cause} No lead was created; the rejected rows are kept with their reasons. Check the columns and the file, then upload it again.`;
  return finish(
    markEnded(row, { status: 'failed', from: ['running'], problem, nextRow }),
    'all rows rejected',
  );
}
