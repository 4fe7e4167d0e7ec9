import { findCompany } from '../db/account/companies.ts';
import { requestSync } from '../db/crm/syncs.ts';
import { findImport, type Import, markEnded } from '../db/imports/imports.ts';
import type { Mapping } from '../domain/csv/mapping.ts';
import { RefusedError } from '../domain/errors.ts';
import { defineWorker, eventOnly } from '../engine/define.ts';
import { continueNow, finish, type Outcome, park, skip, snooze } from '../engine/outcome.ts';
import { readSlice } from '../usecases/imports/read-slice.ts';
import type { Runtime } from '../usecases/runtime.ts';

type Deps = Pick<Runtime, 'db' | 'vault' | 'relay'>;

/** Time after which a file yields to others; it is continued where it stopped. */
const sliceMs = 15_000;

/** Reads a stored file, row by row, into leads. */
export const importer = defineWorker<'importer', Deps>({
  name: 'importer',
  about: eventOnly,
  concurrency: 2,
  // A slice reads the file up to its first row, which takes long near the end of a large file.
  timeoutMs: 600_000,
  attempts: 12,
  handle: {
    async 'import.started'(event, deps) {
      const row = await findImport(deps.db, event.data.importId);
      if (row?.status !== 'running' || row.mapping === null) return skip('not running');
      const company = await findCompany(deps.db, { organizationId: row.organizationId });
      if (!company) return park('the organization is no company');
      try {
        const end = await readSlice(deps, row as Import & { mapping: Mapping }, company, sliceMs);
        if (end.kind === 'more') return continueNow(`read up to row ${end.nextRow}`);
        // The run that holds the import continues it; this row checks again in case that run dies.
        if (end.kind === 'lost') return snooze(2_000, 'read by another run');
        const { nextRow, rows } = end;
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

/** Fails an import on a problem within its file: the rows before it are stored and counted. */
const broken = (row: Import, problem: string): Outcome =>
  finish(markEnded(row, { status: 'failed', from: ['running'], problem }), 'the file is broken');
